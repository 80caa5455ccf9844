import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jitteredWait, retryAfterMs } from './backoff.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');

describe('waiting between attempts', () => {
  it('is anything up to a bound that doubles, and never more than the highest', () => {
    const backoff = fc.record({
      attempts: fc.nat(),
      base_ms: fc.integer({ min: 1, max: 10_000 }),
      max_ms: fc.integer({ min: 1, max: 1e6 }),
    });
    fc.assert(
      fc.property(
        backoff,
        fc.integer({ min: 1, max: 500 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (how, attempt, luck) => {
          const wait = jitteredWait(attempt, how, () => luck);
          const bound = Math.min(how.max_ms, how.base_ms * 2 ** (attempt - 1));
          expect(wait).toBeGreaterThanOrEqual(0);
          expect(wait).toBeLessThanOrEqual(bound);
          expect(wait).toBeGreaterThanOrEqual(Math.floor(luck * Math.min(bound, how.max_ms)) - 1);
        },
      ),
    );
    const how = { attempts: 9, base_ms: 100, max_ms: 1000 };
    expect([1, 2, 3, 4, 5, 6].map((attempt) => jitteredWait(attempt, how, () => 0.999))).toEqual([
      99, 199, 399, 799, 999, 999,
    ]);
  });
});

describe('Retry-After', () => {
  it.each([
    ['5', 5000],
    [' 0 ', 0],
    ['86400', 86_400_000],
    ['1.5', 1500],
    ['Sat, 21 Nov 2026 12:00:30 GMT', 30_000],
    ['Saturday, 21-Nov-26 12:00:30 GMT', 30_000],
    ['Sat, 21 Nov 2026 11:00:00 GMT', 0],
    ['soon', undefined],
    ['-5', undefined],
    ['', undefined],
    [undefined, undefined],
    ['2026', 2_026_000],
  ])('%j is %j ms', (text, ms) => expect(retryAfterMs(text, NOW)).toBe(ms));

  it('a date is held against the clock of whoever sent it', () => {
    const [sent, until] = ['Fri, 20 Nov 2026 08:00:00 GMT', 'Fri, 20 Nov 2026 08:00:07 GMT'];
    expect(retryAfterMs(until, NOW, sent)).toBe(7000);
    expect(retryAfterMs(until, NOW, 'nonsense')).toBe(0);
  });

  it('is never capped', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), (seconds) => {
        expect(retryAfterMs(String(seconds), NOW)).toBe(seconds * 1000);
      }),
    );
  });
});
