import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../core/ports/engine.ts';
import { rowsStated } from './footer.ts';
import { openDuckDb } from './open-duckdb.ts';

describe('rows that a file states', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-footer-'));
  let engine: Engine;
  beforeAll(async () => {
    engine = await openDuckDb({ type: 'duckdb', threads: 1 }, { temp_folder: join(folder, 'tmp') });
  });
  afterAll(async () => {
    await engine.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('are those that were written, also when the metadata is longer than what is read at first', async () => {
    const session = await engine.openSession({ label: 'footer' });
    const names = Array.from({ length: 300 }, (_, index) => `c${index}`);
    const columns = names.map((name) => ({ name, type: 'bigint', nullable: true }));
    const sql = `select ${names.map((name, index) => `i + ${index} as ${name}`).join(', ')} from range(30) t(i)`;
    const files = await session.write(sql, { folder, columns });
    expect(files).toHaveLength(1);
    expect(rowsStated([files[0]?.uri ?? ''])).toBe(30);
    expect(await session.countRows([...files, ...files])).toBe(60);

    const bytes = readFileSync(files[0]?.uri ?? '');
    const cut = join(folder, 'cut.parquet');
    for (const damaged of [
      bytes.subarray(0, -4),
      Buffer.from('PAR1'),
      Buffer.alloc(0),
      Buffer.from('PAR1\xff\xff\xff\x7fPAR1', 'latin1'),
    ]) {
      writeFileSync(cut, damaged);
      expect(rowsStated([cut])).toBeUndefined();
      await expect(session.countRows([{ ...files[0], uri: cut, size_bytes: 1 } as never])).rejects.toThrow();
    }
    expect(rowsStated([join(folder, 'nowhere.parquet')])).toBeUndefined();
    await session.close();
  });
});
