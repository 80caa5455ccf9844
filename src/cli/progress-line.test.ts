import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shareLine, transferLine } from './progress-line.ts';

const NOW = { phase: 'putting', files: 12, files_total: 345, bytes: 16_800_000, bytes_total: 320_000_000 };
const at = (columns: number) => ({ columns, ascii: true });

describe('the line of a transfer', () => {
  it('leaves out what does not fit', () => {
    const lines = [100, 80, 60, 48, 40].map((columns) => transferLine('minio', NOW, 4, at(columns)));
    expect(lines).toEqual([
      'minio [##............................] 16.8 MB of 320 MB, 12/345 files, 4.2 MB/s, 73 s left',
      'minio [#.........] 16.8 MB of 320 MB, 12/345 files, 4.2 MB/s, 73 s left',
      'minio [#.........] 16.8 MB of 320 MB, 4.2 MB/s, 73 s left',
      'minio [#.........] 16.8 MB of 320 MB, 73 s left',
      'minio [#.........] 16.8 MB of 320 MB',
    ]);
  });

  it('says what goes on while no byte moves, and how long it takes in a unit that reads well', () => {
    const idle = { ...NOW, phase: 'reading back', files: 0, files_total: 0, bytes: 0, bytes_total: 0 };
    expect(transferLine('minio', idle, 4, at(80))).toBe('minio: reading back');
    for (const [now, seconds] of [
      [{ ...NOW, bytes: 0 }, 4],
      [NOW, 0.1],
    ] as const)
      expect(transferLine('minio', now, seconds, at(80))).toMatch(/ of 320 MB, 12\/345 files$/);
    expect(transferLine('minio', NOW, 60, at(80))).toContain('19 min left');
    expect(transferLine('minio', { ...NOW, bytes_total: 3.2e11 }, 60, at(80))).toContain('318 h left');
  });
});

it('no line is longer than its terminal', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.string(),
      fc.double({ min: 0, max: 1 }),
      (columns, words, share) => {
        if (!Number.isFinite(share)) return;
        expect(shareLine(share, words, { columns, ascii: false }).length).toBeLessThan(Math.max(2, columns));
        const now = { ...NOW, bytes: Math.round(NOW.bytes_total * share) };
        expect(transferLine(words, now, 3, { columns, ascii: false }).length).toBeLessThan(Math.max(2, columns));
      },
    ),
  );
});

it('a share begins with its bar', () => {
  expect(shareLine(0.45, 'gold.fact_ventes, 1,934 rows', at(80))).toBe(
    '[##############................]  45% gold.fact_ventes, 1,934 rows',
  );
  expect(shareLine(1, 'gold.fact_ventes, 1,934 rows', at(50))).toBe('[##########] 100% gold.fact_ventes, 1,934 rows');
});
