import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { Column } from '../../src/core/model/table.ts';
import type { CandidateFile, EngineSession } from '../../src/core/ports/engine.ts';
import { fileStats } from '../../src/core/types/file-stats.ts';
import { openDuckDb } from '../../src/engines/duckdb/open-duckdb.ts';
import { openSparkSteps } from '../../src/engines/spark/steps/open-steps.ts';
import { computePlaces } from '../../src/lake/compute-places.ts';
import { describeService } from './service.ts';

const TYPES = {
  ...{ tiny: 'tinyint', small: 'smallint', whole: 'integer', big: 'bigint', flag: 'boolean', day: 'date' },
  ...{ moment: 'timestamp', instant: 'timestamptz', text: 'varchar', single: 'float', ratio: 'double' },
  ...{ cents: 'decimal(9,2)', money: 'decimal(18,4)', huge: 'decimal(38,6)', '"odd` name"': 'integer' },
};
const columns: readonly Column[] = Object.entries(TYPES).map(([name, type]) => ({ name, type, nullable: true }));
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const digits = (whole: number, after: number) =>
  fc
    .tuple(fc.bigInt({ min: -(10n ** BigInt(whole)) + 1n, max: 10n ** BigInt(whole) - 1n }), fc.nat(10 ** after - 1))
    .map(([one, other]) => `${one}.${String(other).padStart(after, '0')}`);
const moments = fc
  .tuple(fc.date({ min: new Date('1583-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }), fc.nat(999))
  .map(([date, micros]) => date.toISOString().replace('Z', String(micros).padStart(3, '0')));
const row = fc.record({
  ...{ tiny: fc.integer({ min: -128, max: 127 }), small: fc.integer({ min: -32768, max: 32767 }), whole: fc.integer() },
  big: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  flag: fc.boolean(),
  day: moments.map((text) => text.slice(0, 10)),
  ...{ moment: moments, instant: moments.map((text) => `${text}Z`) },
  text: fc.oneof(fc.string({ maxLength: 90 }), fc.constantFrom('\u{10FFFF}'.repeat(60), 'é'.repeat(65), 'ﬀ', '😀')),
  single: fc.oneof(fc.float({ noDefaultInfinity: true }), fc.constant(Number.NaN)),
  ratio: fc.double({ noDefaultInfinity: true, noNaN: true }),
  ...{ cents: digits(7, 2), money: digits(14, 4), huge: digits(32, 6) },
  '"odd` name"': fc.integer(),
});
const rows = fc.sample(
  fc.record(Object.fromEntries(Object.keys(TYPES).map((name) => [name, fc.option(fc.constant(name), { freq: 6 })]))),
  { seed: 7, numRuns: 60 },
);
const values = fc.sample(row, { seed: 7, numRuns: 60 }) as readonly Record<string, unknown>[];
const LISTED = rows.map((kept, at) =>
  Object.entries(TYPES).map(([name, type]) => {
    const value = kept[name] === null ? null : values[at]?.[name];
    const text = String(value).replaceAll("'", "''").replaceAll('\0', '');
    return value === null || value === undefined ? `cast(null as ${type})` : `cast('${text}' as ${type})`;
  }),
);
const VALUES = `select * from (values ${LISTED.map((cells) => `(${cells.join(', ')})`).join(',\n')}) t(${Object.keys(TYPES).map(quoted).join(', ')})`;

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

describeService('spark', ({ url }) => {
  const root = mkdtempSync(join(tmpdir(), 'dataflow-spark-contract-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  /** Rows, bounds and null counts of a file as the embedded engine reads them out of it. */
  const readBy = async (here: EngineSession, { uri }: CandidateFile): Promise<unknown> => {
    const items = columns.map(({ name, type }, at) => {
      const text = (value: string): string => `cast(${value}(${quoted(name)}) as varchar)`;
      const nan = type === 'float' || type === 'double' ? `coalesce(bool_or(isnan(${quoted(name)})), false)` : 'false';
      return `count(*) - count(${quoted(name)}) as z${at}, ${text('min')} as l${at}, ${text('max')} as h${at}, ${nan} as n${at}`;
    });
    const [told] = await here.rows(`select count(*) as n, ${items.join(', ')} from read_parquet('${uri}')`);
    const raw = columns.map(({ name, type }, at): [string, Map<string, string>] => {
      const bounds =
        type === 'boolean'
          ? []
          : [
              ['min', told?.[`l${at}`]],
              ['max', told?.[`h${at}`]],
            ];
      const all = [['null_count', told?.[`z${at}`]], ['has_nan', told?.[`n${at}`]], ...bounds] as const;
      return [name, new Map(all.filter(([, one]) => one !== null).map(([key, one]) => [String(key), String(one)]))];
    });
    return fileStats(Number(told?.['n']), columns, new Map(raw));
  };

  describe('what Spark wrote', () => {
    it('has in the log what another reader finds in the files: rows, nulls and bounds of every type', async () => {
      const project = { root, lake: { url: root } } as Parameters<typeof computePlaces>[0];
      for (const name of ['tmp', 'given', 'out']) mkdirSync(join(root, name));
      const here = await openDuckDb({ type: 'duckdb' }, { temp_folder: join(root, 'tmp') });
      const places = { env: process.env, here, lake_url: root, ...computePlaces(project, undefined) };
      const spark = openSparkSteps({ type: 'spark', url }, places);
      const [there, reader] = await Promise.all([
        spark.openSession({ label: 'contract' }),
        here.openSession({ label: 'reader' }),
      ]);
      try {
        const target = { folder: join(root, 'out'), columns };
        const given = await reader.write(VALUES, { folder: join(root, 'given'), columns });
        await there.bind({ name: 'silver.t', columns, files: given });
        const files = await there.write('select * from silver.t', target);
        expect(files.reduce((sum, file) => sum + file.rows, 0)).toBe(rows.length);
        for (const file of files) expect(file.stats).toEqual(await readBy(reader, file));
        const bounded = Object.keys(files[0]?.stats.min_values ?? {});
        expect(bounded).toEqual(expect.arrayContaining(['tiny', 'day', 'moment', 'instant', 'text', 'ratio', 'cents']));
        expect(await there.write('select * from silver.t where whole is null and whole is not null', target)).toEqual(
          [],
        );
      } finally {
        for (const one of [there, reader, spark, here]) await one.close();
      }
    });
  });
});
