import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openReadEngine } from './read-engine.ts';

it('binds tables of one schema at the same time, as a page of many widgets does after each release', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-read-'));
  const engine = await openReadEngine({ folders: [folder], temp_folder: join(folder, 'tmp'), memory_bytes: 2 ** 27 });
  const columns = [{ name: 'x', type: 'bigint', nullable: true }];
  const names = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `gold.${name}`);
  try {
    for (let release = 0; release < 60; release++) {
      const tables = await engine.openTables();
      await Promise.all(names.map((name) => tables.bind({ name, columns, files: [] }, false)));
      expect(
        await tables.rows({ sql: 'select x from gold.f', params: {}, signal: new AbortController().signal }, 1),
      ).toEqual([]);
      await tables.close();
    }
  } finally {
    await engine.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
