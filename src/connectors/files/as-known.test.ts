import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Discovery, KnownInput, KnownInputs, SourceContext, StampPage } from '../../core/ports/source.ts';
import { asKnown } from './as-known.ts';
import { findFiles } from './discover.ts';
import type { FilesOptions } from './options.ts';
import { STAT_TOGETHER_MIN } from './stat-together.ts';

/** As the ledger tells it, in pages of a few thousand lines. */
function pagesOf(known: ReadonlyMap<string, KnownInput>): readonly StampPage[] {
  const lines = [...known.values()]
    .sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)))
    .map(({ path, size_bytes, mtime_ns, inode }) => `${path}\t${size_bytes}\t${mtime_ns}\t${inode}\n`);
  const pages: StampPage[] = [];
  for (let at = 0; at < lines.length; at += 7_000) {
    const some = lines.slice(at, at + 7_000);
    pages.push({ lines: some.length, text: some.join('') });
  }
  return pages;
}

describe('a large folder that is as it was', () => {
  const root = mkdtempSync(join(tmpdir(), 'dataflow-as-known-'));
  const path = (name: string): string => join(root, 'in', name);
  const context: SourceContext = { root, temp_folder: root, now_ms: Date.now() + 3_600_000, rehash: false };
  const find = (known: KnownInputs, options: object = {}, more: object = {}): Discovery =>
    findFiles(
      { path: 'in/**/*.csv', settle_seconds: 0, max_file_bytes: 1e9, ...options } as unknown as FilesOptions,
      known,
      { ...context, ...more },
    ).result();
  let known: Map<string, KnownInput>;
  /** The same discovery with and without the texts; the records of what is known may be read in the latter only. */
  const both = (of: Map<string, KnownInput>, options: object = {}, more: object = {}): readonly [Discovery, number] => {
    let reads = 0;
    const counted = new Map(of);
    Object.defineProperty(counted, 'size', {
      get: () => {
        reads += 1;
        return of.size;
      },
    });
    const quick = find(Object.assign(counted, { stamps: () => pagesOf(of) }), options, more);
    const { as_known: _, ...rest } = quick;
    expect(rest).toEqual(find(of, options, more));
    return [quick, reads];
  };
  beforeAll(() => {
    mkdirSync(path('sub'), { recursive: true });
    writeFileSync(path('f00000.csv'), 'id\n1\n');
    for (let i = 1; i <= STAT_TOGETHER_MIN; i++)
      linkSync(path('f00000.csv'), path(`${i % 2 === 0 ? 'é' : 'f'}${String(i).padStart(5, '0')}.csv`));
    const { fresh } = find(new Map());
    known = new Map(fresh.map((unit) => [unit.path, { ...unit, sha256: 'x', status: 'loaded' }]));
  }, 180_000);
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('is found so without a record of each file', () => {
    const [found, reads] = both(known);
    expect(found).toMatchObject({ as_known: true, unchanged: STAT_TOGETHER_MIN + 1 });
    expect(reads).toBe(0);
  });

  it('is looked at file by file when anything is different', () => {
    const first = known.get('in/f00001.csv') as KnownInput;
    const changes: readonly (readonly [string, Map<string, KnownInput>])[] = [
      ['time', new Map(known).set(first.path, { ...first, mtime_ns: '1' })],
      ['inode', new Map(known).set(first.path, { ...first, inode: '1' })],
      ['one more is known', new Map(known).set('in/zz.csv', { ...first, path: 'in/zz.csv' })],
      ['one is new', new Map([...known].slice(1))],
      ['another name', new Map([...known].slice(1)).set('in/zz.csv', { ...first, path: 'in/zz.csv' })],
    ];
    for (const [what, of] of changes) expect(both(of)[0].as_known, what).toBeUndefined();
    expect(both(known, {}, { rehash: true })[0].as_known).toBeUndefined();
    expect(both(known, { path: ['in/*.csv', 'in/f*.csv'] })[0].as_known).toBeUndefined();
    expect(both(known, { exclude: 'in/f00001.csv' })[0]).toMatchObject({ vanished: ['in/f00001.csv'] });
  }, 180_000);

  it('is not all that there is when a folder below it has a file', () => {
    writeFileSync(path('sub/new.csv'), 'id\n1\n');
    const [found] = both(known);
    expect(found.fresh.map((unit) => unit.path)).toEqual(['in/sub/new.csv']);
    expect(found).not.toHaveProperty('as_known');
    rmSync(path('sub/new.csv'));
  });

  it('is not mistaken for one whose names hold line ends and tabs', () => {
    const stamp = { size: 1n, mtimeNs: 2n, ino: 3n };
    const text = 'a\t1\t2\t3\nb\t1\t2\t3\n';
    expect(asKnown('', ['a', 'b'], () => stamp, [{ lines: 2, text }])).toBe(true);
    expect(asKnown('', ['a', 'b'], () => stamp, [{ lines: 1, text }])).toBe(false);
    expect(asKnown('', ['a\t1\t2\t3\nb'], () => stamp, [{ lines: 1, text }])).toBe(true);
    expect(asKnown('', ['a', 'b'], (index) => (index === 1 ? undefined : stamp), [{ lines: 2, text }])).toBe(false);
  });
});
