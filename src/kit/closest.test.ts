import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closest, editDistance } from './closest.ts';

describe('closest', () => {
  it.each([
    ['sliver', ['sources', 'silver', 'gold'], 'silver'],
    ['betwen', ['between', 'not_null'], 'between'],
    ['KEY', ['key', 'dedupe'], 'key'],
    ['xyzzy', ['silver', 'gold'], undefined],
    ['ab', ['cd'], undefined],
  ])('%s among %j is %s', (word, candidates, expected) => {
    expect(closest(word, candidates)).toBe(expected);
  });

  it('is a distance: zero only for equals, symmetric, never longer than the longer word', () => {
    const word = fc.string({ maxLength: 12 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        expect(distance === 0).toBe(a === b);
        expect(editDistance(b, a)).toBe(distance);
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });

  it('counts a swap of neighbours as one edit', () => {
    expect(editDistance('sliver', 'silver')).toBe(1);
  });
});
