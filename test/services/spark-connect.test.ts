import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { EngineProgress } from '../../src/core/ports/engine.ts';
import { parseConnectUrl } from '../../src/engines/spark/connect-url.ts';
import { Link } from '../../src/engines/spark/link.ts';
import { ANY_RESPONSE, RELEASE_SESSION_REQUEST } from '../../src/engines/spark/messages.ts';
import { openSparkSession, SparkSession } from '../../src/engines/spark/session.ts';
import { tcpProxy } from './faults/tcp-proxy.ts';
import { describeService, uniqueName } from './service.ts';

// A server that has just started takes long for its first answers of each kind where other tests keep the cores busy.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

describeService('spark', ({ url }) => {
  let spark: SparkSession;
  const progress: EngineProgress[] = [];
  beforeAll(async () => {
    spark = await openSparkSession(url, { onProgress: (one) => progress.push(one) });
  });
  afterAll(() => spark.close());

  /** The same server by another way: `sc://127.0.0.1:<port>/;token=…`. */
  const [address = '', parameters = ''] = url.replace('sc://', '').split('/');
  const through = (port: number): string => `sc://127.0.0.1:${port}/${parameters}`;

  it('rows of every type come exactly, with the types that models use', async () => {
    const sql = `select * from values
      (1Y, 2S, 3, 9223372036854775807L, 0.1D, cast(12345678901234567890123456789012345.678 as decimal(38,3)),
       'é"', X'0041ff', date'9999-12-31', timestamp'2024-02-29 12:00:00.000001', timestamp_ntz'0001-01-01 00:00:00.5',
       array(1, null), named_struct('a', 1, 'b c', array('x')), map('k', cast(-0.05 as decimal(4,2))), true),
      (null, null, null, -9007199254740991L, double('-Infinity'), -1.5, null, null, null, null, null, null, null, null, null)
      as t(tiny, small, int, big, dbl, dec, txt, bin, day, instant, naive, list, struct, map, flag)`;
    const nothing = { tiny: null, small: null, int: null, txt: null, bin: null, day: null, instant: null, naive: null };
    expect(await spark.rows(sql)).toEqual([
      {
        ...{ tiny: 1, small: 2, int: 3, big: 9223372036854775807n, dbl: 0.1, flag: true },
        ...{ dec: '12345678901234567890123456789012345.678', txt: 'é"', bin: '\\x00A\\xFF', day: '9999-12-31' },
        ...{ instant: '2024-02-29T12:00:00.000001Z', naive: '0001-01-01T00:00:00.5', list: [1, null] },
        ...{ struct: { a: 1, 'b c': ['x'] }, map: [{ key: 'k', value: '-0.05' }] },
      },
      {
        ...{ ...nothing, big: -9007199254740991, dbl: '-Infinity', dec: '-1.500' },
        ...{ list: null, struct: null, map: null, flag: null },
      },
    ]);
    const types = (await spark.describe(sql)).map(({ type }) => type);
    expect(types.join(' ')).toBe(
      'tinyint smallint integer bigint double decimal(38,3) varchar blob date timestamptz timestamp integer[] struct("a" integer, "b c" varchar[]) map(varchar, decimal(4,2)) boolean',
    );
    const none = [];
    for await (const batch of spark.stream('select 1 as n where false')) none.push(batch);
    expect(none).toEqual([{ columns: [{ name: 'n', type: 'integer' }], rows: [] }]);
  });

  it('statements take effect at once; views and settings are of the session', async () => {
    const table = uniqueName('kept');
    await spark.run(`create table ${table} using parquet as select id as n from range(3)`);
    await spark.run(`insert into ${table} values (7)`);
    expect(await spark.rows(`select count(*) as rows, sum(n) as total from ${table}`)).toEqual([
      { rows: 4, total: 10 },
    ]);
    expect(await spark.run(`describe table ${table}`)).toMatchObject([{ col_name: 'n', data_type: 'bigint' }]);
    await spark.run(`drop table ${table}`);
    await spark.run('create temp view mine as select 1 as n');
    await spark.setConfig({ 'spark.sql.shuffle.partitions': '3' });
    const other = await openSparkSession(url);
    try {
      await expect(other.rows('select * from mine')).rejects.toThrow('[TABLE_OR_VIEW_NOT_FOUND]');
      expect(await other.config('spark.sql.shuffle.partitions')).not.toBe('3');
      expect([await spark.config('spark.sql.shuffle.partitions'), await spark.config('no.such')]).toEqual([
        '3',
        undefined,
      ]);
    } finally {
      await other.close();
    }
    expect(await spark.explain('select * from mine')).toContain('== Physical Plan ==');
    await expect(spark.rows('select id from range(20)', { rows_max: 19 })).rejects.toThrow('more than 19 rows');
  });

  it('wrong SQL is told by its class and its place', async () => {
    const told = (sql: string): Promise<unknown> => spark.rows(sql).catch((error: unknown) => error);
    expect(await told('select\n  id,\n  nope from range(3)')).toMatchObject({
      code: 'E_SQL',
      message: expect.stringMatching(/^\[UNRESOLVED_COLUMN.*`nope` cannot be resolved.*[^;]$/),
      place: { line: 3, column: 3 },
    });
    expect(await told('select (1\n from range(3)')).toMatchObject({
      code: 'E_SQL',
      message: expect.stringContaining('[PARSE_SYNTAX_ERROR]'),
      place: { line: 2, column: 2 },
    });
    expect(await told("select\n cast('x' as int)")).toMatchObject({
      code: 'E_SQL',
      message: expect.stringContaining('[CAST_INVALID_INPUT]'),
      place: { line: 2, column: 2 },
    });
  });

  it('a million rows stream in bounded memory, and a reader who leaves ends the work', async () => {
    progress.length = 0;
    const sql = 'select id, concat("row ", id) as t, cast(id as decimal(12,2)) as d from range(1000000)';
    let [rows, sum, peak] = [0, 0, 0];
    const before = process.memoryUsage().rss;
    for await (const batch of spark.stream(sql)) {
      rows += batch.rows.length;
      sum += batch.rows.reduce((total, { id }) => total + (id as number), 0);
      peak = Math.max(peak, process.memoryUsage().rss - before);
    }
    expect([rows, sum]).toEqual([1_000_000, 499_999_500_000]);
    expect(peak).toBeLessThan(250_000_000); // All the rows at once would be twice as much.
    expect(progress.length).toBeGreaterThan(0);
    for await (const batch of spark.stream('select id from range(0, 100000000, 1, 10000)'))
      if (batch.rows.length > 0) break;
    expect(await spark.rows('select 1 as n')).toEqual([{ n: 1 }]);
  });

  it('an abort ends the work at the server', async () => {
    const abort = new AbortController();
    const table = uniqueName('endless');
    const own = await openSparkSession(url, {
      signal: abort.signal,
      onProgress: ({ percentage }) => percentage !== undefined && abort.abort(),
    });
    // Its two tasks would keep both threads of the server for hours.
    const endless = `create table ${table} using parquet as select count(*) as n from range(0, 1000000000000, 1, 2) where id % 3 = rand()`;
    try {
      await expect(own.run(endless)).rejects.toMatchObject({ code: 'E_ENGINE_INTERRUPTED' });
      await expect(own.rows('select 1')).rejects.toMatchObject({ code: 'E_ENGINE_INTERRUPTED' });
      expect(await spark.rows('select sum(id) as n from range(0, 1000, 1, 4)')).toEqual([{ n: 499_500 }]);
    } finally {
      await own.close();
    }
  });

  it('a connection that breaks in mid stream is taken up again: no row is lost, none comes twice', async () => {
    const proxy = await tcpProxy(address);
    const own = await openSparkSession(through(proxy.port));
    try {
      // Small pieces, so that most of them are still at the server when the connection breaks.
      await own.setConfig({ 'spark.sql.execution.arrow.maxRecordsPerBatch': '1000' });
      proxy.resetAfter('down', 300_000);
      let next = 0;
      let cuts = 0;
      for await (const { rows } of own.stream('select id, repeat("x", 20) as t from range(0, 200000, 1, 4)')) {
        for (const { id } of rows) if (id !== next++) expect.unreachable(`row ${id} came as number ${next - 1}`);
        if (next <= 50_000 * (cuts + 1) || next === 200_000) continue;
        cuts += 1;
        proxy.cut();
      }
      expect([next, cuts]).toEqual([200_000, 3]);
      expect(proxy.accepted).toBeGreaterThanOrEqual(5);
    } finally {
      await own.close();
      await proxy.close();
    }
  });

  it('a server that does not come back, that is not there, or that refuses the token is named without the token', async () => {
    const proxy = await tcpProxy(address);
    const own = await openSparkSession(through(proxy.port));
    const rows = own.stream('select id from range(0, 2000000, 1, 200)');
    expect((await rows.next()).done).toBe(false);
    await proxy.refuse();
    const lost = await (async () => {
      for await (const _ of rows) await sleep(0);
    })().catch((error: unknown) => error);
    expect(lost).toMatchObject({ code: 'E_ENGINE_LOST', message: expect.stringContaining(proxy.address) });
    const absent = await openSparkSession(through(proxy.port)).catch((error: unknown) => error);
    expect(absent).toMatchObject({ code: 'E_ENGINE_UNREACHABLE', message: expect.stringContaining(proxy.address) });
    await own.close();
    await proxy.close();
    const denied = await openSparkSession(`sc://${address}/;token=wrong-token`).catch((error: unknown) => error);
    expect(denied).toMatchObject({ code: 'E_ENGINE_DENIED' });
    for (const error of [lost, absent, denied]) expect(String(error)).not.toMatch(/wrong-token|only-for-tests/);
  });

  it('a session that the server forgot is told apart from wrong SQL', async () => {
    const link = new Link(parseConnectUrl(url));
    const own = new SparkSession(link, spark.version, {});
    expect(await own.rows('select 1 as n')).toEqual([{ n: 1 }]);
    const { session_id, user_context } = link.identity;
    const release = { name: 'ReleaseSession', request: RELEASE_SESSION_REQUEST, response: ANY_RESPONSE };
    await link.ask(release, { session_id, user_context });
    await expect(own.rows('select 1 as n')).rejects.toMatchObject({ code: 'E_ENGINE_SESSION', retryable: true });
    await own.close();
  });
});
