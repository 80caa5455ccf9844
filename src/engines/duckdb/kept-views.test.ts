import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CandidateFile, Engine, EngineSession } from '../../core/ports/engine.ts';
import { openDuckDb } from './open-duckdb.ts';

const COLUMNS = [{ name: 'x', type: 'bigint', nullable: true }];

describe('views at a workplace that serves again', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-views-'));
  let engine: Engine;
  const files: CandidateFile[] = [];
  const session = (): Promise<EngineSession> => engine.openSession({ label: 'views' });
  const bound = (one: EngineSession, name: string, file: number): Promise<void> =>
    one.bind({ name, columns: COLUMNS, files: files.slice(file, file + 1) });
  const read = async (one: EngineSession, name: string): Promise<unknown> =>
    (await one.rows(`select x from ${name}`))[0]?.['x'];
  beforeAll(async () => {
    engine = await openDuckDb({ type: 'duckdb', threads: 1 }, { temp_folder: join(folder, 'tmp') });
    const one = await session();
    for (const x of [0, 1]) files.push(...(await one.write(`select ${x} as x`, { folder, columns: COLUMNS })));
    await one.close();
  });
  afterAll(async () => {
    await engine.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('give each session what it bound, and nothing of what another one bound', async () => {
    const first = await session();
    await bound(first, 'bronze.a', 0);
    await bound(first, 'bronze.b', 0);
    expect(await read(first, 'bronze.a')).toBe(0);
    await first.close();

    const second = await session();
    await bound(second, 'Bronze.A', 0);
    const views = await second.rows("select view_name from duckdb_views() where schema_name = 'bronze'");
    expect(views.map((row) => row['view_name'])).toEqual(['a']);
    expect(await read(second, 'bronze.a')).toBe(0);
    await second.close();

    const third = await session();
    await bound(third, 'bronze.a', 0);
    await bound(third, 'bronze.a', 1);
    expect(await read(third, 'bronze.a')).toBe(1);
    await third.close();

    const fourth = await session();
    await bound(fourth, 'bronze.a', 0);
    expect(await read(fourth, 'bronze.a')).toBe(0);
    await fourth.close();

    const fifth = await session();
    await expect(fifth.describe('select * from bronze.a')).rejects.toThrow();
    await fifth.close();
  });
});
