import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { FilePlace } from '../../core/ports/file-place.ts';
import { fetchEnds } from './file-ends.ts';

const MB = 1024 * 1024;

describe('a Parquet file that stays where it is', () => {
  const root = mkdtempSync(join(tmpdir(), 'dataflow-ends-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  const context = { root, temp_folder: root, now_ms: 0, rehash: false };

  /** As large as that, with a footer of so many bytes. @param breaks connections that end too early */
  function placeOf(bytes: Buffer, breaks = 0): { readonly place: FilePlace; readonly sent: () => number } {
    let [sent, broken] = [0, 0];
    async function* chunks(from: number): AsyncGenerator<Uint8Array> {
      for (let at = from; at < bytes.length; at += 1000) {
        if (broken < breaks) {
          broken += 1;
          throw new Error('socket hang up');
        }
        const chunk = bytes.subarray(at, at + 1000);
        sent += chunk.length;
        yield chunk;
      }
    }
    const place: FilePlace = {
      list: async () => undefined,
      read: async (_, from) => ({ chunks: chunks(from) }),
      unchanged: async () => true,
    };
    return { place, sent: () => sent };
  }
  function fileOf(size: number, footer: number): Buffer {
    const bytes = Buffer.alloc(size, 7);
    bytes.write('PAR1', 0);
    bytes.writeUInt32LE(footer, size - 8);
    bytes.write('PAR1', size - 4);
    return bytes;
  }
  const ends = (place: FilePlace, size_bytes: number): Promise<string> =>
    fetchEnds(place, { path: 'x.parquet', size_bytes, mtime_ns: '0', mark: '0' }, context);

  it('is brought here without what is between its first bytes and its footer, however long that is', async () => {
    for (const footer of [100, 300_000]) {
      const bytes = fileOf(20 * MB, footer);
      const { place, sent } = placeOf(bytes, 1);
      const copy = await ends(place, bytes.length);
      const read = readFileSync(copy);
      expect(read.length).toBe(bytes.length);
      expect(read.subarray(0, 4).equals(bytes.subarray(0, 4))).toBe(true);
      expect(read.subarray(-footer - 8).equals(bytes.subarray(-footer - 8))).toBe(true);
      expect(read.subarray(5000, 10 * MB).every((byte) => byte === 0)).toBe(true);
      expect(statSync(copy).blocks * 512).toBeLessThan(MB);
      expect(sent()).toBeLessThan(footer + 200_000);
    }
  });

  it('what is no Parquet file, or too short for one, is brought as it is; a length that cannot be claims nothing', async () => {
    for (const bytes of [
      Buffer.of(),
      Buffer.from('PA'),
      Buffer.from('no parquet at all'),
      fileOf(4 * MB, 0xfffffff0),
    ]) {
      const { place, sent } = placeOf(bytes);
      const read = readFileSync(await ends(place, bytes.length));
      expect(read.subarray(0, 4).equals(bytes.subarray(0, 4))).toBe(true);
      expect(read.subarray(-20).equals(bytes.subarray(-20))).toBe(true);
      expect(sent()).toBeLessThan(200_000);
    }
  });

  it('another file under its name is no part of it', async () => {
    const { place } = placeOf(fileOf(5000, 100));
    const changed: FilePlace = {
      ...place,
      read: (file, from, signal) =>
        from > 0 ? Promise.reject(new DataflowError('E_SOURCE_CHANGED', file.path)) : place.read(file, from, signal),
    };
    const size = 21 * MB;
    await expect(ends(changed, size)).rejects.toMatchObject({ code: 'E_SOURCE_CHANGED' });
    expect(readdirSync(join(root, 'fetched')).some((name) => statSync(join(root, 'fetched', name)).size === size)).toBe(
      false,
    );
  });
});
