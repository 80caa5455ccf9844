import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataflowError } from '../errors/dataflow-error.ts';
import { planWindows, type WindowKind, windowKind, windowWords } from './windows.ts';

const shown = (kind: WindowKind, from: string, to: string, window: string): string[] =>
  planWindows(kind, from, to, window).map(({ from, to }) => `${from}..${to}`);

describe('windows', () => {
  it.each([
    [
      'months',
      ['date', '2025', '2025-04', '1 month'],
      ['2025-01-01..2025-02-01', '2025-02-01..2025-03-01', '2025-03-01..2025-04-01'],
    ],
    [
      'a short last one',
      ['date', '2025-01-01', '2025-01-10', '7d'],
      ['2025-01-01..2025-01-08', '2025-01-08..2025-01-10'],
    ],
    [
      'the last day of short months',
      ['date', '2024-01-31', '2024-05-01', '1mo'],
      ['2024-01-31..2024-02-29', '2024-02-29..2024-03-31', '2024-03-31..2024-04-30', '2024-04-30..2024-05-01'],
    ],
    [
      'quarters and years',
      ['date', '2024-02', '2025-02', '2 quarters'],
      ['2024-02-01..2024-08-01', '2024-08-01..2025-02-01'],
    ],
    [
      'hours',
      ['timestamp', '2025-03-01T22:30', '2025-03-02', '1h'],
      ['2025-03-01 22:30:00..2025-03-01 23:30:00', '2025-03-01 23:30:00..2025-03-02 00:00:00'],
    ],
    ['instants', ['timestamptz', '2025', '2026', '1y'], ['2025-01-01 00:00:00+00..2026-01-01 00:00:00+00']],
    ['numbers', ['number', '-5', '12', '10'], ['-5..5', '5..12']],
  ] as const)('%s', (_, asked, windows) => {
    expect(shown(asked[0], asked[1], asked[2], asked[3])).toEqual(windows);
  });

  it.each([
    ['date', '2025-02-30', '2026', '1 month'],
    ['date', 'soon', '2026', '1 month'],
    ['date', '2026', '2025', '1 month'],
    ['date', '2025', '2025', '1 month'],
    ['date', '2025', '2026', '5m'],
    ['date', '2025', '2026', '0d'],
    ['date', '2025', '2026', '1h'],
    ['date', '2025-01-01T06:00', '2026', '1d'],
    ['timestamp', '1000', '9999', '1h'],
    ['number', '0', '10', '0'],
    ['number', '0', '1e3', '10'],
    ['number', '0', '10', '1 month'],
  ] as const)('refuses %s %s %s %s', (...asked) => {
    expect(() => planWindows(asked[0], asked[1], asked[2], asked[3])).toThrow(DataflowError);
  });

  it('cover the range once, without gap and overlap', () => {
    const day = fc.integer({ min: 0, max: 20_000 }).map((n) => new Date(n * 86_400_000).toISOString().slice(0, 10));
    const size = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.constantFrom('d', ' weeks', ' month', 'q', ' years'));
    fc.assert(
      fc.property(day, day, size, (a, b, [count, unit]) => {
        fc.pre(a < b && !(unit === 'd' && count === 1));
        let windows: ReturnType<typeof planWindows>;
        try {
          windows = planWindows('date', a, b, `${count}${unit}`);
        } catch (error) {
          expect(String(error)).toContain('more than 10000');
          return;
        }
        expect([windows[0]?.from, windows.at(-1)?.to]).toEqual([a, b]);
        for (const [i, { from, to }] of windows.entries()) {
          expect(from < to).toBe(true);
          if (i > 0) expect(from).toBe(windows[i - 1]?.to);
        }
      }),
    );
  });

  it.each([
    ['date', 'date'],
    ['timestamptz', 'timestamptz'],
    ['timestamp', 'timestamp'],
    ['timestamp_ns', 'timestamp'],
    ['bigint', 'number'],
    ['varchar', undefined],
    ['decimal(12,2)', undefined],
  ])('%s is cut as %s', (type, kind) => {
    expect(windowKind(type)).toBe(kind);
  });

  it('has one word for a size', () => {
    expect(['7d', '7 days', '1 MONTH', '1mo', '1000'].map(windowWords)).toEqual([
      '7 days',
      '7 days',
      '1 month',
      '1 month',
      '1000',
    ]);
  });
});
