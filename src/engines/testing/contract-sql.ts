import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { EngineSession, Row } from '../../core/ports/engine.ts';
import { type ContractKit, column } from './contract-kit.ts';

const ENDLESS = 'select count(*) from range(100000000) a, range(1000) b';
const FILE_READERS = [
  "select * from read_csv('/etc/passwd')",
  "select * from '/etc/hosts.csv'",
  'select * from "x.parquet"',
  "select (select count(*) from read_text('/etc/passwd')) as n",
  "with a as (select * from glob('/*')) select * from a",
  "select * from query('select * from read_csv(''/etc/passwd'')')",
  "select * from query_table('/etc/passwd')",
  "from parquet_metadata('x.parquet')",
];

export function sqlContract(kit: ContractKit): void {
  describe('results', () => {
    cells(kit);
    streaming(kit);
    leavingEarly(kit);
    smallResults(kit);
  });

  describe('errors', () => {
    errorPlaces(kit);
    syntaxErrors(kit);
    oneLine(kit);
    damagedFile(kit);
    outOfMemory(kit);
  });

  describe('interrupts and progress', () => {
    interrupts(kit);
    progress(kit);
  });

  describe('what SQL reads', () => {
    tablesRead(kit);
    fileReaders(kit);
    oneQuery(kit);
  });

  describe('sandbox', () => {
    sandbox(kit);
  });
}

function cells(kit: ContractKit): void {
  it('has cells that lose nothing', async () => {
    const sql = `select 9007199254740993 as big, 7::bigint as small, 170141183460469231731687303715884105727 as huge, 1.50::decimal(8,2) as dec,
      date '2024-01-02' as d, timestamptz '2024-01-02 03:04:05.678901Z' as t, timestamp '2024-01-02 03:04:05' as naive, true as b, null as n,
      'é' as s, 0.5::double as f, {'a': [1::bigint, null], 'd': date '2024-01-02'} as nested`;
    expect(await kit.session((session) => session.rows(sql))).toEqual([
      {
        big: 9007199254740993n,
        small: 7,
        huge: 170141183460469231731687303715884105727n,
        dec: '1.50',
        d: '2024-01-02',
        t: '2024-01-02T03:04:05.678901Z',
        naive: '2024-01-02T03:04:05',
        b: true,
        n: null,
        s: 'é',
        f: 0.5,
        nested: { a: [1, null], d: '2024-01-02' },
      },
    ]);
  });
}

function streaming(kit: ContractKit): void {
  it('streams a large result in batches, and the columns of an empty one', async () => {
    await kit.session(async (session) => {
      let [rows, batches] = [0, 0];
      for await (const batch of session.stream('select i from range(200000) t(i)')) {
        rows += batch.rows.length;
        batches += 1;
      }
      expect(rows).toBe(200_000);
      expect(batches).toBeGreaterThan(10);
      const [only] = await all(session, 'select 1 as a, 2 as b where false');
      expect(only).toEqual({
        columns: [
          { name: 'a', type: 'integer' },
          { name: 'b', type: 'integer' },
        ],
        rows: [],
      });
    });
  });
}

function leavingEarly(kit: ContractKit): void {
  it('can leave a stream early and go on', async () => {
    await kit.session(async (session) => {
      for await (const batch of session.stream('select i from range(10000000) t(i)')) {
        expect(batch.rows.length).toBeGreaterThan(0);
        break;
      }
      expect(await session.rows('select 1 as a')).toEqual([{ a: 1 }]);
    });
  });
}

function smallResults(kit: ContractKit): void {
  it('refuses a result that is not small', async () => {
    await kit.session(async (session) => {
      await expect(session.rows('select * from range(11)', { rows_max: 10 })).rejects.toMatchObject({
        code: 'E_ENGINE',
      });
      expect(await session.rows('select * from range(10)', { rows_max: 10 })).toHaveLength(10);
    });
  });
}

function errorPlaces(kit: ContractKit): void {
  it.each([
    ['select 1 as a,\n  nope as b', 2, 3],
    [`select ${'1 as a, '.repeat(60)}nope`, 1, 488],
    ["select 'é€😀', nope", 1, 15],
    ['select a\nfrom (select 1 as b)', 1, 8],
  ])('name line and column: %j', async (sql, line, at) => {
    const place = { file: '', line, column: at };
    await kit.session(async (session) => {
      const target = { folder: kit.folder(), columns: [column('a', 'integer')] };
      await expect(session.rows(sql)).rejects.toMatchObject({ code: 'E_SQL', place });
      await expect(session.describe(sql)).rejects.toMatchObject({ code: 'E_SQL', place });
      await expect(session.define('v', sql)).rejects.toMatchObject({ code: 'E_SQL', place });
      await expect(session.write(sql, target)).rejects.toMatchObject({ code: 'E_SQL', place });
    });
  });
}

function syntaxErrors(kit: ContractKit): void {
  it('name the place of a syntax error', async () => {
    await kit.session(async (session) => {
      for (const run of [
        () => session.rows('select 1,\n selec from x y z'),
        () => session.describe('select 1,\n selec from x y z'),
      ]) {
        await expect(run()).rejects.toMatchObject({ code: 'E_SQL', place: { file: '', line: 2, column: 17 } });
      }
    });
  });
}

function oneLine(kit: ContractKit): void {
  it('are one line', async () => {
    const error = await kit.session((session) =>
      session.rows('select * from nosuch').catch((one: Error) => one.message),
    );
    expect(error).toMatch(/^.*nosuch.*$/);
    expect(error).not.toContain('\n');
  });
}

function damagedFile(kit: ContractKit): void {
  it('name a damaged data file', async () => {
    const columns = [column('a', 'bigint')];
    await kit.session(async (session) => {
      const [file] = await session.write('select i as a from range(1000) t(i)', { folder: kit.folder(), columns });
      if (file === undefined) throw new Error('no file');
      await session.bind({ name: 'silver.t', columns, files: [file] });
      writeFileSync(file.uri, 'PAR1 this is no longer a data file PAR1');
      await expect(session.rows('select sum(a) as a from silver.t')).rejects.toMatchObject({
        code: 'E_LAKE_CORRUPT',
        message: expect.stringContaining(file.uri),
      });
    });
  });
}

function outOfMemory(kit: ContractKit): void {
  it('say when memory is not enough', async () => {
    await kit.session(async (session) => {
      await expect(session.rows('select list(i) as l from range(300000000) t(i)')).rejects.toMatchObject({
        code: 'E_ENGINE_MEMORY',
        retryable: true,
      });
    });
  });
}

function interrupts(kit: ContractKit): void {
  it('ends what runs, refuses what comes', async () => {
    const stop = new AbortController();
    await kit.session(
      async (session) => {
        setTimeout(() => stop.abort(), 100);
        await expect(session.rows(ENDLESS)).rejects.toMatchObject({ code: 'E_ENGINE_INTERRUPTED' });
        await expect(session.rows('select 1')).rejects.toMatchObject({ code: 'E_ENGINE_INTERRUPTED' });
        await expect(session.write('select 1 as a', { folder: '', columns: [] })).rejects.toMatchObject({
          code: 'E_ENGINE_INTERRUPTED',
        });
      },
      { signal: stop.signal },
    );
  });
}

function progress(kit: ContractKit): void {
  it('reports progress and memory while it works', async () => {
    const seen: (number | undefined)[] = [];
    const stop = new AbortController();
    await kit.session(
      async (session) => {
        setTimeout(() => stop.abort(), 600);
        await expect(session.rows(ENDLESS)).rejects.toThrow();
        expect(session.usage().peak_memory_bytes).toBeGreaterThan(1_000_000);
      },
      { signal: stop.signal, onProgress: ({ percentage }) => seen.push(percentage) },
    );
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.every((one) => one === undefined || (one >= 0 && one <= 100))).toBe(true);
  });
}

function tablesRead(kit: ContractKit): void {
  it.each([
    ['select * from silver.a join gold.b using (x)', ['silver.a', 'gold.b']],
    ['with c as (select * from silver.a) select * from C where x in (from bronze.z)', ['silver.a', 'bronze.z']],
    ['with recursive r as (select 1 as n union all select n + 1 from r where n < 3) select * from r', []],
    ['from this, range(3), unnest([1])', ['this']],
    ['select * from silver.a union all select * from silver.a', ['silver.a']],
    ["select 'from silver.x', {'type': 'BASE_TABLE', 'table_name': 'x'} -- from silver.y", []],
  ])('%s', async (sql, tables) => {
    expect(await kit.session((session) => session.tablesOf(sql))).toEqual(tables);
  });
}

function fileReaders(kit: ContractKit): void {
  it.each(FILE_READERS)('refuses to plan %s', async (sql) => {
    await kit.session(async (session) => {
      await expect(session.tablesOf(sql)).rejects.toMatchObject({ code: 'E_SQL_SANDBOX' });
      await expect(session.describe(sql)).rejects.toMatchObject({ code: 'E_SQL_SANDBOX' });
    });
  });
}

function oneQuery(kit: ContractKit): void {
  it.each(['create table t as select 1', 'select 1; select 2', 'drop table x'])('wants one query: %s', async (sql) => {
    await kit.session(async (session) => {
      await expect(session.tablesOf(sql)).rejects.toMatchObject({ code: 'E_SQL' });
    });
  });
}

function sandbox(kit: ContractKit): void {
  it('reads bound tables, and nothing else; writes nothing', async () => {
    const place = kit.folder();
    const columns = [column('a', 'bigint')];
    const files = await kit.session((session) => session.write('select 1 as a', { folder: place, columns }));
    await kit.session(
      async (session) => {
        await session.bind({ name: 'gold.t', columns, files });
        for (const sql of ['select a from gold.t', 'with x as (from gold.t) select a from x;']) {
          expect((await all(session, sql))[0]?.rows).toEqual([{ a: 1 }]);
        }
        for (const sql of ['explain select * from gold.t', 'summarize gold.t', 'describe gold.t']) {
          expect((await all(session, sql)).length, sql).toBeGreaterThan(0);
        }
        const writes = [
          `copy (select 1) to '${place}/x.csv'`,
          "attach '/tmp/x.db' as x",
          'set enable_external_access=true',
          'create table t as select 1',
          'select 1; select 2',
          'install httpfs',
          'explain analyze create table t as select 1',
          `select * from '${files[0]?.uri}'`,
          `from read_parquet('${files[0]?.uri}')`,
        ];
        for (const sql of [...FILE_READERS, ...writes]) {
          await expect(all(session, sql), sql).rejects.toMatchObject({ code: 'E_SQL_SANDBOX' });
          await expect(session.rows(sql), sql).rejects.toMatchObject({ code: 'E_SQL_SANDBOX' });
        }
        await expect(session.write('select 1 as a', { folder: place, columns })).rejects.toMatchObject({
          code: 'E_SQL_SANDBOX',
        });
      },
      { sandbox: { allowed_folders: [place] } },
    );
  });
}

async function all(session: EngineSession, sql: string): Promise<{ columns: unknown; rows: readonly Row[] }[]> {
  const batches: { columns: unknown; rows: readonly Row[] }[] = [];
  for await (const batch of session.stream(sql)) batches.push(batch);
  return batches;
}
