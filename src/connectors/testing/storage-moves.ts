import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { ODD_NAMES } from './storage-names.ts';
import { type Suite, sha256, signal } from './storage-under-test.ts';

/** Enough to be more than one, where a folder goes in one act. */
const FEW_ENTRIES = 20;

export function renamesFiles(suite: Suite): void {
  const rename = (from: string, to: string): Promise<boolean> => suite.far.rename({ from, to, signal });

  it('gives a file another name: the same bytes, nothing under the old one, and once more changes nothing', async () => {
    const { far, put, all, read } = suite;
    const bytes = randomBytes(suite.under().large_bytes);
    const content = suite.local(bytes);
    await put('moved/from/large', '', { content });
    await put('moved/from/empty', '');
    for (const name of ['large', 'empty']) {
      expect(await rename(`moved/from/${name}`, `moved/to/deep/${name}`)).toBe(true);
      expect(await rename(`moved/from/${name}`, `moved/to/deep/${name}`)).toBe(true);
    }
    expect(await far.info('moved/from/large', signal)).toBeUndefined();
    const listed = await all('moved/');
    expect([...listed.keys()].sort()).toEqual(['moved/to/deep/empty', 'moved/to/deep/large']);
    const large = listed.get('moved/to/deep/large') ?? expect.unreachable('it is listed');
    expect(large.mark).toBe((await far.info('moved/to/deep/large', signal))?.mark);
    expect(large.size_bytes).toBe(bytes.length);
    expect(sha256((await read('moved/to/deep/large')) ?? Buffer.of())).toBe(sha256(bytes));
    expect(await far.matches(content.file, large, signal)).toBe(true);
    expect((await read('moved/to/deep/empty'))?.length).toBe(0);
  });

  it('keeps what has the name already, and renames neither what is not there nor a folder', async () => {
    const { put, all, read } = suite;
    await put('kept/one', 'one');
    await put('kept/two', 'two');
    await put('kept/folder/in', 'in');
    const before = await all('kept/');
    expect(await rename('kept/one', 'kept/two')).toBe(false);
    expect(await rename('kept/one', 'kept/one')).toBe(false);
    expect(await rename('kept/never', 'kept/new')).toBe(false);
    expect(await rename('none/never', 'nowhere/new')).toBe(false);
    expect(await rename('kept/folder', 'kept/other')).toBe(false);
    for (const [from, to] of [
      ['kept/one', '../out'],
      ['../kept/one', 'kept/in'],
      ['kept/one', ''],
    ] as const)
      await expect(rename(from, to)).rejects.toMatchObject({ code: 'E_FAR_REFUSED' });
    expect(await all('kept/')).toEqual(before);
    expect((await read('kept/one'))?.toString()).toBe('one');
    expect((await read('kept/two'))?.toString()).toBe('two');
    expect((await all('nowhere/')).size).toBe(0);
  });

  it('renames from and to every name as it is', async () => {
    const { put, all, read } = suite;
    const names = ODD_NAMES.map((path) => path.replaceAll(':', ';'));
    for (const [index, path] of names.entries()) {
      await put(`odd from/${path}`, String(index));
      expect(await rename(`odd from/${path}`, `odd tö/${path}`), path).toBe(true);
      expect((await read(`odd tö/${path}`))?.toString(), path).toBe(String(index));
    }
    expect((await all('odd from/')).size).toBe(0);
    expect([...(await all('odd tö/')).keys()].sort()).toEqual(names.map((path) => `odd tö/${path}`).sort());
  });
}

export function removesFolders(suite: Suite): void {
  it('removes a folder with all that is in it, and nothing beside it', async () => {
    const { far, put, all } = suite;
    const entries = (suite.under().page_entries ?? 0) + FEW_ENTRIES;
    const names = Array.from({ length: entries }, (_, i) => `folders/a b/ü${i % 3 === 0 ? '/deep' : ''}/${i}`);
    const beside = ['folders/a', 'folders/a b.txt', 'folders/a bc/one'];
    await Promise.all([...names, ...beside].map((path) => put(path, 'x')));
    const empty = await suite.under().emptyFolder?.('contract', 'folders/a b/empty');
    expect((await all('folders/a b/')).size).toBe(entries);
    await far.removeFolder('folders/a b', signal);
    expect([...(await all('folders/')).keys()].sort()).toEqual(beside);
    expect(await empty?.()).not.toBe(true);
    for (const nothing of ['folders/a b', 'folders/never', 'folders/a']) await far.removeFolder(nothing, signal);
    for (const outside of ['', '..', 'folders/../folders'])
      await expect(far.removeFolder(outside, signal)).rejects.toMatchObject({ code: 'E_FAR_REFUSED' });
    expect([...(await all('folders/')).keys()].sort()).toEqual(beside);
  });
}
