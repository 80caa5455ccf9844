import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MirroredFile } from '../model/mirror.ts';
import type { FarFile } from '../ports/far-storage.ts';
import type { LakeFile, TableFiles } from '../ports/lake-care.ts';
import { blockedTables, MirrorComparison } from './mirror-plan.ts';

const near = (path: string, sha256: string, kind: LakeFile['kind'] = 'data'): LakeFile => ({
  ...{ path, kind, size_bytes: 1, sha256 },
});
const far = (path: string, mark: string, size_bytes = 1): FarFile => ({ path, mark, size_bytes, modified_ms: 0 });
const put = (path: string, sha256: string, mark: string): MirroredFile => ({ path, sha256, mark, size_bytes: 1 });
const table = (data: readonly LakeFile[], more: Partial<TableFiles> = {}): TableFiles => ({
  table: { layer: 'gold', name: 't' },
  ...{ folder: 'gold/t', version: 3, versions: [3], data, entries: [], checkpoints: [], hints: [], ...more },
});
const known = (...files: readonly MirroredFile[]): ReadonlyMap<string, MirroredFile> =>
  new Map(files.map((file) => [file.path, file]));
const marks = (comparison: MirrorComparison): readonly string[] =>
  comparison.items.map(({ mark, path }) => `${mark} ${path}`);

describe('MirrorComparison', () => {
  it('takes a file for equal when its mark is that of the writing of these bytes, and for nothing else', () => {
    const comparison = new MirrorComparison(
      [table([near('gold/t/a', '1'), near('gold/t/b', '2'), near('gold/t/c', '3'), near('gold/t/d', '4')])],
      known(put('gold/t/a', '1', 'm'), put('gold/t/b', 'other', 'm'), put('gold/t/d', '4', 'm')),
    );
    for (const [path, mark] of [
      ['gold/t/a', 'm'],
      ['gold/t/b', 'm'],
      ['gold/t/d', 'changed'],
    ] as const)
      comparison.see(far(path, mark));
    comparison.finish();
    expect(comparison.same.files).toBe(1);
    expect(marks(comparison)).toEqual(['! gold/t/b', '+ gold/t/c']);
    expect(comparison.doubts.map(({ near: file }) => file.path)).toEqual(['gold/t/d']);
    for (const doubt of comparison.doubts) comparison.settle(doubt, false);
    expect([...blockedTables(comparison.items)]).toHaveLength(1);
  });

  it('writes hints and checkpoints over, and never what does not change by itself', () => {
    const [hint, entry] = [
      near('gold/t/_delta_log/_last_checkpoint', '2', 'hint'),
      near('gold/t/_delta_log/00000000000000000003.json', '2', 'entry'),
    ];
    const comparison = new MirrorComparison(
      [table([], { hints: [hint], entries: [entry] })],
      known(put(hint.path, '1', 'm'), put(entry.path, '1', 'm')),
    );
    comparison.see(far(hint.path, 'm'));
    comparison.see(far(entry.path, 'm'));
    comparison.finish();
    expect(marks(comparison)).toEqual([`* ${hint.path}`, `! ${entry.path}`]);
  });

  it('tells what is only there apart: ours, a version of others, somebody else’s files', () => {
    const comparison = new MirrorComparison(
      [table([])],
      known(put('gold/t/old', '1', 'm'), put('gold/gone/x', '1', 'm')),
    );
    for (const path of ['gold/t/old', 'gold/gone/x', 'gold/t/stranger', 'photos/cat.png'])
      comparison.see(far(path, 'm'));
    comparison.see(far('gold/t/_delta_log/00000000000000000004.json', 'm'));
    comparison.finish();
    expect(comparison.items.map(({ mark, ours, path }) => [mark, ours, path])).toEqual([
      ['-', true, 'gold/t/old'],
      ['-', true, 'gold/gone/x'],
      ['-', false, 'gold/t/stranger'],
      ['!', false, 'gold/t/_delta_log/00000000000000000004.json'],
    ]);
    expect(comparison.others.files).toBe(1);
  });

  it('accounts for every file of both sides, whatever they hold and whatever is remembered', () => {
    const paths = fc.uniqueArray(fc.integer({ min: 0, max: 20 }).map((n) => `gold/t/${n}`));
    fc.assert(
      fc.property(paths, paths, paths, fc.boolean(), (here, there, remembered, checksums) => {
        const comparison = new MirrorComparison(
          [table(here.map((path) => near(path, path)))],
          known(...remembered.map((path) => put(path, path, 'm'))),
          { tell_same: true },
        );
        for (const path of there) comparison.see(far(path, 'm'));
        comparison.finish();
        for (const doubt of comparison.doubts) comparison.settle(doubt, checksums);
        const told = comparison.items.map(({ path }) => path).sort();
        expect(told).toEqual([...new Set([...here, ...there])].sort());
        for (const { mark, path } of comparison.items) {
          if (!there.includes(path)) expect(mark).toBe('+');
          else if (!here.includes(path)) expect(mark).toBe('-');
          else expect(mark).toBe(remembered.includes(path) || checksums ? '=' : '!');
        }
      }),
    );
  });
});
