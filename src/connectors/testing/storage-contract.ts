import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FarFile, FarStorage } from '../../core/ports/far-storage.ts';
import { removesFolders, renamesFiles } from './storage-moves.ts';
import { decidesWhoIsFirst, keepsFiles } from './storage-names.ts';
import { type StorageUnderTest, type Suite, sha256, signal } from './storage-under-test.ts';

/** What every far storage promises, shown against the real system: whole files or none, who was first decides, checksums that tell. */
export function storageContract(name: string, make: () => Promise<StorageUnderTest>, timeout = 120_000): void {
  describe(`${name} keeps the contract of far storages`, { timeout }, () => {
    let under: StorageUnderTest | undefined;
    let far: FarStorage | undefined;
    const folder = mkdtempSync(join(tmpdir(), 'dataflow-far-'));
    let files = 0;
    beforeAll(async () => {
      under = await make();
      far = await under.open('contract');
    }, timeout);
    afterAll(async () => {
      rmSync(folder, { recursive: true, force: true });
      await far?.close();
      await under?.close?.();
    });
    const suite: Suite = {
      under: () => under ?? expect.unreachable('it was not made'),
      get far() {
        return far ?? expect.unreachable('it was not opened');
      },
      local: (bytes) => {
        const file = join(folder, String(files++));
        writeFileSync(file, bytes);
        return { file, size_bytes: bytes.length };
      },
      put: (path, content, more = {}) =>
        suite.far.put({ path, content: { bytes: Buffer.from(content) }, over: 'anything', signal, ...more }),
      all: async (prefix = '', where = suite.far) => {
        const found: FarFile[] = [];
        for await (const page of where.list({ prefix, signal })) found.push(...page);
        expect(new Set(found.map((file) => file.path)).size).toBe(found.length);
        return new Map(found.map((file) => [file.path, file]));
      },
      read: async (path, range) => {
        const got = await suite.far.read({ path, signal, ...(range === undefined ? {} : { range }) });
        if (got === undefined) return undefined;
        const chunks: Uint8Array[] = [];
        for await (const chunk of got.chunks) chunks.push(Buffer.from(chunk));
        return Buffer.concat(chunks);
      },
    };
    keepsFiles(suite);
    decidesWhoIsFirst(suite);
    renamesFiles(suite);
    removesFolders(suite);
    takesLargeFiles(suite);
    refusesDamage(suite);
    tidies(suite);
    tellsWhy(suite);
  });
}

function takesLargeFiles(suite: Suite): void {
  it('takes a file in parts, tells its progress, and knows it again by checksums', async () => {
    const { far, put, read } = suite;
    const bytes = randomBytes(suite.under().large_bytes);
    const content = suite.local(bytes);
    let told = 0;
    const sent = (more: number): void => {
      told += more;
    };
    const outcome = await put('large/one', '', { content, sha256: sha256(bytes), over: 'nothing', sent });
    expect(outcome).toMatchObject({ done: true, file: { size_bytes: bytes.length } });
    expect(told).toBe(bytes.length);
    expect(sha256((await read('large/one')) ?? Buffer.of())).toBe(sha256(bytes));
    const middle = { from: bytes.length / 2 - 10, to: bytes.length / 2 + 10 };
    expect(await read('large/one', middle)).toEqual(bytes.subarray(middle.from, middle.to));
    const listed = (await suite.all('large/')).get('large/one') ?? expect.unreachable('it is listed');
    expect(await far.matches(content.file, listed, signal)).toBe(true);
    const other = Buffer.from(bytes);
    other[bytes.length - 3] = (other[bytes.length - 3] ?? 0) ^ 1;
    expect(await far.matches(suite.local(other).file, listed, signal)).toBe(false);
    expect(await put('large/one', '', { content, over: 'nothing' })).toMatchObject({ done: false });
  });

  it('knows small files again by checksums', async () => {
    const { far, put } = suite;
    const outcome = await put('small/one', 'hello');
    const file = outcome.done ? outcome.file : expect.unreachable('it was put');
    expect(await far.matches(suite.local(Buffer.from('hello')).file, file, signal)).toBe(true);
    expect(await far.matches(suite.local(Buffer.from('hellp')).file, file, signal)).toBe(false);
    expect(await far.matches(suite.local(Buffer.from('hell')).file, file, signal)).toBe(false);
  });
}

function refusesDamage(suite: Suite): void {
  it.each(['small', 'large'])('does not put a %s file that is not what it should be', async (size) => {
    const { put, all } = suite;
    const bytes = size === 'small' ? Buffer.from('damaged') : randomBytes(suite.under().large_bytes);
    const wrong = put(`damage/${size}`, '', { content: suite.local(bytes), sha256: sha256(Buffer.from('other')) });
    await expect(wrong).rejects.toMatchObject({ code: 'E_FAR_SOURCE_DAMAGED' });
    const { file, size_bytes } = suite.local(bytes);
    const shorter = put(`damage/${size}`, '', { content: { file, size_bytes: size_bytes + 1 } });
    await expect(shorter).rejects.toMatchObject({ code: 'E_FAR_SOURCE_DAMAGED' });
    expect((await all('damage/')).size).toBe(0);
  });

  it('stops when it is told to, and shows nothing of it', async () => {
    const { put, all } = suite;
    const stop = new AbortController();
    const content = suite.local(randomBytes(suite.under().large_bytes));
    const going = put('stopped/one', '', { content, signal: stop.signal, sent: () => stop.abort() });
    await expect(going).rejects.toThrow();
    expect((await all('stopped/')).size).toBe(0);
    expect(await put('stopped/one', '', { content })).toMatchObject({ done: true });
  });
}

function tidies(suite: Suite): void {
  it('finds what was left half written, and takes it away', async () => {
    const far = await suite.under().open('leftovers');
    await far.put({ path: 'whole', content: { bytes: Buffer.from('x') }, over: 'nothing', signal });
    await suite.under().halfWritten('leftovers', 'deep/half');
    const later = Date.now() + 600_000;
    expect([...(await suite.all('', far)).keys()]).toEqual(['whole']);
    const paths = ['deep/half'];
    expect(await far.leftovers({ begun_before_ms: 1, remove: true, paths, signal })).toEqual([]);
    const found = await far.leftovers({ begun_before_ms: later, remove: false, paths, signal });
    expect(found).toHaveLength(1);
    expect(await far.leftovers({ begun_before_ms: later, remove: true, paths, signal })).toHaveLength(1);
    expect(await far.leftovers({ begun_before_ms: later, remove: true, paths, signal })).toEqual([]);
    expect([...(await suite.all('', far)).keys()]).toEqual(['whole']);
    await far.close();
  });
}

function tellsWhy(suite: Suite): void {
  it('answers to a probe, and says what is wrong: refused, or nobody there', async () => {
    expect((await suite.far.probe(signal)).words).not.toBe('');
    const under = suite.under();
    const cases = [
      ['E_FAR_DENIED', await under.denied?.()],
      ['E_FAR_UNREACHABLE', await under.unreachable()],
    ] as const;
    for (const [code, far] of cases) {
      if (far === undefined) continue;
      const asks = [
        () => far.probe(signal),
        () => suite.all('', far),
        () => far.put({ path: 'x', content: { bytes: Buffer.from('x') }, over: 'nothing', signal }),
      ];
      // Where nobody listens each takes its time: one is enough.
      for (const ask of code === 'E_FAR_UNREACHABLE' ? asks.slice(1, 2) : asks) {
        const error = await ask().then(
          () => expect.unreachable(`it should be ${code}`),
          (thrown: Error) => thrown,
        );
        expect(error).toMatchObject({ code });
        for (const secret of under.secrets) expect(error.message).not.toContain(secret);
      }
      await far.close();
    }
  });
}
