import { BSON, MongoClient } from 'mongodb';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Served, serveFolder } from '../serve/served-project.ts';
import { expectDone, newPlace, type Place } from '../support/fault-project.ts';
import { describeService, uniqueName } from './service.ts';

type Values = Readonly<Record<string, readonly string[]>>;

/** Columns whose values differ row by row, with NULL and the ends of each type. */
const VALUES = {
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
} satisfies Values;

/** Dates of MongoDB have milliseconds, its decimals 34 digits. */
const VALUES_OF_MONGODB: Values = {
  ...VALUES,
  huge: ['1234567890123456789012345678901234::hugeint', "'1e37'::hugeint", '(-1)::hugeint', 'null'],
  small: ["'0.00000001'::decimal(18,8)", "'-1.5'::decimal(18,8)", "'0'::decimal(18,8)", 'null'],
  ts: ["'2024-02-29 12:00:00.001'::timestamp", "'0044-03-15 (BC) 10:00:00'::timestamp", 'null'],
  tz: ["'1969-12-31 23:59:59.999+00'::timestamptz", "'2024-06-01 12:00:00+02'::timestamptz", 'null'],
  s: [
    `{'a': 1, 'b': 'x"y', 'd': date '2024-02-29', 'n': 9007199254740993::bigint, 'f': 0.1::double, 'o': true, 't': timestamptz '2024-06-01 12:00:00+02', 'm': map {'k': 1.50::decimal(9,2)}}`,
    'null',
  ],
};

const ROWS = 2_500;
/** A server that a load fills, and what only it can do. */
interface Target {
  readonly values: Values;
  /** Filters that only it takes, and those that only it refuses. */
  readonly filters: readonly string[];
  readonly refused: readonly string[];
  readonly connection: string;
  readonly within: string;
  /** Takes away what it says of a table. */
  forget(source_table: string): Promise<unknown>;
  /** Makes the column `t` unreadable. */
  spoil(): Promise<unknown>;
  close(): Promise<void>;
  /** Makes the next question wait, until the end of the work. */
  held?(work: (waiting: () => Promise<number>) => Promise<void>): Promise<void>;
}

const columnsOf = (values: Values): string =>
  Object.entries(values)
    .map(
      ([name, list], i) =>
        `case (id // ${i + 1}) % ${list.length} ${list.map((sql, n) => `when ${n} then ${sql}`).join(' ')} end as ${name}`,
    )
    .join(', ');

const TYPES = '/api/v1/tables/gold/types';

/** Asked of the lake and of the destination: the answers are the same text. */
const questionsOf = ({ values, filters }: Target): readonly string[] => [
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
  ...Object.keys(values)
    .filter((name) => !['by', 'l', 's'].includes(name))
    .flatMap((name) => [
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
    'tm[gt]=12',
    'u[in]=6f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0,none',
    'b=true&t=a&d[null]=true',
    ...filters,
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

const config = ({ values, connection, within }: Target): string => `sources:
  s: { type: files, path: s.csv, settle_seconds: 0, columns: { id: bigint } }
connections: { target: ${connection} }
gold:
  types: { sql: "select id, ${columnsOf(values).replaceAll('\\', '\\\\').replaceAll('"', '\\"')} from bronze.s", key: id }
  keyless: { sql: "select 'word ' || (id % 7) as word, id % 3 as n from bronze.s where id < 40" }
  apart: { sql: "select 1 as id", key: id }
  added: { sql: "select id from bronze.s where id < 3", key: id }
loads:
  out:
    connection: target
    ${within}
    tables: [gold.types, gold.keyless, gold.added]
    overrides:
      gold.types: { as: "Types-1", columns: { id: the_id, ${Object.keys(values)
        .map((name) => `${name}: ${name}`)
        .join(', ')} } }
      gold.added: { mode: append }
serve:
  limits: { seconds_max: 60, rows_max: 10000 }
  routes:
    /types: { table: gold.types, filters: { t: t }, ranges: { id: [lowest, highest] }, order: [-id], item: id, columns: [id, t, dec, tz] }
    /by-query: { sql: "select b, count(*) as n from gold.types where b = $b group by 1", params: { b: { type: boolean } } }
`;

/** A project whose load fills a server, and the two that answer from it and from the lake. */
interface Stage {
  target: Target;
  place: Place;
  store: Served;
  lake: Served;
  /** The first that was loaded. */
  release: string;
}

const lines = (from: number, to: number): string =>
  `id\n${Array.from({ length: to - from + 1 }, (_, i) => from + i).join('\n')}\n`;
const dataflow = ({ place }: Stage, ...args: readonly string[]): void => expectDone(place.dataflow([...args]));

/** What every destination that is served from does. */
function storeContract(opened: () => Promise<Target>): void {
  const at = { release: '' } as Stage;
  beforeAll(async () => {
    at.target = await opened();
    at.place = newPlace(config(at.target), { name: 'store' });
    at.place.put({ 's.csv': lines(1, ROWS) });
    dataflow(at, 'run');
    at.store = await serveFolder(at.place, { store: 'out' });
    at.lake = await serveFolder(at.place);
  });
  afterAll(async () => {
    await at.store?.close();
    await at.lake?.close();
    await at.target.close();
  });
  itAnswersAsTheLake(at);
  itRefusesAndStops(at);
  itFollowsLoads(at);
}

function itAnswersAsTheLake(at: Stage): void {
  it('says that there is nothing yet, and answers once a load is through', async () => {
    expect((await at.store.get('/ready')).body.status).toBe('no release yet');
    expect((await at.store.get(TYPES)).body).toMatchObject({ status: 503, code: 'E_SERVE_STORE' });
    dataflow(at, 'load');
    await at.store.serving.refresh();
    expect((await at.store.get('/ready')).body.status).toBe('ready');
    at.release = at.lake.serving.current?.release_id ?? '';
    expect(at.store.serving.current?.release_id).toBe(at.release);
    expect((await at.store.get('/api/v1/tables')).body.data.map((one: { table: string }) => one.table)).toEqual([
      'gold.keyless',
      'gold.types',
    ]);
  });

  it('gives the answers of the lake, byte by byte', async () => {
    const without = (text: string): string => text.replace(/"request_id":"[^"]*"/, '');
    const questions = questionsOf(at.target);
    for (const question of questions) {
      const [here, there] = [await at.lake.get(question), await at.store.get(question)];
      expect({ question, status: there.status, text: without(there.text) }).toEqual({
        question,
        status: here.status,
        text: without(here.text),
      });
      expect(there.headers['etag']).toBe(here.headers['etag']);
      expect(there.headers['dataflow-release']).toBe(here.headers['dataflow-release']);
    }
    const { total, data } = (await at.store.get(questions[1] ?? '')).body;
    expect([total, data.length]).toEqual([ROWS, ROWS]);
    expect((await at.store.get(`${TYPES}?t=a&count=true`)).body.total).toBeGreaterThan(50);
  });

  it('walks by key where nothing else is asked, and knows its ETag', async () => {
    const seen: number[] = [];
    let next: string | null = null;
    do {
      const page = await at.store.get(`${TYPES}?fields=id&limit=900${next === null ? '' : `&cursor=${next}`}`);
      seen.push(...page.body.data.map((row: { id: number }) => row.id));
      next = page.body.next;
    } while (next !== null);
    expect(seen).toEqual(Array.from({ length: ROWS }, (_, i) => i + 1));
    const { headers } = await at.store.get(`${TYPES}?limit=1&b=true`);
    expect((await at.store.get(`${TYPES}?limit=1&b=true`, { 'if-none-match': String(headers['etag']) })).status).toBe(
      304,
    );
    const words = (await at.store.get('/api/v1/tables/gold/keyless?limit=50')).body.data;
    expect(words).toHaveLength(39);
  });
}

function itRefusesAndStops(at: Stage): void {
  it('refuses what the destination does not hold as it is in the release', async () => {
    for (const table of ['apart', 'added'])
      expect((await at.store.get(`/api/v1/tables/gold/${table}`)).body).toMatchObject({
        status: 404,
        code: 'E_SERVE_UNKNOWN',
      });
    expect((await at.lake.get('/api/v1/tables/gold/added')).status).toBe(200);
    for (const filter of at.target.refused)
      expect((await at.store.get(`${TYPES}?${filter}`)).body).toMatchObject({ status: 400, code: 'E_SERVE_PARAMETER' });
  });

  it('stops the question that takes too long, at the server too', async ({ skip }) => {
    if (at.target.held === undefined) return skip('no question can be made to wait there');
    await at.target.held(async (waiting) => {
      const gone = new AbortController();
      const asked = at.store.app
        .inject({ url: `${TYPES}?limit=3&i4=-1`, headers: { host: 'localhost:8000' }, signal: gone.signal })
        .catch((error: Error) => error.name);
      await expect.poll(waiting, { timeout: 30_000 }).toBe(1);
      gone.abort();
      await asked;
      await expect.poll(waiting, { timeout: 30_000 }).toBe(0);
    });
    expect((await at.store.get(`${TYPES}?limit=3&i4=-1`)).status).toBe(200);
  });
}

/** Each of the tables is asked for while they are written and take their places. */
async function askWhileLoading(at: Stage): Promise<void> {
  const load = at.place.start(['load', '--full-refresh']);
  let loading = true;
  void load.ended.then(() => {
    loading = false;
  });
  const seen = new Map<string, Set<number>>();
  for (let n = 1; loading; n += 1)
    for (const [table, column] of [
      ['types', 'id'],
      ['keyless', 'n'],
    ]) {
      const { status, headers, body } = await at.store.get(
        `/api/v1/tables/gold/${table}?count=true&limit=1&${column}[lt]=${ROWS + n}`,
      );
      expect({ n, status, error: at.store.log.at(-1)?.error }).toMatchObject({ status: 200 });
      const key = `${table} ${headers['dataflow-release'] === at.release ? 'before' : 'after'}`;
      seen.set(key, (seen.get(key) ?? new Set()).add(body.total));
    }
  expect((await load.ended).status).toBe(0);
  expect(seen.get('types before')).toEqual(new Set([ROWS]));
  expect(seen.get('keyless before')).toEqual(new Set([39]));
  expect([...(seen.get('types after') ?? [])].filter((total) => total !== ROWS + 1 && total !== ROWS + 2)).toEqual([]);
  expect([...(seen.get('keyless after') ?? [40])]).toEqual([40]);
}

function itFollowsLoads(at: Stage): void {
  it('goes on with the next release once it is loaded, and keeps no older one', async () => {
    const { next } = (await at.store.get(`${TYPES}?limit=10`)).body;
    at.place.put({ 's.csv': lines(0, ROWS + 1) });
    dataflow(at, 'run');
    await at.store.serving.refresh();
    expect((await at.store.get(`${TYPES}?limit=10&id=1`)).headers['dataflow-release']).toBe(at.release);
    await askWhileLoading(at);
    // Not looked at yet: what answers is what is there.
    const now = await at.store.get(`${TYPES}?id=${ROWS + 1}&fields=id`);
    expect(now.body).toMatchObject({ data: [{ id: ROWS + 1 }] });
    expect(now.headers['dataflow-release']).not.toBe(at.release);
    await at.store.serving.refresh();
    expect((await at.store.get(`${TYPES}?limit=10&cursor=${next}`)).body).toMatchObject({
      status: 410,
      code: 'E_SERVE_GONE',
    });
    expect((await at.store.get(`${TYPES}?as_of=${at.release}`)).status).toBe(410);
    expect((await at.store.get(`/by-query?b=true&as_of=${at.release}`)).status).toBe(200);
  });

  it('refuses a destination that holds no whole release, or cannot be asked', async () => {
    await at.target.forget('gold.keyless');
    expect((await at.store.get(`${TYPES}?limit=9`)).body).toMatchObject({
      status: 503,
      code: 'E_SERVE_STORE',
      detail: 'the destination holds no whole release',
    });
    dataflow(at, 'load', '--full-refresh');
    expect((await at.store.get(`${TYPES}?limit=9`)).status).toBe(200);
    await at.target.spoil();
    const lost = await at.store.get(`${TYPES}?limit=8`);
    expect(lost.body).toMatchObject({ status: 503, code: 'E_SERVE_STORE' });
    expect(lost.text).not.toMatch(/Types-1|gone|select/);
    expect(at.store.log.at(-1)?.error).toMatch(/(PostgreSQL|MongoDB) at/);
  });
}

describeService('postgresql', ({ url }) => {
  storeContract(async () => {
    const schema = uniqueName('store');
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const waiting = `select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock' and query like '%Types-1%' and pid <> pg_backend_pid()`;
    return {
      values: VALUES,
      filters: ['u[starts]=6f1e'],
      refused: [],
      connection: `{ type: postgres, url: "${url}" }`,
      within: `schema: ${schema}`,
      forget: (table) => client.query(`delete from ${schema}._dataflow_loads where source_table = '${table}'`),
      spoil: () => client.query(`alter table ${schema}."Types-1" rename column t to gone`),
      held: async (work) => {
        await client.query(`begin; lock table ${schema}."Types-1" in access exclusive mode`);
        try {
          await work(async () => {
            // Within a transaction the statistics stay as they were first seen.
            await client.query('select pg_stat_clear_snapshot()');
            return (await client.query(waiting)).rows[0].n;
          });
        } finally {
          await client.query('rollback');
        }
      },
      close: async () => {
        await client.query(`drop schema if exists ${schema} cascade`);
        await client.end();
      },
    };
  });
});

describeService('mongodb', ({ url }) => {
  storeContract(async () => {
    const name = uniqueName('store');
    const client = await new MongoClient(url).connect();
    const database = client.db(name);
    return {
      values: VALUES_OF_MONGODB,
      filters: [
        'huge[gt]=1234567890123456789012345678901233',
        'huge[lt]=99999999999999999999999999999999999999',
        'huge[gte]=-12345678901234567890123456789012345678',
        'huge[lte]=-12345678901234567890123456789012345678',
        'huge=10000000000000000000000000000000000000',
        'small=0.00000001',
        'small[lt]=0.000000009',
        'ts[gt]=2024-02-29T12:00:00.0009999',
        'ts[gte]=2024-02-29T12:00:00.001001',
        'ts[lt]=2024-02-29T12:00:00.001001',
        'ts=2024-02-29%2012:00:00.001000',
        'ts[gt]=2024-02-29',
      ],
      refused: ['u[starts]=6f1e', 'u[gt]=6'],
      connection: `{ type: mongodb, url: "${url}", database: none }`,
      within: `database: ${name}`,
      forget: (source_table) => database.collection('_sync_metadata').deleteOne({ source_table }),
      spoil: () => database.collection('Types-1').updateMany({}, { $set: { t: new BSON.BSONRegExp('gone') } }),
      close: async () => {
        await database.dropDatabase();
        await client.close();
      },
    };
  });
});
