import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Column } from '../../core/model/table.ts';
import type { CsvDialect, EngineSession, ParseRequest } from '../../core/ports/engine.ts';
import { openDuckDb } from './open-duckdb.ts';

const root = mkdtempSync(join(tmpdir(), 'dataflow-engine-'));
const engine = await openDuckDb(
  { type: 'duckdb', threads: 2, memory_limit: '512MB' },
  { temp_folder: join(root, 'tmp') },
);
afterAll(async () => {
  await engine.close();
  rmSync(root, { recursive: true, force: true });
});

let folders = 0;
function folder(): string {
  const path = join(root, `f${++folders}`);
  mkdirSync(path);
  return path;
}

async function withSession<T>(work: (session: EngineSession) => Promise<T>): Promise<T> {
  const session = await engine.openSession({ label: 'test' });
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

const column = (name: string, type: string): Column => ({ name, type, nullable: true });
const CSV: CsvDialect = { delimiter: ',', quote: '"', escape: '"', has_header: true, skip_lines: 0 };
const ORIGIN = column('_file', 'varchar');

async function parse(session: EngineSession, request: Omit<ParseRequest, 'target' | 'reject_folder'>) {
  const result = await session.parse({
    ...request,
    target: { folder: folder(), columns: [...request.columns, ORIGIN] },
    reject_folder: folder(),
  });
  const good: Column[] = [...request.columns, ORIGIN];
  await session.bind({ name: 'good', columns: good, files: result.candidates });
  await session.bind({
    name: 'bad',
    columns: [
      column('file', 'varchar'),
      column('line', 'bigint'),
      column('column_name', 'varchar'),
      column('error', 'varchar'),
      column('raw', 'varchar'),
    ],
    files: result.rejects,
  });
  return {
    ...result,
    good: await session.rows('select * from good'),
    bad: await session.rows('select * from bad order by file, line'),
  };
}

describe('relations', () => {
  it('bind files in order, with positions, partition values and missing columns', async () => {
    await withSession(async (session) => {
      const columns = [column('a', 'bigint'), column('p', 'varchar')];
      const [first] = await session.write("select i as a, 'x' as p from range(3) t(i)", {
        folder: folder(),
        columns,
        partition_by: ['p'],
      });
      const [second] = await session.write('select 10 as a, cast(null as varchar) as p', {
        folder: folder(),
        columns,
        partition_by: ['p'],
      });
      expect(first?.partition_values).toEqual({ p: 'x' });
      expect(second?.partition_values).toEqual({ p: null });
      if (first === undefined || second === undefined) throw new Error('no file');
      await session.bind({
        name: 'silver.t',
        columns,
        partition_by: ['p'],
        files: [second, first],
        with_position: true,
      });
      expect(await session.rows('select * from silver.t order by _part, _pos')).toEqual([
        { a: 10, p: null, _part: 0, _pos: 0 },
        { a: 0, p: 'x', _part: 1, _pos: 0 },
        { a: 1, p: 'x', _part: 1, _pos: 1 },
        { a: 2, p: 'x', _part: 1, _pos: 2 },
      ]);
    });
  });

  it('keeps the names of sessions apart', async () => {
    await withSession(async (one) => {
      await one.bind({ name: 'gold.t', columns: [column('a', 'bigint')], files: [] });
      await one.materialize('m', 'select 1 as x');
      await withSession(async (two) => {
        await expect(two.rows('select * from gold.t')).rejects.toMatchObject({ code: 'E_SQL' });
        await expect(two.rows('select * from m')).rejects.toMatchObject({ code: 'E_SQL' });
      });
      expect(await one.rows('select count(*) as n from gold.t')).toEqual([{ n: 0 }]);
    });
  });
});

describe('writing', () => {
  it('counts rows and takes statistics that bound every value', async () => {
    await withSession(async (session) => {
      const columns = [
        column('i', 'bigint'),
        column('d', 'date'),
        column('t', 'timestamptz'),
        column('m', 'decimal(12,2)'),
        column('s', 'varchar'),
        column('f', 'double'),
      ];
      const sql = `select * from (values (1, date '2024-01-02', timestamptz '2024-01-01 00:00:00.1234567Z', 1.50, repeat('z', 100), 'nan'::double), (-5, null, timestamptz '1960-01-01 00:00:00Z', 2.25, 'a', 1.0)) t(i, d, t, m, s, f)`;
      const [file] = await session.write(sql, { folder: folder(), columns });
      expect(file).toMatchObject({ rows: 2, stats: { num_records: 2, null_count: { d: 1, i: 0 } } });
      expect(file?.stats.min_values).toMatchObject({
        i: -5,
        d: '2024-01-02',
        t: '1960-01-01T00:00:00.000Z',
        m: 1.5,
        s: 'a',
      });
      expect(file?.stats.max_values).toMatchObject({ i: 1, d: '2024-01-02', t: '2024-01-01T00:00:00.124Z', m: 2.25 });
      const longest = String(file?.stats.max_values['s']);
      expect(longest > 'z'.repeat(100)).toBe(true);
      expect(file?.stats.max_values['f']).toBeUndefined();
    });
  });

  it('leaves no file for no rows, and none behind after an error', async () => {
    await withSession(async (session) => {
      const target = { folder: folder(), columns: [column('a', 'bigint')] };
      expect(await session.write('select 1 as a where false', target)).toEqual([]);
      await expect(session.write("select cast('x' as bigint) as a from range(5)", target)).rejects.toMatchObject({
        code: 'E_SQL',
      });
      const { readdirSync } = await import('node:fs');
      expect(readdirSync(target.folder)).toEqual([]);
    });
  });

  it('splits by a cluster expression without making it a partition', async () => {
    await withSession(async (session) => {
      const columns = [column('d', 'date')];
      const files = await session.write("select date '2024-01-01' + i::integer as d from range(60) t(i)", {
        folder: folder(),
        columns,
        cluster_by: "date_trunc('month', d)",
      });
      expect(files.map((file) => file.rows).sort()).toEqual([29, 31]);
      expect(files[0]?.partition_values).toEqual({});
      await session.bind({ name: 'c', columns, files });
      expect(await session.rows('select count(distinct d) as n from c')).toEqual([{ n: 60 }]);
    });
  });
});

describe('parsing', () => {
  const columns = [column('id', 'bigint'), column('m', 'decimal(12,2)'), column('d', 'date'), column('s', 'varchar')];

  it('csv: good rows in order, rejects with line, column and raw text, empty text apart from NULL', async () => {
    const file = join(folder(), 'a.csv');
    writeFileSync(
      file,
      'id,m,d,s\n1,1.5,2025-01-01,"a ""q"""\n2,abc,2025-01-01,b\n3,2.5,2025-13-01,c\n5,1,2025-01-02,x,y\n6,9,2025-01-03,""\n8,,,\n',
    );
    await withSession(async (session) => {
      const out = await parse(session, {
        format: 'csv',
        files: [{ id: 'in/a.csv', uri: file, compression: 'none' }],
        dialect: CSV,
        header: ['id', 'm', 'd', 's'],
        columns,
      });
      expect(out.good).toEqual([
        { id: 1, m: '1.50', d: '2025-01-01', s: 'a "q"', _file: 'in/a.csv' },
        { id: 6, m: '9.00', d: '2025-01-03', s: '', _file: 'in/a.csv' },
        { id: 8, m: null, d: null, s: null, _file: 'in/a.csv' },
      ]);
      expect(out.bad.map((row) => [row['line'], row['column_name']])).toEqual([
        [3, 'm'],
        [4, 'd'],
        [5, null],
      ]);
      expect(out.bad[0]?.['raw']).toBe('2,abc,2025-01-01,b');
      expect(out.per_file.get('in/a.csv')).toEqual({ rows: 3, rejected: 3 });
    });
  });

  it('csv: columns go by the header, not by position; several files keep their ids', async () => {
    const place = folder();
    writeFileSync(join(place, 'one.csv'), 's,id\nx,1\n');
    writeFileSync(join(place, 'two.csv'), 's,id\ny,2\nz,zz\n');
    await withSession(async (session) => {
      const files = ['one', 'two'].map((name) => ({
        id: `in/${name}.csv`,
        uri: join(place, `${name}.csv`),
        compression: 'none' as const,
      }));
      const out = await parse(session, {
        format: 'csv',
        files,
        dialect: CSV,
        header: ['s', 'id'],
        columns: [column('id', 'bigint'), column('s', 'varchar')],
      });
      expect(out.good).toEqual([
        { id: 1, s: 'x', _file: 'in/one.csv' },
        { id: 2, s: 'y', _file: 'in/two.csv' },
      ]);
      expect(out.per_file.get('in/two.csv')).toEqual({ rows: 1, rejected: 1 });
    });
  });

  it('ndjson: bad lines and misfits are rejected, big numbers stay exact, nested values stay JSON', async () => {
    const file = join(folder(), 'a.ndjson');
    writeFileSync(
      file,
      '{"id":9007199254740993,"m":1.25,"s":{"x":[1,2]}}\n\nnot json\n{"id":"x1","d":"2024-01-01"}\n{"id":3,"d":"2024-02-30"}\n[1]\n{"id":4,"s":"é, \\"q\\""}\n',
    );
    await withSession(async (session) => {
      const out = await parse(session, {
        format: 'ndjson',
        files: [{ id: 'a.ndjson', uri: file, compression: 'none' }],
        columns,
      });
      expect(out.good.map((row) => [String(row['id']), row['m'], row['s']])).toEqual([
        ['9007199254740993', '1.25', '{"x":[1,2]}'],
        ['4', null, 'é, "q"'],
      ]);
      expect(out.bad.map((row) => row['column_name'])).toEqual([null, 'id', 'd', null]);
      expect(out.per_file.get('a.ndjson')).toEqual({ rows: 2, rejected: 4 });
    });
  });

  it.each([
    ['an array', '[{"id":1},{"id":2}]', 2],
    ['one object', '{"id":1}', 1],
    ['an empty array', '[]', 0],
  ])('json: %s', async (_, text, rows) => {
    const file = join(folder(), 'a.json');
    writeFileSync(file, text);
    await withSession(async (session) => {
      const out = await parse(session, {
        format: 'json',
        files: [{ id: 'a.json', uri: file, compression: 'none' }],
        columns: [column('id', 'bigint')],
      });
      expect(out.per_file.get('a.json')).toEqual({ rows, rejected: 0 });
    });
  });

  it('parquet: values that do not fit are rejected', async () => {
    await withSession(async (session) => {
      const [file] = await session.write("select '1' as id union all select 'x'", {
        folder: folder(),
        columns: [column('id', 'varchar')],
      });
      const out = await parse(session, {
        format: 'parquet',
        files: [{ id: 'p', uri: file?.uri ?? '', compression: 'none' }],
        columns: [column('id', 'bigint')],
      });
      expect(out.good).toEqual([{ id: 1, _file: 'p' }]);
      expect(out.bad[0]).toMatchObject({ column_name: 'id', line: 2 });
    });
  });

  it('infers columns that the lake can store', async () => {
    const file = join(folder(), 'a.csv');
    writeFileSync(file, 'i,d,t,x\n1,2024-01-01,2024-01-01 10:00:00,a\n2,2024-01-02,2024-01-01 11:00:00,b\n');
    await withSession(async (session) => {
      const found = await session.infer({
        format: 'csv',
        files: [{ id: 'a', uri: file, compression: 'none' }],
        dialect: CSV,
        header: ['i', 'd', 't', 'x'],
      });
      expect(found.map((one) => [one.name, one.type])).toEqual([
        ['i', 'bigint'],
        ['d', 'date'],
        ['t', 'timestamptz'],
        ['x', 'varchar'],
      ]);
    });
  });
});

describe('errors', () => {
  it('name line and column of the SQL', async () => {
    await withSession(async (session) => {
      await expect(session.describe('select foo\nfrom (select 1 as bar)')).rejects.toMatchObject({
        code: 'E_SQL',
        message: expect.stringMatching(/foo/),
      });
      await expect(session.rows('select 1 as a,\n  nope as b')).rejects.toMatchObject({
        place: { line: 2, column: 3 },
      });
    });
  });

  it('an abort interrupts a running query', async () => {
    const stop = new AbortController();
    const session = await engine.openSession({ label: 'abort', signal: stop.signal });
    setTimeout(() => stop.abort(), 100);
    await expect(session.rows('select count(*) from range(100000000) a, range(1000) b')).rejects.toMatchObject({
      code: 'E_ENGINE_INTERRUPTED',
    });
    await session.close();
  });

  it('the sandbox reads the lake and nothing else, and writes nothing', async () => {
    const place = folder();
    const file = await withSession(
      async (session) => (await session.write('select 1 as a', { folder: place, columns: [column('a', 'bigint')] }))[0],
    );
    const session = await engine.openSession({ label: 'sandbox', sandbox: { allowed_folders: [place] } });
    const run = async (sql: string): Promise<unknown> => {
      const rows: unknown[] = [];
      for await (const batch of session.stream(sql)) rows.push(...batch.rows);
      return rows;
    };
    await session.bind({ name: 'gold.t', columns: [column('a', 'bigint')], files: file === undefined ? [] : [file] });
    expect(await run('select * from gold.t')).toEqual([{ a: 1 }]);
    for (const sql of [
      "select * from read_csv('/etc/passwd')",
      "select * from '/etc/hosts'",
      `copy (select 1) to '${place}/x.csv'`,
      "attach '/tmp/x.db' as x",
      'set enable_external_access=true',
      'create table t as select 1',
      'select 1; select 2',
      'install httpfs',
    ]) {
      await expect(run(sql), sql).rejects.toMatchObject({ code: expect.stringMatching(/^E_SQL(_SANDBOX)?$/) });
    }
    await session.close();
  });
});
