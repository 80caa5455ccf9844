import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Served, serveProject } from './served-project.ts';

/** The endpoints that every listed table has, over one project whose input grows. */
const CONFIG = `sources:
  a: { type: files, path: "in/a*.csv", settle_seconds: 0, columns: { id: bigint, w: varchar, d: "decimal(12,2)", t: timestamptz, n: double } }
gold:
  x: { sql: "select id, w, d, t, n, id % 2 = 0 as even from bronze.a order by id", key: id }
  pairs: { sql: "select id, id % 3 as g, [id, 1] as l from bronze.a", key: [id, g] }
serve:
  tables: [gold.*]
`;
const HEAD = 'id,w,d,t,n\n';
const rows = (from: number, to: number): string =>
  Array.from(
    { length: to - from + 1 },
    (_, i) => `${from + i},w${(from + i) % 7},${from + i}.50,2024-01-01T00:00:00Z,0.5\n`,
  ).join('');

let served: Served;
beforeAll(async () => {
  served = await serveProject(CONFIG, {
    'in/a1.csv': `${HEAD}9007199254740993,"a, ""b""\nc",-2.25,1850-01-01 00:00:00Z,1e300\n0,,,,\n${rows(1, 30)}`,
  });
});
afterAll(() => served.close());
const get: Served['get'] = (...asked) => served.get(...asked);

describe('a table', () => {
  it('is listed with its address, and has rows, columns and versions', async () => {
    const list = await get('/api/v1/tables');
    expect(list.body.data.map((one: { url: string }) => one.url)).toEqual([
      '/api/v1/tables/gold/pairs',
      '/api/v1/tables/gold/x',
    ]);
    const { body } = await get('/api/v1/tables/gold/x?limit=2&fields=id,d&sort=id');
    expect(body).toMatchObject({ table: 'gold.x', version: 0, total: 32, limit: 2, offset: 0 });
    expect(body.data).toEqual([
      { id: 0, d: null },
      { id: 1, d: 1.5 },
    ]);
    const schema = await get('/api/v1/tables/gold/x/schema');
    expect(schema.body).toMatchObject({ key: ['id'], rows: 32 });
    expect(schema.body.columns[2]).toEqual({ name: 'd', type: 'decimal(12,2)', nullable: true });
    const history = await get('/api/v1/tables/gold/x/history');
    expect(history.body.data).toMatchObject([{ version: 0 }]);
  });

  it('keeps every digit, and times in ISO 8601', async () => {
    const { text } = await get('/api/v1/tables/gold/x/9007199254740993');
    expect(text).toBe(
      '{"id":9007199254740993,"w":"a, \\"b\\"\\nc","d":-2.25,"t":"1850-01-01T00:00:00.000000Z","n":1e300,"even":false}',
    );
    expect((await get('/api/v1/tables/gold/pairs/4,1')).body).toEqual({ id: 4, g: 1, l: [4, 1] });
  });

  it('is given as lines of JSON and as CSV, by parameter or by Accept', async () => {
    const csv = await get('/api/v1/tables/gold/x?format=csv&limit=1&fields=id,w,t&id[gt]=100');
    expect(csv.text).toBe('id,w,t\n9007199254740993,"a, ""b""\nc",1850-01-01T00:00:00.000000Z\n');
    expect(csv.headers['content-type']).toContain('text/csv');
    const lines = await get('/api/v1/tables/gold/x?limit=3&fields=id&sort=-id&id[lt]=100', {
      accept: 'application/x-ndjson',
    });
    expect(lines.text).toBe('{"id":30}\n{"id":29}\n{"id":28}\n');
    expect((await get('/api/v1/tables/gold/x?format=ndjson&id=77')).text).toBe('');
  });

  it('is filtered by every operator', async () => {
    const ids = async (query: string): Promise<number[]> =>
      (await get(`/api/v1/tables/gold/x?fields=id&sort=id&limit=100&${query}`)).body.data.map(
        (one: { id: number }) => one.id,
      );
    expect(await ids('id[in]=3,5,77')).toEqual([3, 5]);
    expect(await ids('d[lte]=2.5')).toEqual([1, 2, 9007199254740992]);
    expect(await ids('d[gt]=29.499')).toEqual([29, 30]);
    expect(await ids('w[null]=true')).toEqual([0]);
    expect(await ids('w[starts]=w1&even=true')).toEqual([8, 22]);
    expect(await ids('w[contains]=%22b%22')).toHaveLength(1);
    expect(await ids('t[lt]=1900-01-01T00:00:00Z')).toHaveLength(1);
    const counted = await get('/api/v1/tables/gold/x?w=w1&count=true&limit=1');
    expect(counted.body.total).toBe(5);
  });

  it.each([
    ['limit=0', 'limit', 'a whole number from 1 to 10000'],
    ['limit=10001', 'limit', 'a whole number from 1 to 10000'],
    ['offset=-1', 'offset', 'a whole number from 0 to 1000000000'],
    ['sort=nom', 'sort', 'id, w, d, t, n, even'],
    ['fields=id,nope', 'fields', 'id, w, d, t, n, even'],
    ['nope=1', 'nope', 'id, w, d, t, n, even'],
    ['id=1%20or%201=1', 'id', 'a whole number of 64 bits'],
    ['id=9223372036854775808', 'id', 'a whole number of 64 bits'],
    ['id[like]=1', 'id[like]', 'eq, ne, gt, gte, lt, lte, in, null'],
    ['d=1e3', 'd', 'a number such as 12.5, as decimal(12,2) holds it'],
    ['t=2024-02-30T00:00:00Z', 't', 'an instant such as 2024-01-31T12:00:00Z'],
    ['even=1', 'even', 'true or false'],
    ['id=1&id=2', 'id', 'one value'],
    ['format=xml', 'format', 'json, ndjson, csv, arrow'],
    ['cursor=abc', 'cursor', 'the value of next in an answer'],
    ['count=yes', 'count', 'true or false'],
    ['__proto__[x]=1', '__proto__[x]', 'id, w, d, t, n, even'],
    ['w[$ne]=', 'w[$ne]', 'id, w, d, t, n, even'],
  ])('refuses %s and says what is allowed', async (query, parameter, allowed) => {
    const { status, body, headers } = await get(`/api/v1/tables/gold/x?${query}`);
    expect([status, headers['content-type']]).toEqual([400, 'application/problem+json; charset=utf-8']);
    expect(body).toMatchObject({ code: 'E_SERVE_PARAMETER', parameter, allowed });
  });

  it.each([
    ['/api/v1/tables/gold/nope', 404, 'E_SERVE_UNKNOWN'],
    ['/api/v1/tables/bronze/a', 404, 'E_SERVE_UNKNOWN'],
    ['/api/v1/tables/gold/x%27;drop', 404, 'E_SERVE_UNKNOWN'],
    ['/api/v1/tables/..%2f..%2f_dataflow/ledger', 404, 'E_SERVE_UNKNOWN'],
    ['/api/v1/tables/gold/x/77', 404, 'E_SERVE_UNKNOWN'],
    ['/api/v1/tables/gold/x/abc', 400, 'E_SERVE_PARAMETER'],
    ['/api/v1/tables/gold/x?as_of=nothing', 404, 'E_NO_RELEASE'],
    ['/api/v1/tables/gold/x?as_of=1999-01-01', 404, 'E_NO_RELEASE'],
    ['/nothing', 404, 'E_SERVE_UNKNOWN'],
    ['/%00', 404, 'E_SERVE_UNKNOWN'],
    ['/%zz', 400, 'E_SERVE_PARAMETER'],
  ])('answers %s with %i and nothing of the inside', async (url, status, code) => {
    const got = await get(url);
    expect(got.body).toMatchObject({ status, code });
    expect(got.text).not.toMatch(/select |parquet|\/tmp\/|at .*\.ts/i);
    expect(got.status).toBe(status);
  });

  it('takes what looks like SQL for the value that it is', async () => {
    const text = encodeURIComponent(`w1' or '1'='1`);
    expect((await get(`/api/v1/tables/gold/x?w=${text}`)).body.data).toEqual([]);
    expect((await get(`/api/v1/tables/gold/x?w[contains]=${text}`)).body.data).toEqual([]);
    expect((await get('/api/v1/tables/gold/x?w=%00')).status).toBe(400);
  });
});

describe('what is asked', () => {
  it('only reads, under a name of this machine, from pages of this server', async () => {
    const post = await served.app.inject({
      method: 'POST',
      url: '/api/v1/tables',
      headers: { host: 'localhost' },
      payload: '',
    });
    expect([post.statusCode, post.headers['allow']]).toEqual([405, 'GET, HEAD, OPTIONS']);
    expect((await get('/api/v1/tables', { host: 'evil.example' })).body.code).toBe('E_SERVE_ORIGIN');
    expect((await get('/api/v1/tables', { origin: 'https://evil.example' })).status).toBe(403);
    expect((await get('/api/v1/tables', { origin: 'http://localhost:8000' })).status).toBe(200);
    const { headers } = await get('/health');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });

  it('is counted and logged without values', async () => {
    await get('/api/v1/tables/gold/x?w=secret-value', { authorization: 'Bearer secret-token' });
    expect(JSON.stringify(served.log.at(-1))).not.toContain('secret');
    expect(served.log.at(-1)).toMatchObject({
      method: 'GET',
      path: '/api/v1/tables/gold/x',
      params: ['w'],
      status: 200,
    });
    const { text } = await get('/metrics');
    expect(text).toMatch(
      /dataflow_http_requests_total\{method="GET",route="\/api\/v1\/tables\/:layer\/:table",status="200",project="\w+"\} \d+/,
    );
    expect(text).toMatch(/dataflow_serve_release_age_seconds\{project="\w+"\} \d/);
  });
});

describe('a release', () => {
  it('is what an answer belongs to, whatever is published meanwhile', async () => {
    const first = await get('/api/v1/tables/gold/x?limit=10');
    const { etag } = first.headers as { etag: string };
    const release = first.headers['dataflow-release'] as string;
    expect((await get('/api/v1/tables/gold/x?limit=10', { 'if-none-match': etag })).status).toBe(304);
    served.place.put({ 'in/a2.csv': HEAD + rows(100, 140) });
    await served.run();
    const changed = await get('/api/v1/tables/gold/x?limit=10', { 'if-none-match': etag });
    expect([changed.status, changed.body.total]).toEqual([200, 73]);
    expect(changed.headers['etag']).not.toBe(etag);

    const ids: number[] = [];
    let page = first;
    for (;;) {
      expect(page.headers['dataflow-release']).toBe(release);
      ids.push(...page.body.data.map((one: { id: number }) => one.id));
      if (page.body.next === null) break;
      page = await get(`/api/v1/tables/gold/x?limit=10&cursor=${page.body.next}`);
    }
    expect([ids.length, new Set(ids).size]).toEqual([32, 32]);
    const other = await get(`/api/v1/tables/gold/x?limit=10&sort=d&cursor=${first.body.next}`);
    expect(other.body.parameter).toBe('cursor');

    const before = await get(`/api/v1/tables/gold/x?as_of=${release}&limit=1`);
    expect(before.body.total).toBe(32);
    expect(before.headers['cache-control']).toContain('immutable');
    expect((await get(`/api/v1/tables/gold/x?as_of=${new Date().toISOString()}&limit=1`)).body.total).toBe(73);
    expect((await get('/ready')).body.release.release_id).toBe(changed.headers['dataflow-release']);
  });
});
