import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Column } from '../../../core/model/table.ts';
import { type FooterFacts, footersOf } from './footers.ts';

const folder = mkdtempSync(join(tmpdir(), 'dataflow-footers-'));
const reads: number[] = [];
const places = {
  filesBelow: async () => [],
  readRange: async (uri: string, from: number, to: number) => {
    reads.push(to - from);
    // As it may come: a part of a larger buffer.
    const padded = Buffer.concat([Buffer.alloc(5), readFileSync(uri).subarray(from, to), Buffer.alloc(5)]);
    return padded.subarray(5, -5);
  },
};
let run: (sql: string) => Promise<unknown>;
let close: () => void;

beforeAll(async () => {
  const engine = await DuckDBInstance.create(':memory:');
  const connection = await engine.connect();
  run = (sql) => connection.run(sql);
  close = () => {
    connection.closeSync();
    engine.closeSync();
  };
});
afterAll(() => {
  close();
  rmSync(folder, { recursive: true, force: true });
});

/** The facts of a file of these rows. */
async function facts(
  select: string,
  types: Readonly<Record<string, string>>,
  options = '',
): Promise<FooterFacts | undefined> {
  const path = `${reads.length}.parquet`;
  await run(`copy (${select}) to '${join(folder, path)}' (format parquet${options})`);
  const columns: Column[] = Object.entries(types).map(([name, type]) => ({ name, type, nullable: true }));
  const size_bytes = readFileSync(join(folder, path)).length;
  return (await footersOf(places, folder, [{ path, size_bytes }], columns))[0];
}

describe('what a footer says', () => {
  it('is counts and bounds of every type as the log has them', async () => {
    const told = await facts(
      `select * from (values
        (1, -7::tinyint, date '2024-01-02', timestamptz '2024-01-01 00:00:00.123456Z', 1.50, -0.07::decimal(4,2), 'z', 'nan'::double, 0.3::float, 3),
        (-5, null, null, timestamptz '1960-01-01 00:00:00.0009Z', 2.25, 12.34::decimal(4,2), 'a', 1.0, 2.5::float, null)) t(i, b, d, t, m, small, s, nan, f, "we""ird")`,
      {
        ...{ i: 'bigint', b: 'tinyint', d: 'date', t: 'timestamptz', m: 'decimal(12,2)', small: 'decimal(4,2)' },
        ...{ s: 'varchar', nan: 'double', f: 'float', 'we"ird': 'integer', absent: 'integer' },
      },
    );
    expect(told).toEqual({
      rows: 2,
      stats: {
        num_records: 2,
        min_values: {
          ...{ i: -5, b: -7, d: '2024-01-02', t: '1960-01-01T00:00:00.000Z', m: 1.5, small: -0.07, s: 'a' },
          ...{ f: Math.fround(0.3), 'we"ird': 3 },
        },
        max_values: {
          ...{ i: 1, b: -7, d: '2024-01-02', t: '2024-01-01T00:00:00.124Z', m: 2.25, small: 12.34, s: 'z' },
          ...{ f: 2.5, 'we"ird': 3 },
        },
        null_count: { i: 0, b: 1, d: 1, t: 0, m: 0, small: 0, s: 0, nan: 0, f: 0, 'we"ird': 1 },
      },
    });
  });

  it('holds for all row groups together', async () => {
    const told = await facts(
      `select nullif(i, 5000) as i, chr(65 + ((i // 2048) * 5 % 7)::integer) as s from range(10000) t(i)`,
      { i: 'bigint', s: 'varchar' },
      ', row_group_size 2048',
    );
    expect(told?.stats).toEqual({
      num_records: 10_000,
      min_values: { i: 0, s: 'A' },
      max_values: { i: 9999, s: 'G' },
      null_count: { i: 1, s: 0 },
    });
  });

  it('gives no bound that a number of JSON would round', async () => {
    const told = await facts(
      `select 9007199254740993 as big, 123456789012345.67::decimal(17,2) as money, '12345678901234567890.5'::decimal(38,1) as large, 1e300::double as d`,
      { big: 'bigint', money: 'decimal(17,2)', large: 'decimal(38,1)', d: 'double' },
    );
    expect(told?.stats.max_values).toEqual({ d: 1e300 });
  });

  it('is read in two pieces where it is long', async () => {
    const names = Array.from({ length: 1500 }, (_, at) => `a_long_name_of_a_column_${at}`);
    reads.length = 0;
    const told = await facts(
      `select ${names.map((name, at) => `${at} as ${name}`).join(', ')}`,
      Object.fromEntries(names.map((name) => [name, 'integer'])),
    );
    expect(reads.length).toBe(2);
    expect(told?.stats.max_values['a_long_name_of_a_column_1499']).toBe(1499);
  });

  it('that cannot be read is an error which names the file', async () => {
    writeFileSync(join(folder, 'odd.parquet'), Buffer.alloc(200, 7));
    await expect(footersOf(places, folder, [{ path: 'odd.parquet', size_bytes: 200 }], [])).rejects.toMatchObject({
      code: 'E_ENGINE',
      message: expect.stringContaining('odd.parquet'),
    });
  });
});
