import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { changedRows, keyProblems } from '../src/app/load/out-rows.ts';
import type { Column } from '../src/core/model/table.ts';
import type { Engine, EngineSession } from '../src/core/ports/engine.ts';
import type { Snapshot } from '../src/core/ports/lake.ts';
import type { OutRows } from '../src/core/ports/sink.ts';
import { openDuckDb } from '../src/engines/duckdb/open-duckdb.ts';

/** So many rows that keys are held against each other in several passes. */
const MANY = 9_000_000;

let folder = '';
let engine: Engine;
let session: EngineSession;
let written = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dataflow-out-rows-'));
  engine = await openDuckDb({ type: 'duckdb', threads: 2 }, { temp_folder: join(folder, 'tmp') });
  session = await engine.openSession({ label: 'out-rows' });
});
afterAll(async () => {
  await session.close();
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
});

type Values = readonly [id: number, part: string, v: number | null];

/** A version whose keys have this type; it says of itself that it has `rows` rows. */
async function version(number: number, id_type: string, values: readonly Values[], rows: number): Promise<Snapshot> {
  const columns: readonly Column[] = [
    { name: 'id', type: id_type, nullable: true },
    { name: 'part', type: 'varchar', nullable: true },
    { name: 'v', type: 'integer', nullable: true },
  ];
  const uri = join(folder, `${written++}.parquet`);
  const list = values.map(([id, part, v]) => `(${id}::${id_type}, '${part}', ${v}::integer)`).join(', ');
  await session.exportFile(`select * from (values ${list}) t(id, part, v)`, {
    uri,
    format: 'parquet',
    compression: 'none',
  });
  return {
    ...{ table: { layer: 'gold', name: 't' }, version: number, committed_at_ms: 0, columns, partition_by: [] },
    files: [{ uri, path: uri, rows, size_bytes: 1, partition_values: {} }],
    ...{ file_count: 1, filesIn: () => [] },
    ...{ rows, size_bytes: 1, txns: new Map() },
  };
}

async function linesOf(rows: OutRows | undefined, names: readonly string[]): Promise<readonly string[]> {
  const select = names.map((name) => ({ name, sql: `coalesce(${name}::varchar, '-')` }));
  const text: string[] = [];
  const bytes = rows?.bytes({ format: 'tab', select });
  let count = 0;
  for (;;) {
    const next = await bytes?.next();
    if (next === undefined || next.done === true) {
      count = next?.value ?? 0;
      break;
    }
    text.push(Buffer.from(next.value).toString());
  }
  const lines = text.join('').split('\n').slice(0, -1).sort();
  expect(lines).toHaveLength(count);
  return lines;
}

const values = fc.uniqueArray(
  fc.tuple(fc.integer({ min: 0, max: 20 }), fc.constantFrom('a', 'b'), fc.option(fc.integer({ min: 0, max: 2 }))),
  { minLength: 1, maxLength: 40, selector: ([id, part]) => `${id}${part}` },
);

it('what changed is the same in one pass over the keys and in several, and in parts and together', async () => {
  await fc.assert(
    fc.asyncProperty(values, values, fc.constantFrom(1, MANY), async (before, after, rows) => {
      const sides = {
        before: await version(1, 'integer', before, rows),
        after: await version(2, 'bigint', after, rows),
      };
      const chosen = sides.after.columns.map((from) => ({ from, as: from.name }));
      const {
        rows: sent,
        apart,
        gone,
      } = await changedRows(session, sides, chosen, { key: ['id', 'part'], append: false });
      const key = ([id, part]: Values): string => `${id}\t${part}`;
      const line = (one: Values): string => `${key(one)}\t${one[2] ?? '-'}`;
      const old = new Map(before.map((one) => [key(one), line(one)]));
      const now = new Set(after.map(key));
      const news = after.filter((one) => !old.has(key(one))).map(line);
      const changed = after.filter((one) => old.has(key(one)) && old.get(key(one)) !== line(one)).map(line);
      const names = ['id', 'part', 'v'];
      expect(await linesOf(sent, names)).toEqual([...news, ...changed].sort());
      expect(await linesOf(apart?.news, names)).toEqual(news.sort());
      expect(await linesOf(apart?.changed, names)).toEqual(changed.sort());
      expect(await linesOf(gone, ['id', 'part'])).toEqual(
        before
          .map(key)
          .filter((one) => !now.has(one))
          .sort(),
      );
    }),
    { numRuns: 4 },
  );
}, 60_000);

it('a key that does not tell rows apart is found in whichever pass it comes', async () => {
  await session.define('twins', 'select i as id from range(3000) r(i)');
  for (const rows of [1, MANY]) {
    expect(await keyProblems(session, { view: 'twins', rows }, ['id'])).toBeUndefined();
    await session.define('mixed', `select id from twins union all values (${rows === 1 ? 7 : 11}), (null)`);
    expect(await keyProblems(session, { view: 'mixed', rows }, ['id'])).toMatch(
      /^2 values of the key \(id\) .* such as id = (7|11|NULL)$/,
    );
  }
});
