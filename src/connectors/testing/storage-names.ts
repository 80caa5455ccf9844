import { expect, it } from 'vitest';
import { type Suite, sha256, signal } from './storage-under-test.ts';

/** Names that a system might take for something else. */
export const ODD_NAMES = [
  'a b/c d.txt',
  'date=2025-01-01%20x/part.parquet',
  'ünï/日本.json',
  'plus+and&=?#[]@!$\'(),;~"<>|^`{}.bin',
  '_delta_log/00000000000000000000.json',
  '.hidden/_x',
  '%2e%2e/%2F',
  "it's/–.txt",
];

export function keepsFiles(suite: Suite): void {
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

export function decidesWhoIsFirst(suite: Suite): void {
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
