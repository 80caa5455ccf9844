import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { expectDone, newPlace } from '../support/fault-project.ts';
import { NO_CHROMIUM, readDocs } from './docs-browser.ts';
import { NO_SCHEMATHESIS, SCHEMATHESIS, schemathesis } from './schemathesis.ts';
import { type Served, serveFolder, serveProject } from './served-project.ts';

/** The endpoints that projects declare: those of the retail demo and of the invoices, and what the server says of them. */
const MODELS =
  'dim_clients dim_produits dim_temps fact_ventes kpi_ca_par_jour kpi_ca_par_mois kpi_ca_par_pays kpi_stats_distribution kpi_top_clients kpi_volume_par_produit';

let retail: Served;
let url = '';
beforeAll(async () => {
  const place = newPlace('');
  const text = (...path: string[]): string => readFileSync(resolve(...path), 'utf8');
  place.put({
    'pipelines.yaml': text('pipelines.yaml'),
    'data/clients.csv': text('fixtures/small/data/clients.csv'),
    'data/achats.csv': text('fixtures/small/data/achats.csv'),
    ...Object.fromEntries(
      MODELS.split(' ').map((name) => [join('models', `${name}.sql`), text('models', `${name}.sql`)]),
    ),
  });
  expectDone(place.dataflow(['run']));
  retail = await serveFolder(place);
  url = await retail.app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(() => retail.close());

const LISTS = `clients produits ventes kpis/ca-par-jour kpis/ca-par-mois kpis/ca-par-pays kpis/volume-par-produit kpis/top-clients kpis/stats-distribution aggregations/ca-par-periode?periode=jour`;
const OTHERS = [
  '/api/v1/pipeline/status',
  '/api/v1/pipeline/refresh-times',
  '/api/v1/pipeline/refresh-time/fact_ventes',
  '/api/v1/aggregations/ca-total',
];

describe('retail', () => {
  it.each(LISTS.split(' ').map((path) => `/api/v1/${path}`))('%s answers {total, skip, limit, data}', async (url) => {
    const { status, body } = await retail.get(url);
    expect([status, Object.keys(body)]).toEqual([200, ['total', 'skip', 'limit', 'data']]);
    expect(body.data).toHaveLength(Math.min(body.total, body.limit));
    expect(body.total).toBeGreaterThan(0);
  });

  it('gives one client, product and purchase, and no other', async () => {
    for (const [list, column] of [
      ['clients', 'id_client'],
      ['produits', 'id_produit'],
      ['ventes', 'id_achat'],
    ]) {
      const [first] = (await retail.get(`/api/v1/${list}?limit=1`)).body.data;
      expect((await retail.get(`/api/v1/${list}/${first[String(column)]}`)).body).toEqual(first);
      expect((await retail.get(`/api/v1/${list}/987654`)).body.code).toBe('E_SERVE_UNKNOWN');
      expect((await retail.get(`/api/v1/${list}/abc`)).status).toBe(400);
    }
  });

  it('keeps its limits, and filters by value and by range', async () => {
    expect((await retail.get('/api/v1/clients?limit=1001')).body).toMatchObject({
      status: 400,
      allowed: 'a whole number from 1 to 1000',
    });
    expect((await retail.get('/api/v1/kpis/top-clients?limit=101')).status).toBe(400);
    expect((await retail.get('/api/v1/kpis/top-clients')).body.limit).toBe(10);
    const all = (await retail.get('/api/v1/ventes')).body.data;
    const dates: string[] = all.map((one: { date: string }) => one.date).sort();
    const some = await retail.get(`/api/v1/ventes?date_debut=${dates[1]}&date_fin=${dates[3]}&skip=1`);
    const within = all.filter(({ date }: { date: string }) => date >= String(dates[1]) && date <= String(dates[3]));
    expect(some.body).toMatchObject({ total: within.length, skip: 1, data: within.slice(1) });
    const days = (await retail.get('/api/v1/kpis/ca-par-jour')).body.data.map((one: { date: string }) => one.date);
    expect(days).toEqual([...new Set(dates)].reverse());
    expect((await retail.get('/api/v1/aggregations/ca-par-periode?periode=semaine')).body.allowed).toBe(
      'jour, mois, annee',
    );
    expect((await retail.get('/api/v1/ventes?nom=x')).body.allowed).toContain(
      'id_client, produit, date_debut, date_fin',
    );
  });

  it('tells how the pipeline stands', async () => {
    const { body } = await retail.get('/api/v1/pipeline/status');
    expect(body).toMatchObject({ status: 'succeeded', release: { release_id: retail.serving.current?.release_id } });
    expect((await retail.get('/api/v1/pipeline/refresh-time/nothing')).status).toBe(404);
  });

  it('answers everything as /openapi.json says', async () => {
    const { body: document } = await retail.get('/openapi.json');
    expect(document.openapi).toBe('3.1.0');
    const ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true }));
    const urls = [
      ...LISTS.split(' ').map((path) => `/api/v1/${path}`),
      ...OTHERS,
      '/api/v1/clients/1',
      '/api/v1/tables',
      '/health',
      '/ready',
    ];
    const tables = Object.keys(document.paths).filter(
      (path) => path.startsWith('/api/v1/tables/') && !path.endsWith('}'),
    );
    expect(tables).toHaveLength(30);
    for (const url of [...urls, ...tables]) {
      const path = url.split('?')[0] ?? '';
      const declared =
        document.paths[path] ??
        document.paths[path.replace(/[^/]+$/, path.includes('refresh') ? '{collection}' : '{id_client}')];
      const { schema } = declared.get.responses['200'].content['application/json'];
      const fits = ajv.compile(schema);
      expect([url, fits((await retail.get(url)).body), fits.errors]).toEqual([url, true, null]);
    }
    const problem = (await retail.get('/api/v1/clients?limit=x')).body;
    expect(ajv.compile(document.components.schemas.Problem)(problem)).toBe(true);
  });

  it.skipIf(SCHEMATHESIS === undefined)(
    `keeps what it describes whatever is asked${NO_SCHEMATHESIS}`,
    { timeout: 120_000 },
    async () => {
      const { status, text } = await schemathesis(url, 40);
      expect(status, text).toBe(0);
      expect(text).toMatch(/Tested: (\d+)/);
      expect(text).not.toContain('Tested: 0');
      expect(retail.log.filter((line) => line.status >= 500)).toEqual([]);
    },
  );

  it.skipIf(NO_CHROMIUM !== '')(
    `is shown and asked in a browser, without an error and without anybody else${NO_CHROMIUM}`,
    { timeout: 60_000 },
    async () => {
      const met = await readDocs(url, '/api/v1/aggregations/ca-total');
      expect(met).toMatchObject({ title: 'retail: API', answered: '200', errors: [], strangers: [] });
      const { paths } = (await retail.get('/openapi.json')).body;
      expect(met.endpoints).toBe(Object.keys(paths).length);
    },
  );

  it('shows its documentation without a script in the page and without another server', async () => {
    const { text } = await retail.get('/docs');
    expect(text).not.toMatch(/<script>|https?:|style=/);
    for (const [, file = ''] of text.matchAll(/(?:src|href)="(\/[^"]+)"/g))
      expect((await retail.get(file)).status).toBe(200);
    expect(Object.keys((await retail.get('/openapi.json')).body.paths)).toContain('/api/v1/kpis/ca-par-jour');
  });
});

describe('tokens', () => {
  const hash = (token: string): string => `sha256:${createHash('sha256').update(token).digest('hex')}`;
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  let served: Served;
  beforeAll(async () => {
    served = await serveProject(
      `sources: { a: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint } } }
gold:
  open: { sql: select id from bronze.a, key: id }
  closed: { sql: select id from bronze.a, key: id }
serve:
  cors: [https://app.example]
  hosts: [data.example]
  tokens: { all: { hash: "${hash('one')}" }, some: { hash: "${hash('two')}", tables: [gold.open] } }
  routes:
    /both: { sql: select o.id from gold.open as o join gold.closed as c using (id) }
`,
      { 'in/a.csv': 'id\n1\n' },
      '0.0.0.0',
    );
  });
  afterAll(() => served.close());

  it.each([
    '/api/v1/tables',
    '/api/v1/tables/gold/open',
    '/api/v1/tables/gold/nope',
    '/both',
    '/openapi.json',
    '/metrics',
  ])('are needed for %s', async (url) => {
    expect(await served.get(url)).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer' },
      body: { code: 'E_SERVE_TOKEN' },
    });
    expect((await served.get(url, bearer('three'))).status).toBe(401);
    expect((await served.get(url, bearer('one'))).status).toBe(url.endsWith('nope') ? 404 : 200);
  });

  it('open their tables alone, also when the answer is in memory', async () => {
    expect((await served.get('/api/v1/tables/gold/closed', bearer('one'))).status).toBe(200);
    for (const url of ['/api/v1/tables/gold/closed', '/api/v1/tables/gold/closed/1', '/both', '/metrics'])
      expect((await served.get(url, bearer('two'))).body.code).toBe('E_SERVE_SCOPE');
    expect((await served.get('/api/v1/tables', bearer('two'))).body.total).toBe(1);
    const paths = Object.keys((await served.get('/openapi.json', bearer('two'))).body.paths);
    expect(paths.filter((path) => /closed|both/.test(path))).toEqual([]);
    const { headers } = await served.get('/api/v1/tables/gold/open', bearer('two'));
    expect([headers['cache-control'], headers['vary']]).toEqual([
      'private, no-cache',
      'Accept, Accept-Encoding, Origin, Authorization',
    ]);
  });

  it('leave health open, and let listed pages and names ask', async () => {
    expect((await served.get('/health', { host: 'data.example' })).status).toBe(200);
    const asked = await served.get('/api/v1/tables', { ...bearer('one'), origin: 'https://app.example' });
    expect(asked.headers['access-control-allow-origin']).toBe('https://app.example');
    expect((await served.get('/api/v1/tables', { ...bearer('one'), origin: 'https://other.example' })).status).toBe(
      403,
    );
    expect(asked.headers['x-ratelimit-limit']).toBe('6000');
    expect(JSON.stringify(served.log)).not.toContain('one');
  });
});

describe('the invoices', () => {
  it('answer of the latest day, or of the one that is asked for', async () => {
    const { serve } = parse(readFileSync('fixtures/projects/factures/pipelines.yaml', 'utf8')) as { serve: unknown };
    const served = await serveProject(
      `sources: { a: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { jour: date, pays: varchar, region: varchar, n: bigint, montant: "decimal(12,2)" } } }
gold:
  analytics_par_heure: { sql: "select jour, pays, region, n as factures, montant from bronze.a", key: [jour, pays] }
serve: ${JSON.stringify(serve)}
`,
      {
        'in/a.csv':
          'jour,pays,region,n,montant\n2025-03-14,France,Europe,2,20.50\n2025-03-14,Japon,Asie,1,7.00\n2025-03-13,France,Europe,1,5.00\n',
      },
    );
    try {
      expect((await served.get('/api/analytics/summary')).body).toEqual({
        date: '2025-03-14',
        factures: 3,
        montant: 27.5,
        montant_moyen: 9.17,
        pays: 2,
      });
      expect((await served.get('/api/analytics/by_region')).body.map((one: { region: string }) => one.region)).toEqual([
        'Europe',
        'Asie',
      ]);
      expect((await served.get('/api/analytics/by_country?date=2025-03-13')).body).toEqual([
        { pays: 'France', region: 'Europe', factures: 1, montant: 5 },
      ]);
      expect((await served.get('/api/analytics/by_country?date=2020-01-01')).body).toEqual([]);
      expect((await served.get('/api/analytics/summary?date=2020-01-01')).status).toBe(404);
      expect((await served.get('/api/analytics/summary?date=2020-13-01')).body.parameter).toBe('date');
      expect((await served.get('/api/analytics/dates')).body[0]).toEqual({ date: '2025-03-14', factures: 3 });
    } finally {
      await served.close();
    }
  });
});
