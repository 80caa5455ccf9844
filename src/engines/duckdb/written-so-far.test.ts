import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Column } from '../../core/model/table.ts';
import type { Engine, EngineSession } from '../../core/ports/engine.ts';
import { openDuckDb } from './open-duckdb.ts';
import { WrittenSoFar } from './written-so-far.ts';

let folder: string;
let engine: Engine;
let session: EngineSession;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dataflow-'));
  engine = await openDuckDb(
    { type: 'duckdb', threads: 2, memory_limit: '512MB' },
    { temp_folder: join(folder, 'tmp') },
  );
  session = await engine.openSession({ label: 'test' });
});
afterAll(async () => {
  await session.close();
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
});

const GROUP_ROWS = 122_880;
const ROWS = 2 * GROUP_ROWS + 1_000;
const COLUMNS: readonly Column[] = [
  { name: 'id', type: 'bigint', nullable: false },
  { name: 'kind', type: 'varchar', nullable: true },
  { name: 'text', type: 'varchar', nullable: true },
  { name: 'none', type: 'double', nullable: true },
];
const SQL = `select range as id, 'k' || range % 3 as kind, case when range % 5 > 0 then md5(range::varchar) end as text, null as none from range(${ROWS})`;

const fresh = (name: string): string => {
  const path = join(folder, name);
  mkdirSync(path);
  return path;
};

it('counts the rows of a whole file, of one that is half there, and goes on where it was', async () => {
  const target = { folder: fresh('whole'), columns: COLUMNS };
  const before = new WrittenSoFar(target);
  expect(before.look()).toEqual({ rows: 0, bytes: 0 });
  const [file] = await session.write(SQL, target);
  expect(before.look()).toEqual({ rows: ROWS, bytes: file?.size_bytes });
  const half = { folder: fresh('half'), columns: COLUMNS };
  const path = join(half.folder, 'tmp_part.zst.parquet');
  const growing = new WrittenSoFar(half);
  const seen: number[] = [];
  const size = statSync(file?.uri ?? '').size;
  for (let share = 1; share <= 10; share += 1) {
    copyFileSync(file?.uri ?? '', path);
    truncateSync(path, Math.floor((size * share) / 10));
    seen.push(growing.look().rows ?? -1);
  }
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(seen.at(-1)).toBe(ROWS);
  expect(seen.some((rows) => rows >= GROUP_ROWS && rows < ROWS)).toBe(true);
});

it('counts over the files of partitions, whose columns are not in them', async () => {
  const target = { folder: fresh('parts'), columns: COLUMNS, partition_by: ['kind'] };
  await session.write(SQL, target);
  expect(readdirSync(target.folder, { recursive: true }).length).toBeGreaterThan(3);
  expect(new WrittenSoFar(target).look().rows).toBe(ROWS);
});

it('says nothing of rows with lists in them, and nothing at all of a folder that is not here', async () => {
  const nested = { folder: fresh('nested'), columns: [{ name: 'a', type: 'integer[]', nullable: true }] };
  await session.write('select [1, 2] as a from range(10)', nested);
  const { rows, bytes } = new WrittenSoFar(nested).look();
  expect(rows).toBeUndefined();
  expect(bytes).toBeGreaterThan(0);
  expect(new WrittenSoFar({ folder: 's3://bucket/x', columns: COLUMNS }).look()).toEqual({});
});

it('a session tells what it is doing while it does it, and afterwards serves others as before', async () => {
  const own = await engine.openSession({ label: 'own' });
  expect(own.progress?.()).toBeUndefined();
  const seen: string[] = [];
  const timer = setInterval(() => seen.push(own.progress?.()?.doing ?? 'nothing'), 1);
  await own.materialize('t', `select * from (${SQL}) order by text`);
  await own.write('select * from t', { folder: fresh('own'), columns: COLUMNS });
  clearInterval(timer);
  expect(seen).toContain('computing');
  expect(seen).toContain('writing');
  await own.close();
  expect(own.progress?.()).toBeUndefined();
});
