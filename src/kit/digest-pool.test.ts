import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { digestFiles } from './digest-pool.ts';

const root = mkdtempSync(join(tmpdir(), 'dataflow-digest-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const BUILT = pathToFileURL(resolve('dist/digest-worker.js'));

function file(name: string, bytes: number): { path: string; size_bytes: number; sha256: string } {
  const content = Buffer.alloc(bytes, name);
  const path = join(root, name);
  writeFileSync(path, content);
  return { path, size_bytes: bytes, sha256: createHash('sha256').update(content).digest('hex') };
}

describe.each([
  ['in threads', BUILT],
  ['in this thread', undefined],
])('hashing %s', (_, worker_url) => {
  it('gives every file its own hash in the order asked for, and tells of every byte', async () => {
    const files = [file('empty', 0), file('a', 1), ...Array.from({ length: 90 }, (_, i) => file(`n${i}`, 300_000 + i))];
    let told = 0;
    const digests = await digestFiles(files, { worker_url, tell: (bytes) => (told += bytes) });
    expect(digests.map((one) => one.sha256)).toEqual(files.map((one) => one.sha256));
    expect(told).toBe(files.reduce((sum, one) => sum + one.size_bytes, 0));
  });

  it('tells of a file that cannot be read, and goes on with the others', async () => {
    const files = [{ path: join(root, 'nowhere'), size_bytes: 20_000_000 }, file('there', 10)];
    const [lost, found] = await digestFiles(files, { worker_url });
    expect(lost).toMatchObject({ error: 'ENOENT' });
    expect(found?.sha256).toBe(files[1]?.size_bytes === 10 ? file('there', 10).sha256 : '');
  });

  it('stops when asked to', async () => {
    const files = [file('large', 40_000_000)];
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(digestFiles(files, { worker_url, signal })).rejects.toThrow('enough');
  });
});
