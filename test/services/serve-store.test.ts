import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Served, serveFolder } from '../serve/served-project.ts';
import { expectDone, newPlace, type Place } from '../support/fault-project.ts';
import { describeService, uniqueName } from './service.ts';

/** Columns whose values differ row by row, with NULL and the ends of each type. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  b: ['true', 'false', 'null'],
  i1: ['(-128)::tinyint', '127', 'null'],
  i4: ['2147483647::integer', '-1', 'null'],
  i8: ['9223372036854775807::bigint', '(-9223372036854775808)::bigint', 'null'],
  dec: ["'-1234567890123456.79'::decimal(18,2)", "'12.50'::decimal(18,2)", 'null'],
  huge: ['12345678901234567890123456789012345678::hugeint', '1::hugeint', 'null'],
  f8: ["'nan'::double", "'-inf'::double", '0.1::double', '1e22::double', '5e-324::double', 'null'],
  f4: ['0.1::float', '16777216::float', 'null'],
  t: ["'b'", "'B'", "'a'", "'é'", "'z'", "'🙂'", "'a\"b,c' || chr(10) || chr(92)", "''", "'%_'", 'null'],
  d: ["'0044-03-15 (BC)'::date", "'2024-02-29'::date", "'9999-12-31'::date", 'null'],
  ts: ["'2024-02-29 12:00:00.000001'::timestamp", "'0044-03-15 (BC) 10:00:00'::timestamp", 'null'],
  tz: ["'1969-12-31 23:59:59.999999+00'::timestamptz", "'2024-06-01 12:00:00+02'::timestamptz", 'null'],
  u: ["'6f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0'::uuid", 'null'],
  tm: ["'23:59:59.5'::time", 'null'],
  by: ["'\\xDE\\xAD\\x00'::blob", 'null'],
  l: ['[1.10::decimal(20,2), null]', 'null'],
  s: [`{'a': 1, 'b': 'x"y'}`, 'null'],
};

const ROWS = 2_500;
const picked = Object.entries(VALUES).map(
  ([name, list], i) =>
    `case (id // ${i + 1}) % ${list.length} ${list.map((sql, n) => `when ${n} then ${sql}`).join(' ')} end as ${name}`,
);

const TYPES = '/api/v1/tables/gold/types';
const sorted = Object.keys(VALUES).filter((name) => !['by', 'l', 's'].includes(name));

/** Asked of the lake and of the destination: the answers are the same text. */
const QUESTIONS: readonly string[] = [
  `${TYPES}?sort=id&limit=60`,
  `${TYPES}?sort=id&limit=${ROWS}`,
  `${TYPES}?sort=id&limit=30&format=csv`,
  `${TYPES}?sort=id&limit=30&format=csv&formula_safe=true`,
  `${TYPES}?sort=id&limit=30&format=ndjson`,
  `${TYPES}?sort=id&limit=2400&format=arrow`,
  `${TYPES}/schema`,
  `${TYPES}/history`,
  `${TYPES}/17`,
  `${TYPES}/999999`,
  ...sorted.flatMap((name) => [
    `${TYPES}?sort=${name}&fields=id,${name}&limit=300`,
    `${TYPES}?sort=-${name}&fields=id,${name}&limit=60&offset=2000`,
    `${TYPES}?${name}[null]=true&count=true&fields=id&sort=id`,
  ]),
  ...[
    'b=true',
    'b[ne]=true',
    'i1[lt]=0',
    'i8=9223372036854775807',
    'i8[in]=9223372036854775807,-9223372036854775808',
    'dec[gt]=12.499',
    'dec=12.5',
    'dec[lte]=-1234567890123456.79',
    'huge=12345678901234567890123456789012345678',
    'f8[gt]=1e300',
    'f8=0.1',
    'f4=0.1',
    'f4[lt]=1',
    't[gt]=a',
    't[lte]=z',
    't=B',
    't=',
    't[ne]=b',
    't[in]=b,%C3%A9',
    't[contains]=%22b',
    't[contains]=%25_',
    't[contains]=',
    't[starts]=%F0%9F%99%82',
    "t=';drop%20table%20types;--",
    'd[gte]=2024-02-29',
    'd[lt]=0001-01-01',
    'd[gt]=0000-01-01',
    'ts=2024-02-29T12:00:00.000001',
    'ts[lt]=2024-02-29T12:00',
    'tz[gte]=2024-06-01T12:00:00%2B02:00',
    'tz[lt]=1970-01-01T00:00:00Z',
    'u=6f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0',
    'u[starts]=6f1e',
    'tm[gt]=12',
    'b=true&t=a&d[null]=true',
  ].map((filter) => `${TYPES}?${filter}&count=true&sort=id&limit=20`),
  `${TYPES}?i8=much`,
  `${TYPES}?nothing=1`,
  `${TYPES}?sort=l`,
  '/api/v1/tables/gold/keyless?sort=word&limit=50',
  '/types?t=a&limit=7',
  '/types?lowest=10&highest=20',
  '/types/4',
  '/types?t=nowhere',
  '/by-query?b=true',
];

const config = (url: string, schema: string): string => `sources:
  s: { type: files, path: s.csv, settle_seconds: 0, columns: { id: bigint } }
connections: { target: { type: postgres, url: "${url}" } }
gold:
  types: { sql: "select id, ${picked.join(', ').replaceAll('\\', '\\\\').replaceAll('"', '\\"')} from bronze.s", key: id }
  keyless: { sql: "select 'word ' || (id % 7) as word, id % 3 as n from bronze.s where id < 40" }
  apart: { sql: "select 1 as id", key: id }
  added: { sql: "select id from bronze.s where id < 3", key: id }
loads:
  out:
    connection: target
    schema: ${schema}
    tables: [gold.types, gold.keyless, gold.added]
    overrides:
      gold.types: { as: "Types-1", columns: { id: the_id, ${Object.keys(VALUES)
        .map((name) => `${name}: ${name}`)
        .join(', ')} } }
      gold.added: { mode: append }
serve:
  limits: { seconds_max: 60, rows_max: 10000 }
  routes:
    /types: { table: gold.types, filters: { t: t }, ranges: { id: [lowest, highest] }, order: [-id], item: id, columns: [id, t, dec, tz] }
    /by-query: { sql: "select b, count(*) as n from gold.types where b = $b group by 1", params: { b: { type: boolean } } }
`;

describeService('postgresql', ({ url }) => {
  const schema = uniqueName('store');
  let client: pg.Client;
  let place: Place;
  let lake: Served;
  let store: Served;
  let release = '';

  const lines = (count: number): string => `id\n${Array.from({ length: count }, (_, i) => i + 1).join('\n')}\n`;
  const dataflow = (...args: readonly string[]): void => expectDone(place.dataflow([...args]));

  beforeAll(async () => {
    client = new pg.Client({ connectionString: url });
    await client.connect();
    place = newPlace(config(url, schema), { name: 'store' });
    place.put({ 's.csv': lines(ROWS) });
    expectDone(place.dataflow(['run']));
    store = await serveFolder(place, { store: 'out' });
    lake = await serveFolder(place);
  });
  afterAll(async () => {
    await store?.close();
    await lake?.close();
    await client.query(`drop schema if exists ${schema} cascade`);
    await client.end();
  });

  it('says that there is nothing yet, and answers once a load is through', async () => {
    expect((await store.get('/ready')).body.status).toBe('no release yet');
    expect((await store.get(TYPES)).body).toMatchObject({ status: 503, code: 'E_SERVE_STORE' });
    dataflow('load');
    await store.serving.refresh();
    expect((await store.get('/ready')).body.status).toBe('ready');
    release = lake.serving.current?.release_id ?? '';
    expect(store.serving.current?.release_id).toBe(release);
    expect((await store.get('/api/v1/tables')).body.data.map((one: { table: string }) => one.table)).toEqual([
      'gold.keyless',
      'gold.types',
    ]);
  });

  it('gives the answers of the lake, byte by byte', async () => {
    const without = (text: string): string => text.replace(/"request_id":"[^"]*"/, '');
    for (const question of QUESTIONS) {
      const [here, there] = [await lake.get(question), await store.get(question)];
      expect({ question, status: there.status, text: without(there.text) }).toEqual({
        question,
        status: here.status,
        text: without(here.text),
      });
      expect(there.headers['etag']).toBe(here.headers['etag']);
      expect(there.headers['dataflow-release']).toBe(here.headers['dataflow-release']);
    }
    const { total, data } = (await store.get(QUESTIONS[1] ?? '')).body;
    expect([total, data.length]).toEqual([ROWS, ROWS]);
    expect((await store.get(`${TYPES}?t=a&count=true`)).body.total).toBeGreaterThan(50);
  });

  it('walks by key where nothing else is asked, and knows its ETag', async () => {
    const seen: number[] = [];
    let next: string | null = null;
    do {
      const page = await store.get(`${TYPES}?fields=id&limit=900${next === null ? '' : `&cursor=${next}`}`);
      seen.push(...page.body.data.map((row: { id: number }) => row.id));
      next = page.body.next;
    } while (next !== null);
    expect(seen).toEqual(Array.from({ length: ROWS }, (_, i) => i + 1));
    const { headers } = await store.get(`${TYPES}?limit=1&b=true`);
    expect((await store.get(`${TYPES}?limit=1&b=true`, { 'if-none-match': String(headers['etag']) })).status).toBe(304);
    const words = (await store.get('/api/v1/tables/gold/keyless?limit=50')).body.data;
    expect(words).toHaveLength(39);
  });

  it('refuses what the destination does not hold as it is in the release', async () => {
    for (const table of ['apart', 'added'])
      expect((await store.get(`/api/v1/tables/gold/${table}`)).body).toMatchObject({
        status: 404,
        code: 'E_SERVE_UNKNOWN',
      });
    expect((await lake.get('/api/v1/tables/gold/added')).status).toBe(200);
  });

  it('stops the question that takes too long, at the server too', async () => {
    const waiting = `select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock' and query like '%Types-1%' and pid <> pg_backend_pid()`;
    await client.query(`begin; lock table ${schema}."Types-1" in access exclusive mode`);
    const gone = new AbortController();
    const asked = store.app
      .inject({ url: `${TYPES}?limit=3&i4=-1`, headers: { host: 'localhost:8000' }, signal: gone.signal })
      .catch((error: Error) => error.name);
    const count = async (): Promise<number> => (await client.query(waiting)).rows[0].n;
    await expect.poll(count, { timeout: 30_000 }).toBe(1);
    gone.abort();
    await asked;
    await expect.poll(count, { timeout: 30_000 }).toBe(0);
    await client.query('rollback');
    expect((await store.get(`${TYPES}?limit=3&i4=-1`)).status).toBe(200);
  });

  it('goes on with the next release once it is loaded, and keeps no older one', async () => {
    const { next } = (await store.get(`${TYPES}?limit=10`)).body;
    place.put({ 's.csv': lines(ROWS + 1) });
    dataflow('run');
    await store.serving.refresh();
    expect((await store.get(`${TYPES}?limit=10&id=1`)).headers['dataflow-release']).toBe(release);
    dataflow('load');
    // Not looked at yet: what answers is what is there.
    const now = await store.get(`${TYPES}?id=${ROWS + 1}&fields=id`);
    expect(now.body).toMatchObject({ data: [{ id: ROWS + 1 }] });
    expect(now.headers['dataflow-release']).not.toBe(release);
    await store.serving.refresh();
    expect((await store.get(`${TYPES}?limit=10&cursor=${next}`)).body).toMatchObject({
      status: 410,
      code: 'E_SERVE_GONE',
    });
    expect((await store.get(`${TYPES}?as_of=${release}`)).status).toBe(410);
    expect((await store.get(`/by-query?b=true&as_of=${release}`)).status).toBe(200);
  });

  it('refuses a destination that holds no whole release, or cannot be asked', async () => {
    await client.query(`delete from ${schema}._dataflow_loads where source_table = 'gold.keyless'`);
    expect((await store.get(`${TYPES}?limit=9`)).body).toMatchObject({
      status: 503,
      code: 'E_SERVE_STORE',
      detail: 'the destination holds no whole release',
    });
    dataflow('load', '--full-refresh');
    expect((await store.get(`${TYPES}?limit=9`)).status).toBe(200);
    await client.query(`alter table ${schema}."Types-1" rename column t to gone`);
    const lost = await store.get(`${TYPES}?limit=8`);
    expect(lost.body).toMatchObject({ status: 503, code: 'E_SERVE_STORE' });
    expect(lost.text).not.toMatch(/Types-1|gone|select/);
    expect(store.log.at(-1)?.error).toContain('PostgreSQL at');
  });
});
