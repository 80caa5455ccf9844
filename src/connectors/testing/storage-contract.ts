import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FarFile, FarStorage, PutOutcome, PutRequest } from '../../core/ports/far-storage.ts';

/** A far storage, and all that the contract has to know of it. The system behind it must run. */
export interface StorageUnderTest {
  /** Opens the base folder of that name, which nobody else uses; made when something is put. */
  open(folder: string): FarStorage | Promise<FarStorage>;
  /** A size that goes up in several parts (or several blocks). */
  readonly large_bytes: number;
  /** The same with a login that is refused: E_FAR_DENIED, and the text names no secret. Absent: it believes everybody. */
  denied?(): FarStorage | Promise<FarStorage>;
  /** The same where nobody listens. */
  unreachable(): FarStorage | Promise<FarStorage>;
  /** Whether the system can have a file of that name; those that it cannot are refused (E_FAR_REFUSED). Absent: all. */
  can_be_named?(path: string): boolean;
  /** Texts that no error may hold. */
  readonly secrets: readonly string[];
  /** Leaves something half written behind that would have become `path` below the folder. */
  halfWritten(folder: string, path: string): Promise<void>;
  close?(): Promise<void>;
}

/** Names that a system might take for something else. */
const ODD_NAMES = [
  'a b/c d.txt',
  'date=2025-01-01%20x/part.parquet',
  'ünï/日本.json',
  'plus+and&=?#[]@!$\'(),;~"<>|^`{}.bin',
  '_delta_log/00000000000000000000.json',
  '.hidden/_x',
  '%2e%2e/%2F',
  "it's/–.txt",
];

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** What the tests of one suite share. */
interface Suite {
  under(): StorageUnderTest;
  readonly far: FarStorage;
  /** A fresh file of this machine. */
  local(bytes: Uint8Array): { readonly file: string; readonly size_bytes: number };
  put(path: string, content: Uint8Array | string, more?: Partial<PutRequest>): Promise<PutOutcome>;
  /** Everything below the prefix, by path. */
  all(prefix?: string, far?: FarStorage): Promise<ReadonlyMap<string, FarFile>>;
  read(path: string, range?: { readonly from: number; readonly to?: number }): Promise<Buffer | undefined>;
}

const signal = new AbortController().signal;

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
    takesLargeFiles(suite);
    refusesDamage(suite);
    tidies(suite);
    tellsWhy(suite);
  });
}

function keepsFiles(suite: Suite): void {
  it('has nothing at first, then what was put: listed, looked at and read, whole and in parts', async () => {
    const { far, put, all, read } = suite;
    expect((await all()).size).toBe(0);
    expect(await far.info('a/one.txt', signal)).toBeUndefined();
    expect(await read('a/one.txt')).toBeUndefined();
    const one = await put('a/one.txt', '0123456789', { sha256: sha256(Buffer.from('0123456789')) });
    expect(one).toMatchObject({ done: true, resumed_bytes: 0, file: { path: 'a/one.txt', size_bytes: 10 } });
    await put('a/empty', '');
    await put('ab', 'x');
    const { file, size_bytes } = suite.local(Buffer.from('from a file'));
    await put('a/b/two.txt', '', { content: { file, size_bytes } });
    const listed = await all();
    expect([...listed.keys()].sort()).toEqual(['a/b/two.txt', 'a/empty', 'a/one.txt', 'ab']);
    expect([...(await all('a/')).keys()].sort()).toEqual(['a/b/two.txt', 'a/empty', 'a/one.txt']);
    expect([...(await all('a/o')).keys()]).toEqual(['a/one.txt']);
    expect((await all('nothing/')).size).toBe(0);
    const found = listed.get('a/one.txt');
    expect(found?.mark).toBeTruthy();
    expect(one.done && one.file.mark).toBe(found?.mark);
    expect((await far.info('a/one.txt', signal))?.mark).toBe(found?.mark);
    expect(Math.abs((found?.modified_ms ?? 0) - Date.now())).toBeLessThan(600_000);
    expect((await read('a/one.txt'))?.toString()).toBe('0123456789');
    expect((await read('a/one.txt', { from: 3 }))?.toString()).toBe('3456789');
    expect((await read('a/one.txt', { from: 3, to: 5 }))?.toString()).toBe('34');
    expect((await read('a/empty'))?.length).toBe(0);
    expect((await read('a/b/two.txt'))?.toString()).toBe('from a file');
    expect([...far.requests.values()].reduce((sum, n) => sum + n, 0)).toBeGreaterThan(8);
  });

  it('takes every name as it is', async () => {
    const far = await suite.under().open('odd');
    const can = (path: string): boolean => suite.under().can_be_named?.(path) ?? true;
    const names = [
      ...ODD_NAMES.filter(can),
      ...ODD_NAMES.map((path) => path.replaceAll(':', ';')).filter((path) => !ODD_NAMES.includes(path)),
    ];
    for (const path of ODD_NAMES.filter((one) => !can(one))) {
      const refused = far.put({ path, content: { bytes: Buffer.from('') }, over: 'nothing', signal });
      await expect(refused).rejects.toMatchObject({ code: 'E_FAR_REFUSED' });
    }
    for (const [index, path] of names.entries())
      await far.put({ path, content: { bytes: Buffer.from(String(index)) }, over: 'nothing', signal });
    const listed = await suite.all('', far);
    expect([...listed.keys()].sort()).toEqual([...names].sort());
    for (const [index, path] of names.entries()) {
      const got = await far.read({ path, signal });
      const chunks: Uint8Array[] = [];
      for await (const chunk of got?.chunks ?? []) chunks.push(chunk);
      expect(Buffer.concat(chunks).toString(), path).toBe(String(index));
    }
    for (const path of ['../x', '/x', 'a/../../x', 'a\0b', ''])
      await expect(far.put({ path, content: { bytes: Buffer.from('') }, over: 'anything', signal })).rejects.toThrow();
    await far.remove(names, signal);
    expect((await suite.all('', far)).size).toBe(0);
    await far.close();
  });

  it('removes many at once, those that are not there too', async () => {
    const { far, put, all } = suite;
    const names = Array.from({ length: 30 }, (_, i) => `many/${i}`);
    await Promise.all(names.map((path) => put(path, path)));
    expect((await all('many/')).size).toBe(30);
    await far.remove([...names.slice(1), 'many/never', 'none/never'], signal);
    expect([...(await all('many/')).keys()]).toEqual(['many/0']);
  });
}

function decidesWhoIsFirst(suite: Suite): void {
  it('lets one of many win who create the same name, and shows only whole files meanwhile', async () => {
    const { put, all, read } = suite;
    const wanted = Array.from({ length: 8 }, (_, i) => String(i).repeat(100_000));
    const outcomes = await Promise.all(wanted.map((text) => put('race/one', text, { over: 'nothing' })));
    const winners = outcomes.flatMap(({ done }, index) => (done ? [index] : []));
    expect(winners).toHaveLength(1);
    expect((await read('race/one'))?.toString()).toBe(wanted[winners[0] ?? -1]);
    const late = await put('race/one', 'late', { over: 'nothing' });
    expect(late).toMatchObject({ done: false, taken: { size_bytes: 100_000 } });
    expect([...(await all('race/')).keys()]).toEqual(['race/one']);
  });

  it('replaces anything, or only what it knows', async () => {
    const { put, read } = suite;
    const first = await put('replace/one', 'first');
    const second = await put('replace/one', 'secnd');
    const [old, now] = [first, second].map((outcome) => (outcome.done ? outcome.file.mark : ''));
    expect(old).not.toBe(now);
    expect(await put('replace/one', 'third', { over: { mark: old ?? '' } })).toMatchObject({
      done: false,
      taken: { mark: now },
    });
    expect(await put('replace/gone', 'third', { over: { mark: old ?? '' } })).toEqual({
      done: false,
      taken: undefined,
    });
    expect((await read('replace/one'))?.toString()).toBe('secnd');
    expect(await put('replace/one', 'third', { over: { mark: now ?? '' } })).toMatchObject({ done: true });
    expect((await read('replace/one'))?.toString()).toBe('third');
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
