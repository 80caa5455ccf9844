import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectDone, newPlace, type Outcome, type Place } from './support/fault-project.ts';

/** `export data` on the built binary: one project, its releases as files of every kind. */
const SOURCE = (more = '') => `sources:
  a: { type: files, path: "in/a*.csv", settle_seconds: 0, columns: { id: bigint, w: varchar, d: "decimal(12,2)", t: timestamptz } }
${more}gold:
  x: { sql: "select id, w, d, t from bronze.a order by id", key: id }
  y: { sql: "select count(*) as n from bronze.a", key: n }
`;
let place: Place;
beforeAll(() => {
  place = newPlace(SOURCE());
  place.put({
    'in/a1.csv': `id,w,d,t\n1,=1+1,1.10,2024-01-01 00:00:00+01\n2,"a, ""b""\nc",-2.00,\n3,,,\n4,"",0.05,2024-06-30 12:00:00.123456Z\n5,-5,5.00,1850-01-01 00:00:00Z\n`,
  });
  expectDone(place.dataflow(['run']));
});
afterAll(() => place.remove());

const path = (name: string): string => join(place.folder, name);
const text = (name: string): string => readFileSync(path(name), 'utf8');
const exported = (...args: string[]): Outcome => place.dataflow(['export', 'data', ...args]);
const manifest = (name: string) =>
  JSON.parse(text(name)) as {
    release_id: string;
    files: { file: string; sha256: string }[];
    tables: { table: string; rows: number; as_text?: Record<string, number> }[];
  };

describe('files of a release', () => {
  it('are CSV by default, with a manifest that proves them', () => {
    const planned = exported('gold.*', '--to', 'out', '--dry-run');
    expectDone(planned);
    expect(planned.stdout).toContain('nothing was changed');
    expect(existsSync(path('out'))).toBe(false);
    expectDone(exported('gold.*', '--to', 'out'));
    expect(text('out/gold.x.csv')).toBe(
      'id,w,d,t\n1,=1+1,1.10,2023-12-31T23:00:00.000000Z\n2,"a, ""b""\nc",-2.00,\n3,,,\n4,"",0.05,2024-06-30T12:00:00.123456Z\n5,-5,5.00,1850-01-01T00:00:00.000000Z\n',
    );
    expect(readdirSync(path('out')).sort()).toEqual(['gold.x.csv', 'gold.y.csv', 'manifest.json']);
    expect(manifest('out/manifest.json').tables.map((one) => [one.table, one.rows])).toEqual([
      ['gold.x', 5],
      ['gold.y', 1],
    ]);
  });

  it('are left alone when they are there and whole, and not when somebody changed them', () => {
    const again = exported('gold.*', '--to', 'out');
    expectDone(again);
    expect(again.stdout).toMatch(/nothing to do: release \w+ is there already, every file as it was written/);
    writeFileSync(path('out/gold.y.csv'), 'mine\n');
    const refused = exported('gold.*', '--to', 'out');
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain('gold.y.csv');
    expect(text('out/gold.y.csv')).toBe('mine\n');
    expectDone(exported('gold.*', '--to', 'out', '--force'));
    expect(text('out/gold.y.csv')).toBe('n\n5\n');
  });

  it('are never replaced without --force', () => {
    place.put({ 'there.csv': 'mine\n' });
    expect(exported('gold.x', '--to', 'there.csv').status).toBe(2);
    expect(text('there.csv')).toBe('mine\n');
    expect(exported('gold.y', '--to', 'out').stderr).toContain('holds an export of release');
    expectDone(exported('gold.y', '--to', 'out', '--as', 'parquet', '--force'));
    expect(readdirSync(path('out')).sort()).toEqual(['gold.y.parquet', 'manifest.json']);
    expect(exported('gold.x', '--to', 'lake/gold/x').stderr).toContain('the lake is no place');
    expect(exported('gold.*', '--to', 'both.csv').stderr).toContain('do not go into one file of csv');
  });

  it('of spreadsheets run nothing with --formula-safe, and numbers stay numbers', () => {
    const sql = `select w as "=w", id - 6 as n, ['=x'] as l from gold.x where id in (1, 5) order by id`;
    expectDone(exported('--query', sql, '--to', 'safe.csv', '--formula-safe'));
    expect(text('safe.csv')).toBe(`'=w,n,l\n'=1+1,-5,"[""=x""]"\n'-5,-1,"[""=x""]"\n`);
  });

  it('are those of the release that is named', () => {
    place.put({ 'in/a2.csv': 'id,w,d,t\n6,six,6.00,\n' });
    expectDone(place.dataflow(['run']));
    expectDone(exported('gold.y', '--to', 'first.ndjson.gz', '--release', 'first'));
    expect(gunzipSync(readFileSync(path('first.ndjson.gz'))).toString()).toBe('{"n":5}\n');
    expectDone(exported('gold.y', '--to', 'now.ndjson'));
    expect(text('now.ndjson')).toBe('{"n":6}\n');
  });
});

describe('values', () => {
  const EXTREMES = `select 99999999999999999999999999999999999999::hugeint as h, 9007199254740993::bigint as b, 999999999999999::bigint as s,
    12345678901234567890.123456789::decimal(38,9) as d, 0.1::decimal(30,20) as p, 'nan'::double as n, 1e300::double as e, 0.1::float as f,
    date '1850-01-01' as old, date '2024-02-29' as day, timestamp '2024-01-01 00:00:00.123456' as t6, timestamp '2024-01-01 12:34:56.789' as t3,
    'a<&>' || chr(7) || '_x0041_' || chr(13) || '😀' as odd, '\\x00\\xFF'::blob as bytes, {'k': [1, null]} as nested, null::integer as nothing, true as yes`;

  it('keep every digit in NDJSON and Parquet', async () => {
    expectDone(exported('--query', EXTREMES, '--to', 'v.ndjson'));
    const line = text('v.ndjson');
    for (const exact of [
      '"h":99999999999999999999999999999999999999',
      '"b":9007199254740993',
      '"d":12345678901234567890.123456789',
      '"n":"nan"',
      '"t6":"2024-01-01T00:00:00.123456"',
      '"bytes":"AP8="',
      '"nested":{"k":[1,null]}',
      '"nothing":null',
    ])
      expect(line).toContain(exact);
    expect(JSON.parse(line)).toMatchObject({ odd: 'a<&>\x07_x0041_\r😀' });
    expectDone(exported('--query', EXTREMES, '--to', 'v.parquet'));
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    const read = await connection.runAndReadAll(
      `select typeof(h) as type, h::varchar as h from '${path('v.parquet')}'`,
    );
    expect(read.getRowObjectsJson()).toEqual([{ type: 'DECIMAL(38,0)', h: '99999999999999999999999999999999999999' }]);
    connection.closeSync();
  });

  it('are text in a workbook where a number there would not be the same, and are read back as they were', () => {
    const done = exported('--query', EXTREMES, '--to', 'v.xlsx');
    expectDone(done);
    expect(done.stderr).toContain('query.h: 1 cell as text');
    expect(manifest('v.xlsx.manifest.json').tables[0]?.as_text).toEqual({ h: 1, b: 1, d: 1, n: 1, old: 1, t6: 1 });
    const names = 'h b s d p n e f old day t6 t3 odd bytes nested nothing yes'.split(' ');
    const back = newPlace(
      `sources:\n  v: { type: files, path: in/*.xlsx, settle_seconds: 0, columns: { ${names.map((name) => `${name}: varchar`).join(', ')} } }\n`,
    );
    try {
      mkdirSync(join(back.folder, 'in'));
      writeFileSync(join(back.folder, 'in/v.xlsx'), readFileSync(path('v.xlsx')));
      expectDone(back.dataflow(['run']));
      const [{ _file, ...row } = {}] = back.query('select * from bronze.v');
      expect(row).toMatchObject({
        h: '99999999999999999999999999999999999999',
        b: '9007199254740993',
        s: '999999999999999',
        d: '12345678901234567890.123456789',
        old: '1850-01-01',
        day: '2024-02-29',
        t6: '2024-01-01T00:00:00.123456',
        t3: '2024-01-01 12:34:56.789',
        odd: 'a<&>\x07_x0041_\r😀',
        nothing: null,
      });
      expect([Number(row['p']), Number(row['e']), Number(row['f'])]).toEqual([0.1, 1e300, 0.1]);
    } finally {
      back.remove();
    }
  });

  it('that no sheet can hold are refused with advice', () => {
    const rows = exported('--query', 'select unnest(range(1048576)) as n', '--to', 'long.xlsx');
    expect(rows.status).toBe(1);
    expect(rows.stderr).toMatch(/E_EXPORT_LIMIT.*1,048,576 rows.*1,048,575/s);
    const cell = exported('--query', `select repeat('é', 32768) as w`, '--to', 'long.xlsx');
    expect(cell.stderr).toMatch(/query\.w has a text of 32,768 characters/);
    expect(readdirSync(place.folder).filter((name) => name.includes('long') || name.startsWith('.dataflow'))).toEqual(
      [],
    );
  });
});

describe('a killed export', () => {
  it.each([
    ['export-staged:kill', 'before a file was moved', 0],
    ['export-file-moved:kill', 'between two files', 1],
    ['export-file-moved:kill@2', 'before the manifest', 2],
    ['export-file-moved:kill@3', 'after the manifest', 3],
  ])('%s: the next one finishes it, %s', (fault, _, moved) => {
    rmSync(path('killed'), { recursive: true, force: true });
    const killed = place.dataflow(['export', 'data', 'gold.*', '--to', 'killed'], { DATAFLOW_FAULT: fault });
    expect(killed.signal).toBe('SIGKILL');
    expect(readdirSync(path('killed')).filter((name) => !name.startsWith('.'))).toHaveLength(moved);
    const next = exported('gold.*', '--to', 'killed');
    expectDone(next);
    expect(next.stdout).toContain(moved === 0 ? '7 rows in 2 files' : 'nothing to do');
    expect(readdirSync(path('killed')).sort()).toEqual(['gold.x.csv', 'gold.y.csv', 'manifest.json']);
    expect(exported('gold.*', '--to', 'killed').stdout).toContain('nothing to do');
  });
});
