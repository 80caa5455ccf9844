import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DashboardShape, WidgetRows } from '../../src/core/contract/dashboard.ts';
import { expectDone, newPlace, type Place } from '../support/fault-project.ts';
import { type Served, serveFolder, serveProject } from './served-project.ts';

/** What the pages in a browser ask: of the retail demo, and of a small project where everything can be said beforehand. */
const MODELS =
  'dim_clients dim_produits dim_temps fact_ventes kpi_ca_par_jour kpi_ca_par_mois kpi_ca_par_pays kpi_stats_distribution kpi_top_clients kpi_volume_par_produit';
const BASE = '/api/v1/dashboard';

/** The answers of `dataflow query` to several queries at once, in a process of its own. */
function queried(place: Place, queries: readonly string[]): unknown[][][] {
  const lists = queries.map((sql, i) => `(select cast(to_json(list(t)) as varchar) from (${sql}) as t) as r${i}`);
  const ran = place.dataflow(['query', `select ${lists.join(', ')}`, '--format', 'json']);
  expectDone(ran);
  const [row = {}] = JSON.parse(ran.stdout) as Record<string, string>[];
  return Object.values(row).map((text) => (JSON.parse(text) as object[]).map((one) => Object.values(one)));
}

/** Address below the pages, and the query with the same answer. */
const ANSWERS: readonly (readonly [string, string])[] = [
  [
    'vue-d-ensemble/ca-du-dernier-mois',
    'select (select ca_total from gold.kpi_ca_par_mois order by mois desc limit 1) as a, (select ca_total from gold.kpi_ca_par_mois order by mois desc limit 1 offset 1) as b',
  ],
  ['vue-d-ensemble/ca-par-mois', 'select mois, ca_total from gold.kpi_ca_par_mois order by mois'],
  ['vue-d-ensemble/ca-par-pays', 'select pays, ca_total from gold.kpi_ca_par_pays order by ca_total desc'],
  ['vue-d-ensemble/volumes-par-produit', 'select produit, nb_ventes from gold.kpi_volume_par_produit order by rang'],
  [
    'vue-d-ensemble/meilleurs-clients',
    'select rang, nom, pays, segment, total_ca, nb_achats from gold.kpi_top_clients order by rang limit 10',
  ],
  [
    'chiffre-d-affaires/ca-de-la-periode?periode=2024-01-01..2024-06-30',
    "select sum(ca_total) as v from gold.kpi_ca_par_jour where date between '2024-01-01' and '2024-06-30'",
  ],
  [
    'chiffre-d-affaires/evolution-du-ca?granularite=annee',
    'select cast(year(date) as varchar) as periode, sum(ca_total) as ca from gold.kpi_ca_par_jour group by 1 order by 1',
  ],
  [
    'chiffre-d-affaires/evolution-du-ca?granularite=jour&periode=2024-01-01..',
    "select cast(date as varchar) as periode, sum(ca_total) as ca from gold.kpi_ca_par_jour where date >= '2024-01-01' group by 1 order by 1",
  ],
  [
    'chiffre-d-affaires/detail-par-jour?sort=ca_total&limit=5&offset=2',
    'select date, ca_total, nb_transactions, panier_moyen from gold.kpi_ca_par_jour order by ca_total, date limit 5 offset 2',
  ],
  [
    'clients/clients?pays=France&pays=Suisse',
    "select count(*) as v from gold.dim_clients where pays in ('France', 'Suisse')",
  ],
  [
    'clients/ca-median-par-client?segment=Bronze',
    "select median(total_ca) as v from gold.dim_clients where segment = 'Bronze'",
  ],
  ['clients/clients-par-segment', 'select segment, count(*) as n from gold.dim_clients group by 1 order by 1'],
  [
    'clients/meilleurs-clients?top=5&pays=',
    "select nom || ' (' || id_client || ')' as client, total_ca from gold.dim_clients order by total_ca desc, id_client limit 5",
  ],
  ['produits/volumes', 'select produit, nb_ventes from gold.kpi_volume_par_produit order by nb_ventes desc'],
  ['produits/part-du-ca', 'select produit, ca_total from gold.dim_produits order by ca_total desc'],
  [
    'produits/distribution-des-montants',
    'select produit, min, "25%", "50%", "75%", max from gold.kpi_stats_distribution order by produit',
  ],
];

describe('retail', () => {
  let expected: unknown[][][];
  let retail: Served;
  let shape: DashboardShape;
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
    // A process that is waited for would make the server believe that it cannot keep up.
    expected = queried(
      place,
      ANSWERS.map(([, sql]) => sql),
    );
    retail = await serveFolder(place);
    shape = (await retail.get(BASE)).body;
  });
  afterAll(() => retail.close());

  it('tells what is declared, and keeps queries to itself', async () => {
    expect([shape.title, shape.language, shape.pages.map(({ id }) => id)]).toEqual([
      'Retail',
      'fr',
      ['vue-d-ensemble', 'chiffre-d-affaires', 'clients', 'produits'],
    ]);
    expect(shape.pages[1]?.filters[0]).toMatchObject({ values: ['jour', 'mois', 'annee'], labels: { annee: 'Année' } });
    expect(shape.reader).toEqual({ name: null, operator: false });
    expect(JSON.stringify(shape)).not.toMatch(/select|gold\./);
  });

  it('gives every widget the columns that it shows, and the values of every filter', async () => {
    for (const page of shape.pages) {
      for (const widget of page.widgets) {
        const { status, body } = await retail.get(`${BASE}/pages/${page.id}/widgets/${widget.id}`);
        expect([page.id, widget.id, status]).toEqual([page.id, widget.id, 200]);
        const rows = body as WidgetRows;
        expect(rows.rows.length, widget.id).toBeGreaterThan(0);
        const { x, y = [], series, name, value, box = {}, columns = [] } = widget;
        const shown = [x, ...y, series, name, value, ...Object.values(box), ...columns.map((one) => one.name)];
        const given = rows.columns.map((one) => one.name);
        expect(given).toEqual(expect.arrayContaining(shown.filter((one) => one !== undefined)));
      }
      for (const { name } of page.filters)
        expect((await retail.get(`${BASE}/pages/${page.id}/filters/${name}`)).body.values.length).toBeGreaterThan(1);
    }
  });

  it.each(ANSWERS.map(([address], i) => [address, i] as const))(
    '%s answers what the query does',
    async (address, i) => {
      const [path = '', query] = address.split('?');
      const url = `${BASE}/pages/${path.replace('/', '/widgets/')}${query === undefined ? '' : `?${query}`}`;
      const { status, body } = await retail.get(url);
      expect(status, JSON.stringify(body)).toBe(200);
      const numbers = (rows: unknown[][]) =>
        rows.map((row) => row.map((cell) => (/^-?\d+(\.\d+)?$/.test(String(cell)) ? Number(cell) : cell)));
      expect(numbers(body.rows)).toEqual(numbers(expected[i] ?? []));
    },
  );
});

const CONFIG = `sources:
  s: { type: files, path: s.csv, settle_seconds: 0, columns: { id: bigint, jour: date, mois: varchar, pays: varchar, montant: "decimal(38,2)", gros: bigint, quand: timestamptz } }
silver:
  v: { from: s, key: id }
gold:
  g: { sql: "select * from silver.v", key: id }
  secret: { sql: "select count(*) as n from silver.v" }
serve:
  tables: [gold.g]
  limits: { rows_max: 3 }
  tokens:
    some: { hash: "sha256:HASH", tables: [gold.g] }
dashboard:
  pages:
    - title: Page
      filters:
        jours: { type: date_range, table: gold.g, column: jour, default: 2d }
        pays: { type: choice, table: gold.g, column: pays, multiple: true }
        un: { type: choice, sql: "select distinct pays from gold.g order by 1 desc", default: latest }
        nom: { type: text }
      widgets:
        - { table: { table: gold.g, columns: [id, montant, gros, quand] }, id: cells }
        - { table: { table: gold.g, columns: [id], filters: { jours: jour, pays: pays, nom: pays } }, id: rows }
        - { table: { table: gold.g, columns: [id], filters: { jours: mois } }, id: months }
        - { metric: "select count(*) from gold.g where pays = $un", id: latest }
        - { table: { table: gold.g, columns: [id], filters: { un: pays } }, id: one }
        - { bar: { table: gold.g, x: pays, y: [sum(gros), count(*)], where: "id > 1 and pays <> coalesce($nom, '')" }, id: bars }
        - { line: { table: gold.g, x: id, y: gros }, id: many }
        - { metric: "select n from gold.secret", id: hidden }
        - { text: "Bonjour", id: words }
        - { metric: { sql: "select missing from gold.g" }, id: broken }
`;
const ROWS = `id,jour,mois,pays,montant,gros,quand
1,2024-01-30,2024-01,France,0.10,1,2024-01-30T10:00:00Z
2,2024-01-31,2024-01,Suisse,12345678901234567.89,9007199254740993,2024-01-31T10:00:00Z
3,2024-02-01,2024-02,Été,,-5,
4,2024-02-01,2024-02,"it's 100%",7.00,2,2024-02-01T23:30:00+01:00
`;
const TOKEN = 'a-token-that-reads-gold-g';

describe('a small project', () => {
  let served: Served;
  let pages: string;
  const auth = { authorization: `Bearer ${TOKEN}` };
  const rows = async (widget: string, query = ''): Promise<unknown> =>
    (await served.get(`${BASE}/pages/page/widgets/${widget}${query}`, auth)).body.rows;
  const ids = async (widget: string, query: string): Promise<unknown> =>
    ((await rows(widget, query)) as unknown[][]).flat();
  beforeAll(async () => {
    const { createHash } = await import('node:crypto');
    const hash = createHash('sha256').update(TOKEN).digest('hex');
    pages = mkdtempSync(join(tmpdir(), 'dataflow-pages-'));
    mkdirSync(join(pages, 'assets'));
    writeFileSync(join(pages, 'index.html'), '<!doctype html><title>x</title>');
    writeFileSync(join(pages, 'assets', 'index-AbCd1234.js'), 'export {}');
    writeFileSync(join(pages, '.hidden'), 'no');
    served = await serveProject(CONFIG.replace('sha256:HASH', `sha256:${hash}`), { 's.csv': ROWS }, '127.0.0.1', pages);
  });
  afterAll(async () => {
    await served.close();
    rmSync(pages, { recursive: true, force: true });
  });

  it('gives numbers that a double holds as numbers, others as text, times in UTC', async () => {
    expect(await rows('cells', '?limit=3')).toEqual([
      [1, 0.1, 1, '2024-01-30T10:00:00.000000Z'],
      [2, '12345678901234567.89', '9007199254740993', '2024-01-31T10:00:00.000000Z'],
      [3, null, -5, null],
    ]);
    expect(await rows('cells', '?offset=3')).toEqual([[4, 7, 2, '2024-02-01T22:30:00.000000Z']]);
  });

  it('filters by days, choices and texts; what is left out is the default, what is empty is no filter', async () => {
    expect(await ids('rows', '?limit=3')).toEqual([2, 3, 4]);
    expect(await ids('rows', '?jours=&sort=-id')).toEqual([4, 3, 2]);
    expect(await ids('rows', '?jours=2024-01-30..2024-01-31')).toEqual([1, 2]);
    expect(await ids('rows', '?jours=..2024-01-30')).toEqual([1]);
    expect(await ids('rows', '?jours=2024-02-01')).toEqual([3, 4]);
    expect(await ids('rows', '?pays=Suisse&pays=France&jours=')).toEqual([1, 2]);
    expect(await ids('rows', '?jours=&nom=ete')).toEqual([3]);
    expect(await ids('months', '?jours=2024-02-01..2024-02-29')).toEqual([3, 4]);
    expect(await ids('rows', '?jours=&q=2')).toEqual([2]);
    expect(await rows('latest')).toEqual([[1]]);
    expect([await ids('one', ''), await ids('one', '?un=France'), await ids('one', '?un=')]).toEqual([
      [2],
      [1],
      [1, 2, 3],
    ]);
    const filter = async (name: string) => (await served.get(`${BASE}/pages/page/filters/${name}`, auth)).body;
    expect(await filter('jours')).toMatchObject({
      values: ['2024-01-30', '2024-02-01'],
      default: '2024-01-31..2024-02-01',
    });
    expect((await filter('pays')).values).toEqual(['France', 'Suisse', "it's 100%", 'Été']);
    expect(await filter('un')).toMatchObject({ default: 'Suisse' });
  });

  it('adds up by the axis, and cuts what is longer than a chart may be', async () => {
    expect(await rows('bars')).toEqual([
      ['Suisse', '9007199254740993', 1],
      ["it's 100%", 2, 1],
      ['Été', -5, 1],
    ]);
    expect(((await rows('bars', '?nom=Suisse')) as unknown[]).length).toBe(2);
    const many = await served.get(`${BASE}/pages/page/widgets/many`, auth);
    expect([many.body.rows.length, many.body.truncated, many.body.total]).toEqual([3, true, undefined]);
    const table = await served.get(`${BASE}/pages/page/widgets/rows?jours=&limit=1`, auth);
    expect([table.body.rows.length, table.body.truncated, table.body.total]).toEqual([1, false, 4]);
  });

  it.each([
    "?pays=' or 1=1 --",
    "?pays=x') union select 1 --",
    '?nom=%25',
    "?q='); drop table gold.g; --",
    '?nom=$jours_from',
  ])('takes %s for a value', async (query) => {
    const before = await rows('cells');
    const { status, body } = await served.get(
      `${BASE}/pages/page/widgets/rows${query.replaceAll(' ', '%20')}&jours=`,
      auth,
    );
    expect([status, body.rows]).toEqual([200, query === '?nom=%25' ? [[4]] : []]);
    expect(await rows('cells')).toEqual(before);
  });

  it.each([
    ['?jours=2024-13-01', 'jours'],
    ['?jours=a..b..c', 'jours'],
    ['?un=a&un=b', 'un'],
    ['?sort=nothing', 'sort'],
    ['?limit=4', 'limit'],
    ['?offset=-1', 'offset'],
    ['?format=xml', 'format'],
    ['?other=1', 'other'],
    ['?__proto__=1', '__proto__'],
  ])('refuses %s', async (query, parameter) => {
    const { status, body } = await served.get(`${BASE}/pages/page/widgets/rows${query}`, auth);
    expect([status, body.code, body.parameter]).toEqual([400, 'E_SERVE_PARAMETER', parameter]);
  });

  it('exports all rows or none, and disarms formulas', async () => {
    expect((await served.get(`${BASE}/pages/page/widgets/rows?format=csv`, auth)).text).toBe('id\n2\n3\n4\n');
    expect((await served.get(`${BASE}/pages/page/widgets/rows?format=json&sort=-id`, auth)).body).toEqual([
      { id: 4 },
      { id: 3 },
      { id: 2 },
    ]);
    expect((await served.get(`${BASE}/pages/page/widgets/rows?format=csv&jours=`, auth)).body).toMatchObject({
      status: 503,
      code: 'E_SERVE_TIME',
    });
  });

  it('lets a token see the page, and of its widgets those whose tables it may read', async () => {
    expect((await served.get(BASE)).body).toMatchObject({ status: 401, code: 'E_SERVE_TOKEN' });
    expect((await served.get(BASE, auth)).body).toMatchObject({
      title: 'served',
      reader: { name: 'some', operator: false },
    });
    expect((await served.get(`${BASE}/pages/page/widgets/hidden`, auth)).body).toMatchObject({
      status: 403,
      code: 'E_SERVE_SCOPE',
    });
    expect((await served.get(`${BASE}/pages/page/widgets/words`, auth)).body).toMatchObject({ status: 404 });
    expect((await served.get(`${BASE}/pages/page/widgets/constructor`, auth)).status).toBe(404);
    expect((await served.get(`${BASE}/pages/page/filters/toString`, auth)).status).toBe(404);
    expect((await served.get('/api/v1/events')).status).toBe(401);
    const broken = await served.get(`${BASE}/pages/page/widgets/broken`, auth);
    expect([broken.status, /missing|select/.test(broken.text)]).toEqual([500, false]);
    expect(served.log.at(-1)?.error).toMatch(/missing/);
  });

  it('answers 304 until the next release', async () => {
    const url = `${BASE}/pages/page/widgets/cells?offset=3`;
    const first = await served.get(url, auth);
    const known = { ...auth, 'if-none-match': String(first.headers['etag']) };
    expect([first.headers['cache-control'], (await served.get(url, known)).status]).toEqual(['private, no-cache', 304]);
    const shape = await served.get(BASE, auth);
    expect((await served.get(BASE, { ...auth, 'if-none-match': String(shape.headers['etag']) })).status).toBe(304);
    served.place.put({
      's.csv': ROWS.replace('4,2024-02-01,2024-02,"it\'s 100%",7.00', '4,2024-02-01,2024-02,x,8.00'),
    });
    await served.run();
    const next = await served.get(url, known);
    expect([next.status, next.body.rows[0][1]]).toEqual([200, 8]);
    const { release_id } = first.body.release;
    expect((await served.get(`${url}&as_of=${release_id}`, auth)).body.rows[0][1]).toBe(7);
  });

  it('tells those who listen of runs and releases, and lets go of them when it stops', async () => {
    const { place } = served;
    const other = await serveFolder(place);
    const url = await other.app.listen({ host: '127.0.0.1', port: 0 });
    const response = await fetch(`${url}/api/v1/events`, { headers: auth });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    const until = async (pattern: RegExp): Promise<void> => {
      while (!pattern.test(text)) {
        const { value, done } = await reader.read();
        if (done) throw new Error(`the stream ended: ${text}`);
        text += value;
      }
    };
    const before = other.serving.current?.release_id;
    await until(new RegExp(`event: release\\ndata: \\{"release_id":"${before}"`));
    place.put({ 's.csv': ROWS });
    await other.run();
    await other.events.look();
    await until(/event: run\ndata: \{"run_id":"\w+","status":"succeeded"\}/);
    const after = other.serving.current?.release_id;
    await until(new RegExp(`event: release\\ndata: \\{"release_id":"${after}"`));
    expect(after).not.toBe(before);
    await other.app.close();
    for (let step = await reader.read(); !step.done; step = await reader.read()) text += step.value;
    const metrics = await served.get('/metrics', auth);
    expect(metrics.text).not.toContain('/api/v1/events');
  });

  it('gives the pages to browsers, with a policy that lets no script in', async () => {
    const html = { accept: 'text/html,*/*' };
    for (const url of ['/', '/d/page?pays=France', '/pipeline/runs', '/d/page/']) {
      const { status, text, headers } = await served.get(url, html);
      expect([url, status, text, headers['cache-control']]).toEqual([
        url,
        200,
        '<!doctype html><title>x</title>',
        'no-cache',
      ]);
      const policy = String(headers['content-security-policy']);
      expect(policy).toMatch(/default-src 'none';script-src 'self';.*frame-ancestors 'none'/);
      expect(policy).not.toMatch(/script-src[^;]*unsafe/);
      expect([headers['x-content-type-options'], headers['referrer-policy'], headers['x-frame-options']]).toEqual([
        'nosniff',
        'no-referrer',
        'DENY',
      ]);
    }
    const asset = await served.get('/assets/index-AbCd1234.js');
    expect([asset.text, asset.headers['cache-control']]).toEqual(['export {}', 'public, max-age=31536000, immutable']);
    expect((await served.get('/d/page', { accept: 'application/json' })).status).toBe(404);
    expect((await served.get('/other', html)).status).toBe(404);
    expect((await served.get('/api/v1/nothing', html)).status).toBe(404);
    expect((await served.get('/docs', html)).status).toBe(200);
  });

  it.each([
    '/../s.csv',
    '/%2e%2e/s.csv',
    '/assets/..%2f..%2fetc/passwd',
    '/assets/%2e%2e/%2e%2e/s.csv',
    '/.hidden',
    '/assets/..\\..\\x',
    '/d/../../s.csv',
    '/assets/link',
  ])('gives no file for %s', async (url) => {
    if (url === '/assets/link') symlinkSync(join(served.place.folder, 's.csv'), join(pages, 'assets', 'link'));
    const { status, text } = await served.get(url);
    expect([status, text.includes('montant') || text.includes('root:')]).toEqual([
      expect.toSatisfy((one) => one === 404 || one === 400 || one === 403),
      false,
    ]);
  });
});
