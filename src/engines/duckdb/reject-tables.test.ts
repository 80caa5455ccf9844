import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, expect, it, vi } from 'vitest';
import { openDuckDb } from './open-duckdb.ts';

const root = mkdtempSync(join(tmpdir(), 'dataflow-rejects-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/**
 * The engine keeps what it knows of reject tables in a cache of the whole instance, by their names. Sharing a name made counts of sessions
 * mix, but so rarely that parsing side by side does not show it: so the names themselves are looked at.
 */
it('no two sessions of an engine ever name a reject table alike', async () => {
  const names: string[] = [];
  const copy = DuckDBConnection.prototype.runAndReadAll;
  const spy = vi.spyOn(DuckDBConnection.prototype, 'runAndReadAll').mockImplementation(function (
    this: DuckDBConnection,
    sql,
    ...rest
  ) {
    names.push(...[...sql.matchAll(/rejects_table='([^']+)'/g)].map((match) => match[1] ?? ''));
    return copy.call(this, sql, ...rest);
  });
  const engine = await openDuckDb({ type: 'duckdb', threads: 1 }, { temp_folder: join(root, 'tmp') });
  const columns = [{ name: 'id', type: 'bigint', nullable: true }];
  const uri = join(root, 'a.csv');
  writeFileSync(uri, 'id\n1\nx\n');
  try {
    for (const name of ['one', 'two', 'three']) {
      const session = await engine.openSession({ label: name });
      for (const part of ['data', 'rejects']) mkdirSync(join(root, name, part), { recursive: true });
      await session.parse({
        format: 'csv',
        files: [{ id: 'a.csv', uri, compression: 'none' }],
        dialect: { delimiter: ',', quote: '"', escape: '"', has_header: true, skip_lines: 0 },
        header: ['id'],
        columns,
        target: {
          folder: join(root, name, 'data'),
          columns: [...columns, { name: '_file', type: 'varchar', nullable: true }],
        },
        reject_folder: join(root, name, 'rejects'),
      });
      await session.close();
    }
  } finally {
    spy.mockRestore();
    await engine.close();
  }
  expect(names).toHaveLength(3);
  expect(new Set(names).size).toBe(3);
});
