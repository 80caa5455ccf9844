import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newPlace } from '../support/fault-project.ts';
import { type Got, type Served, serveFolder } from './served-project.ts';

/** What is told of runs, tables, sources and destinations, over a lake with two releases, rejected rows, a failed run and one that goes on. */
const hash = (token: string): string => `sha256:${createHash('sha256').update(token).digest('hex')}`;
const CONFIG = `sources:
  achats: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, pays: varchar, montant: varchar }, description: Purchases. }
silver:
  achats:
    from: achats
    select: { montant: "try_cast(montant as decimal(12,2))" }
    rules: [{ not_null: montant, name: montant_valide }]
    key: id
    tests: [{ unique: id }, { row_count: { max: 5 } }]
gold:
  par_pays: { sql: "select pays, sum(montant) as total from silver.achats group by 1", key: pays, description: Sums. }
  closed: { sql: "select id from silver.achats", key: id }
serve:
  tables: [gold.*, quarantine.silver_achats]
  tokens:
    chef: { hash: "${hash('chef')}", operator: true }
    all: { hash: "${hash('all')}" }
    some: { hash: "${hash('some')}", tables: [gold.par_pays] }
    hands: { hash: "${hash('hands')}", tables: [silver.*], operator: true }
`;
const BASE = '/api/v1/pipeline';
let served: Served;
let ask: (path: string, who?: string) => Promise<Got>;
let post: (path: string, who: string, headers?: Readonly<Record<string, string>>) => Promise<Got>;

beforeAll(async () => {
  const place = newPlace(CONFIG, { name: 'pages' });
  place.put({ 'in/a.csv': 'id,pays,montant\n1,France,10\n2,Suisse,x\n3,France,5\n' });
  expect(place.dataflow(['run']).status).toBe(0);
  place.put({ 'in/b.csv': 'id,pays,montant\n4,Suisse,7\n5,Italie,\n' });
  expect(place.dataflow(['run']).status).toBe(0);
  place.put({ 'in/c.csv': `id,pays,montant\n${[6, 7, 8, 9].map((id) => `${id},Suisse,1`).join('\n')}\n` });
  expect(place.dataflow(['run']).status).not.toBe(0);
  served = await serveFolder(place, { host: '0.0.0.0' });
  ask = (path, who = 'all') => served.get(`${BASE}${path}`, { authorization: `Bearer ${who}` });
  post = async (path, who, headers = {}) => {
    const answer = await served.app.inject({
      ...{ method: 'POST', url: `${BASE}${path}` },
      headers: { host: 'localhost:8000', authorization: `Bearer ${who}`, ...headers },
    });
    return {
      status: answer.statusCode,
      headers: answer.headers,
      text: answer.payload,
      body: JSON.parse(answer.payload),
    };
  };
});
afterAll(() => served.close());

describe('the pages of the pipeline', () => {
  it('answer as /openapi.json says, and nothing of it is kept', async () => {
    await ask('/runs');
    const { body: document } = await served.get('/openapi.json', { authorization: 'Bearer all' });
    const ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true }));
    const paths = Object.keys(document.paths).filter((path) => path.startsWith(BASE) && document.paths[path].get);
    expect(paths).toHaveLength(14);
    const table: Record<string, string> = { '{layer}': 'silver', '{table}': 'achats', '{run_id}': 'last' };
    for (const path of paths) {
      const url = path.replace(/\{\w+\}/g, (part) => table[part] ?? part).slice(BASE.length);
      const { status, body, headers } = await ask(url.endsWith('/sample') ? '/tables/gold/par_pays/sample' : url);
      expect([url, status, headers['cache-control']]).toEqual([url, 200, 'no-store']);
      const fits = ajv.compile(document.paths[path].get.responses['200'].content['application/json'].schema);
      expect([url, fits(body), fits.errors]).toEqual([url, true, null]);
    }
  });

  it('list runs page by page and by status, and show one with its steps, error and receipt', async () => {
    const first = await ask('/runs?limit=2');
    expect(first.body.data.map((run: { status: string }) => run.status)).toEqual(['partial', 'succeeded']);
    const second = await ask(`/runs?limit=2&before=${first.body.next}`);
    expect([second.body.data.length, second.body.next]).toEqual([1, null]);
    expect((await ask('/runs?status=succeeded')).body.data).toHaveLength(2);
    expect((await ask('/runs?status=odd')).body).toMatchObject({ status: 400, parameter: 'status' });
    expect((await ask('/runs?limit=201')).status).toBe(400);
    const { body: run } = await ask(`/runs/${first.body.data[0].run_id}`);
    const steps = new Map(run.steps.map((step: { table: string }) => [step.table, step]));
    expect(steps.get('silver.achats')).toMatchObject({ status: 'failed', error: { code: 'E_TESTS_FAILED' } });
    expect(steps.get('gold.par_pays')).toMatchObject({ status: 'skipped' });
    expect(run).toMatchObject({ alive_here: false, receipt: { run_id: run.run_id, rows_in: 4 } });
    expect((await ask('/runs/nothing')).body.code).toBe('E_SERVE_UNKNOWN');
    expect((await ask('/receipts?limit=2')).body.data).toHaveLength(2);
  });

  it('show the graph, and a table with its checks, balance, versions and columns', async () => {
    const { body: graph } = await ask('/graph');
    const states = graph.tables.map((one: { table: string; state: string }) => `${one.table} ${one.state}`);
    expect(states).toEqual([
      'bronze.achats ok',
      'silver.achats failed',
      'gold.par_pays skipped',
      'gold.closed skipped',
    ]);
    const { body: table } = await ask('/tables/silver/achats');
    expect(table).toMatchObject({
      ...{ key: ['id'], rows: 3, parents: ['bronze.achats'], children: ['gold.par_pays', 'gold.closed'] },
      ...{ balance: { rows_in: 2, rows_out: 1, quarantined: 1 }, rows_served: false, rejects_served: true },
    });
    expect(table.checks).toEqual([
      expect.objectContaining({ name: 'montant_valide', kind: 'rule', quarantined: 2 }),
      expect.objectContaining({ check: 'unique', result: expect.objectContaining({ passed: true }) }),
      expect.objectContaining({ check: 'row_count', result: expect.objectContaining({ passed: false }) }),
    ]);
    const { body: versions } = await ask('/tables/silver/achats/versions');
    expect(versions.data.map((one: { version: number }) => one.version)).toEqual([1, 0]);
    expect(versions.data[0].release_id).toBe(served.serving.current?.release_id);
    const { body: lineage } = await ask('/tables/gold/par_pays/lineage');
    expect(lineage.columns[1]).toMatchObject({
      name: 'total',
      origins: expect.arrayContaining([{ table: 'silver.achats', column: 'montant', way: 'aggregation' }]),
    });
  });

  it('give samples and differences of tables that are served, counts alone of others', async () => {
    const { body: sample } = await ask('/tables/gold/par_pays/sample?limit=1');
    expect([sample.total, sample.rows.length, sample.columns[0].name]).toEqual([2, 1, 'pays']);
    expect((await ask('/tables/silver/achats/sample')).body.code).toBe('E_SERVE_SCOPE');
    const { body: diff } = await ask('/tables/gold/par_pays/diff');
    expect(diff).toMatchObject({ rows_added: 1, rows_removed: 0, rows_changed: 0, key: ['pays'] });
    expect(diff.samples).toEqual([{ kind: 'added', row: { pays: 'Suisse', total: '7.00' } }]);
    expect((await ask('/tables/silver/achats/diff')).body).toMatchObject({ rows_added: 1, samples: null });
    expect((await ask('/tables/gold/par_pays/diff?from=nothing')).body.code).toBe('E_NO_RELEASE');
  });

  it('show what lies in quarantine with the command that sends it again', async () => {
    const { body } = await ask('/tables/silver/achats/quarantine');
    expect(body).toMatchObject({ rows: 2, replay: 'dataflow quarantine replay silver.achats' });
    expect(body.groups).toHaveLength(2);
    expect(body.groups[0].replay).toMatch(/ --rule montant_valide --file \S+\.csv --run 01/);
    expect(body.rejected.map((one: { raw: string }) => one.raw)).toEqual([
      expect.stringContaining('x'),
      expect.anything(),
    ]);
    expect((await ask('/quarantine')).body).toMatchObject({ rows: 2, data: [{ table: 'silver.achats', files: 2 }] });
    const { body: sources } = await ask('/sources');
    expect(sources.data).toEqual([expect.objectContaining({ source: 'achats', units_loaded: 3, rows_last: 4 })]);
  });

  it('tell a reader of some tables of those alone', async () => {
    for (const path of ['/tables/silver/achats', '/tables/silver/achats/quarantine', '/tables/gold/closed/lineage'])
      expect([path, (await ask(path, 'some')).body.code]).toEqual([path, 'E_SERVE_SCOPE']);
    const told = ['/runs', '/runs/last', '/graph', '/sources', '/destinations', '/quarantine', '/receipts'].map(
      (path) => ask(path, 'some'),
    );
    told.push(ask('/tables/gold/par_pays', 'some'), ask('/tables/gold/par_pays/lineage', 'some'));
    for (const { status, text } of await Promise.all(told)) {
      expect(status).toBe(200);
      expect(text).not.toMatch(/achats|closed|montant_valide/);
    }
    expect((await ask('/runs', 'some')).body.data[0]).toMatchObject({ command: null, rows_in: null, money: null });
    expect((await served.get(`${BASE}/runs`)).status).toBe(401);
  });

  it('need the ledger open once, however often they are asked', async () => {
    for (let i = 0; i < 20; i++) await ask('/graph');
    const open = readdirSync('/proc/self/fd').flatMap((fd) => {
      const path = join('/proc/self/fd', fd);
      return existsSync(path) ? [readlinkSync(path)] : [];
    });
    expect(open.filter((path) => path === join(served.place.folder, 'lake/_dataflow/ledger.db'))).toHaveLength(1);
  });
});

describe('an operator', () => {
  const ended = async (action_id: string): Promise<Record<string, unknown>> => {
    const find = async (): Promise<Record<string, unknown>> =>
      (await ask('/actions')).body.data.find((one: { action_id: string }) => one.action_id === action_id);
    await expect.poll(async () => (await find())['state'], { timeout: 30_000 }).not.toBe('running');
    return find();
  };

  it('is the only one who may act, and only from a page of the server', async () => {
    expect((await post('/runs/last/retry', 'all')).body.code).toBe('E_SERVE_OPERATOR');
    expect((await post('/runs/last/retry', 'nobody')).status).toBe(401);
    expect((await post('/runs/last/retry', 'hands')).body.code).toBe('E_SERVE_SCOPE');
    expect((await post('/runs/last/retry', 'chef', { origin: 'https://evil.example' })).body.code).toBe(
      'E_SERVE_ORIGIN',
    );
    expect((await post('/runs/last/cancel', 'chef')).body).toMatchObject({ status: 409, code: 'E_SERVE_STATE' });
    expect((await post('/tables/silver/achats/replay?rule=odd', 'chef')).status).toBe(409);
    expect((await ask('/actions')).body.data).toEqual([]);
  });

  it('sends rejected rows again under his name', async () => {
    const { status, body } = await post('/tables/silver/achats/replay', 'hands', { origin: 'http://localhost:8000' });
    expect([status, body.state, body.by]).toEqual([202, 'running', 'hands']);
    const action = await ended(body.action_id);
    expect(action).toMatchObject({ command: expect.stringContaining('dataflow quarantine replay silver.achats') });
    const groups = JSON.parse(served.place.dataflow(['quarantine', '--state', 'all', '--format', 'json']).stdout);
    expect(groups.map((group: { decided_by: string }) => group.decided_by)).toContain('hands');
  });

  it('retries a failed run and cancels one that goes on', async () => {
    served.place.put({ 'in/c.csv': 'id,pays,montant\n6,Suisse,1\n' });
    const { body } = await ask('/runs?status=partial');
    const { run_id } = body.data.at(-1);
    const retried = await post(`/runs/${run_id}/retry`, 'chef');
    expect(retried.body).toMatchObject({ kind: 'retry', command: `dataflow retry ${run_id}`, by: 'chef' });
    await ended(retried.body.action_id);
    expect((await ask('/runs/last')).body.command).toContain('retry');

    served.place.put({ 'in/d.csv': 'id,pays,montant\n20,Suisse,1\n' });
    const run = served.place.start(['run'], { DATAFLOW_FAULT: 'before-ledger-write:stop@1' });
    await expect.poll(async () => (await ask('/runs/last')).body.alive_here, { timeout: 30_000 }).toBe(true);
    await expect.poll(async () => (await ask('/graph')).body.tables[0].state, { timeout: 30_000 }).toBe('running');
    const live = (await ask('/runs/last')).body;
    expect(live).toMatchObject({ status: 'running', wall_ms: null, waiting: expect.arrayContaining(['gold.closed']) });
    expect((await post(`/runs/${live.run_id}/retry`, 'chef')).status).toBe(409);
    const cancelled = await post(`/runs/${live.run_id}/cancel`, 'chef');
    expect(cancelled.body).toMatchObject({ kind: 'cancel', state: 'done' });
    run.child.kill('SIGCONT');
    expect((await run.ended).status).toBe(130);
    expect((await ask('/runs/last')).body).toMatchObject({ run_id: live.run_id, status: 'interrupted' });
  });

  it('is remembered in a file with what he did', () => {
    const text = readFileSync(join(served.place.folder, 'lake/_dataflow/actions.ndjson'), 'utf8');
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ by, kind, state }) => `${by} ${kind} ${state}`)).toEqual(
      expect.arrayContaining(['hands replay running', 'chef retry running', 'chef cancel running', 'chef cancel done']),
    );
  });
});
