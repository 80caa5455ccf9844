import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffCounts, lineDiff } from './line-diff.ts';

/** Applies a diff that shows every line: context and additions are the new text, context and removals the old one. */
function sides(diff: readonly string[]): { old_text: string[]; new_text: string[] } {
  const lines = diff.filter((line) => !line.startsWith('@@'));
  return {
    old_text: lines.filter((line) => !line.startsWith('+')).map((line) => line.slice(1)),
    new_text: lines.filter((line) => !line.startsWith('-')).map((line) => line.slice(1)),
  };
}

describe('line diff', () => {
  it('shows what changed with three lines around it', () => {
    const before = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10'].join('\n');
    expect(lineDiff(before, before.replace('6', 'six'))).toEqual([
      '@@ -3,7 +3,7 @@',
      ' 3',
      ' 4',
      ' 5',
      '-6',
      '+six',
      ' 7',
      ' 8',
      ' 9',
    ]);
  });

  it('keeps changes far apart in hunks of their own, numbered by both texts', () => {
    const lines = Array.from({ length: 30 }, (_, i) => `l${i + 1}`);
    const after = lines.flatMap((line) => (line === 'l2' ? [] : line === 'l28' ? ['l28', 'new'] : [line]));
    const diff = lineDiff(lines.join('\n'), after.join('\n'));
    expect(diff.filter((line) => line.startsWith('@@'))).toEqual(['@@ -1,5 +1,4 @@', '@@ -26,5 +25,6 @@']);
    expect(diffCounts(diff)).toEqual({ added: 1, removed: 1 });
  });

  it.each([
    ['', 'a\nb', ['@@ -0,0 +1,2 @@', '+a', '+b']],
    ['a', '', ['@@ -1,1 +0,0 @@', '-a']],
    ['a\r\nb\r\n', 'a\nb', []],
  ])('%j to %j', (before, after, diff) => {
    expect(lineDiff(before, after)).toEqual(diff);
  });

  it('holds both texts, and as few changes as they share lines', () => {
    const word = fc.constantFrom('a', 'b', 'c', '-', '+');
    const text = fc.array(word, { maxLength: 4 });
    fc.assert(
      fc.property(text, text, (before, after) => {
        const diff = lineDiff(before.join('\n'), after.join('\n'));
        if (before.join('\n') === after.join('\n')) {
          expect(diff).toEqual([]);
          return;
        }
        const found = sides(diff);
        expect(found.old_text).toEqual(before);
        expect(found.new_text).toEqual(after);
        const { removed } = diffCounts(diff.filter((line) => !line.startsWith('@@')));
        expect(before.length - removed).toBe(longestCommon(before, after));
      }),
    );
  });
});

function longestCommon(a: readonly string[], b: readonly string[]): number {
  const [x, y] = [a[0], b[0]];
  if (x === undefined || y === undefined) return 0;
  if (x === y) return 1 + longestCommon(a.slice(1), b.slice(1));
  return Math.max(longestCommon(a.slice(1), b), longestCommon(a, b.slice(1)));
}
