import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openDuckDb } from './open-duckdb.ts';

/** What the engine's CSV reader cannot bear: a value that is not UTF-8 behind a column that is not asked for. */
const folder = mkdtempSync(join(tmpdir(), 'dataflow-lost-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('an engine that ended by an error of its own is told from others, and the next session has a new one', async () => {
  const file = join(folder, 'x.csv');
  writeFileSync(file, Buffer.from('a,b\n1,\xc3\n', 'latin1'));
  const engine = await openDuckDb({ type: 'duckdb', threads: 1, memory_limit: '256MB' }, { temp_folder: folder });
  const session = (label: string) => engine.openSession({ label });
  const one = await session('culprit');
  const beside = await session('beside');
  try {
    expect(await beside.rows('select 1 as n')).toEqual([{ n: 1 }]);
    const fatal = `select count(b) as n from read_csv('${file}', columns={a: 'varchar', b: 'varchar'}, auto_detect=false, delim=',', quote='"', escape='"', header=true, store_rejects=true)`;
    await expect(one.rows(fatal)).rejects.toMatchObject({ code: 'E_ENGINE_LOST' });
    await expect(beside.rows('select 1 as n')).rejects.toMatchObject({ code: 'E_ENGINE_LOST' });
    const next = await session('next');
    expect(await next.rows('select 2 as n')).toEqual([{ n: 2 }]);
    await next.close();
  } finally {
    await one.close();
    await beside.close();
    await engine.close();
  }
});
