import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FileStats, StatValue } from '../../core/model/table.ts';
import { quoteText } from '../../kit/sql.ts';
import { type ContractKit, column } from './contract-kit.ts';

export function writingContract(kit: ContractKit): void {
  describe('writing', () => {
    statistics(kit);
    bounds(kit);
    partitionValues(kit);
    clusters(kit);
    nothingLeft(kit);
    interruptedWrite(kit);
  });
}

function statistics(kit: ContractKit): void {
  it('counts rows and takes statistics as the Delta log has them', async () => {
    const columns = [
      column('i', 'bigint'),
      column('d', 'date'),
      column('t', 'timestamptz'),
      column('m', 'decimal(12,2)'),
      column('s', 'varchar'),
      column('nan', 'double'),
      column('we"ird', 'integer'),
      column('nested', 'integer[]'),
      column('big', 'bigint'),
    ];
    const sql = `select * from (values
      (1, date '2024-01-02', timestamptz '2024-01-01 00:00:00.123456Z', 1.50, repeat('z', 100), 'nan'::double, 3, [1], 9007199254740993),
      (-5, null, timestamptz '1960-01-01 00:00:00.0009Z', 2.25, 'a', 1.0, null, [2], 1)) t(i, d, t, m, s, nan, "we""ird", nested, big)`;
    const [file] = await kit.session((session) => session.write(sql, { folder: kit.folder(), columns }));
    expect(file?.rows).toBe(2);
    expect(file?.stats).toEqual({
      num_records: 2,
      min_values: { i: -5, d: '2024-01-02', t: '1960-01-01T00:00:00.000Z', m: 1.5, s: 'a', 'we"ird': 3 },
      max_values: {
        i: 1,
        d: '2024-01-02',
        t: '2024-01-01T00:00:00.124Z',
        m: 2.25,
        s: `${'z'.repeat(64)}\u{10FFFF}`,
        'we"ird': 3,
      },
      null_count: { i: 0, d: 1, t: 0, m: 0, s: 0, nan: 0, 'we"ird': 1, big: 0 },
    });
  });
}

function bounds(kit: ContractKit): void {
  it('gives bounds that no value passes, or none', async () => {
    await kit.session(async (session) => {
      const row = fc.record({
        s: fc.oneof(
          fc.string({ unit: 'binary', maxLength: 90 }),
          fc.constantFrom('\u{10FFFF}'.repeat(70), 'é'.repeat(65)),
        ),
        f: fc.float({ noNaN: true }),
        d: fc.double({ noNaN: true }),
        n: fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 6 }), async (rows) => {
          const clean = rows.filter(({ s }) => !/\0|\p{Surrogate}/u.test(s));
          if (clean.length === 0) return;
          const values = clean.map(
            ({ s, f, d, n }) =>
              `(${quoteText(s)}, ${quoteText(String(f))}::float, ${quoteText(String(d))}::double, ${n}, ${n}::decimal(38,2) / 100)`,
          );
          const [file] = await session.write(`select * from (values ${values.join(', ')}) t(s, f, d, n, m)`, {
            folder: kit.folder(),
            columns: [
              column('s', 'varchar'),
              column('f', 'float'),
              column('d', 'double'),
              column('n', 'bigint'),
              column('m', 'decimal(38,2)'),
            ],
          });
          if (file === undefined) throw new Error('no file');
          for (const { s, f, d, n } of clean) {
            expectWithin(file.stats, 's', (bound) => Buffer.compare(Buffer.from(s), Buffer.from(String(bound))));
            expectWithin(file.stats, 'f', (bound) => Math.fround(f) - Number(bound));
            expectWithin(file.stats, 'd', (bound) => d - Number(bound));
            expectWithin(file.stats, 'n', (bound) => Number(n - BigInt(Number(bound))));
          }
        }),
        { numRuns: 25 },
      );
    });
  }, 60_000);
}

function partitionValues(kit: ContractKit): void {
  it('tells partition values apart: NULL, odd characters, instants; an empty text is NULL', async () => {
    const columns = [column('p', 'varchar'), column('t', 'timestamptz'), column('a', 'integer')];
    const sql = `select p, timestamptz '2024-01-01 10:00:00.5Z' as t, 1 as a
      from (values ('a/b'), (null), ('é ü=1%'), (''), ('null'), ('__HIVE_DEFAULT_PARTITION__')) v(p)`;
    await kit.session(async (session) => {
      const files = await session.write(sql, { folder: kit.folder(), columns, partition_by: ['p', 't'] });
      const values = files.flatMap((file) => Array.from({ length: file.rows }, () => file.partition_values['p']));
      expect(values.map(String).sort()).toEqual(
        ['__HIVE_DEFAULT_PARTITION__', 'a/b', 'null', 'null', 'null', 'é ü=1%'].sort(),
      );
      expect(values.filter((value) => value === null)).toHaveLength(2);
      expect(new Set(files.map((file) => file.partition_values['t']))).toEqual(new Set(['2024-01-01T10:00:00.5Z']));
      await session.bind({ name: 'silver.t', columns, files, partition_by: ['p', 't'] });
      expect(await session.rows("select p, t from silver.t where p = 'é ü=1%'")).toEqual([
        { p: 'é ü=1%', t: '2024-01-01T10:00:00.5Z' },
      ]);
    });
  });
}

function clusters(kit: ContractKit): void {
  it('makes one file per cluster value, in the order of the rows, and stores no such column', async () => {
    await kit.session(async (session) => {
      const columns = [column('i', 'bigint'), column('h', 'varchar')];
      const cluster_by = 'case when i % 300 = 7 then null else i % 300 end';
      const sql = 'select i, cast(hash(i) as varchar) as h from range(1000000) t(i)';
      const files = await session.write(sql, { folder: kit.folder(), columns, cluster_by });
      expect(files).toHaveLength(300);
      expect(files.every((file) => Object.keys(file.partition_values).length === 0)).toBe(true);
      await session.bind({ name: 'c', columns, files, with_position: true });
      expect(
        await session.rows(`select count(*) as n, count(*) filter (where before > i) as unordered, count(distinct i) as ids
          from (select i, lag(i) over (partition by _part order by _pos) as before from c)`),
      ).toEqual([{ n: 1_000_000, unordered: 0, ids: 1_000_000 }]);
    });
  }, 60_000);

  it('makes one file instead of many tiny ones, value by value, and leaves nothing else', async () => {
    await kit.session(async (session) => {
      const columns = [column('i', 'bigint')];
      const folder = kit.folder();
      const files = await session.write('select i from range(5000) t(i)', { folder, columns, cluster_by: 'i % 50' });
      expect(files.map((file) => [file.rows, file.stats.min_values['i'], file.stats.max_values['i']])).toEqual([
        [5000, 0, 4999],
      ]);
      expect(readdirSync(folder).map((name) => join(folder, name))).toEqual(files.map((file) => file.uri));
      await session.bind({ name: 'c', columns, files, with_position: true });
      const rows = await session.rows('select i from c order by _pos');
      expect(rows.map((row) => row['i'])).toEqual(
        Array.from({ length: 5000 }, (_, at) => (at % 100) * 50 + Math.floor(at / 100)),
      );
    });
  });
}

function nothingLeft(kit: ContractKit): void {
  it('leaves no file for no rows, and none behind after an error', async () => {
    await kit.session(async (session) => {
      const target = { folder: kit.folder(), columns: [column('a', 'bigint')] };
      expect(await session.write('select 1 as a where false', target)).toEqual([]);
      const late = "select case when i = 999999 then cast('x' as bigint) else i end as a from range(1000000) t(i)";
      await expect(session.write(late, target)).rejects.toMatchObject({ code: 'E_SQL' });
      await expect(session.write(late, { ...target, cluster_by: 'a % 5' })).rejects.toMatchObject({ code: 'E_SQL' });
      expect(readdirSync(target.folder)).toEqual([]);
    });
  });
}

function interruptedWrite(kit: ContractKit): void {
  it('leaves no file behind when it is interrupted', async () => {
    const stop = new AbortController();
    const folder = kit.folder();
    await kit.session(
      async (session) => {
        const columns = [column('a', 'bigint')];
        setTimeout(() => stop.abort(), 150);
        await expect(
          session.write('select x.range as a from range(100000000) x, range(1000) y', { folder, columns }),
        ).rejects.toMatchObject({ code: 'E_ENGINE_INTERRUPTED' });
      },
      { signal: stop.signal },
    );
    expect(readdirSync(folder)).toEqual([]);
  });
}

function expectWithin(stats: FileStats, name: string, compare: (bound: StatValue) => number): void {
  const [low, high] = [stats.min_values[name], stats.max_values[name]];
  expect(low === undefined).toBe(high === undefined);
  if (low === undefined || high === undefined) return;
  expect(compare(low), `${name} ≥ ${low}`).toBeGreaterThanOrEqual(0);
  expect(compare(high), `${name} ≤ ${high}`).toBeLessThanOrEqual(0);
}
