import { describe, expect, it } from 'vitest';
import { ProgressRate, type Reading } from './progress-rate.ts';

const told = (readings: readonly Reading[], last_left_ms?: number) => {
  const rate = new ProgressRate();
  return readings.map((one, second) => rate.next(one, second * 1000, last_left_ms)).at(-1);
};

describe('how far a step is', () => {
  it('rows a second are those of the last ten seconds', () => {
    const slow = Array.from({ length: 30 }, (_, i) => ({ doing: 'writing', rows: i * 100 }) as const);
    const fast = Array.from({ length: 11 }, (_, i) => ({ doing: 'writing', rows: 2_900 + i * 1_000 }) as const);
    expect(told(slow)?.rows_per_second).toBe(100);
    expect(told([...slow, ...fast.slice(1)])?.rows_per_second).toBe(1_000);
  });

  it('nothing is made up where nothing is known, or before there is a pace', () => {
    const nothing = { rows: null, rows_per_second: null, bytes: null, percent: null, percent_of: null };
    expect(told([{ doing: 'computing' }])).toEqual({ doing: 'computing', ...nothing, left_ms: null, left_by: null });
    expect(told([{ doing: 'writing', rows: 5 }])?.rows_per_second).toBeNull();
    expect(
      told([{ doing: 'writing' }, { doing: 'writing', rows: 0 }, { doing: 'writing', rows: 0 }])?.rows_per_second,
    ).toBeNull();
  });

  it('another statement, or one that begins again, has a pace of its own', () => {
    const first = [0, 50, 100].map((percentage) => ({ doing: 'computing', percentage }) as const);
    const again = told([...first, { doing: 'computing', percentage: 10 }, { doing: 'computing', percentage: 20 }]);
    expect(again).toMatchObject({ percent: 20, percent_of: 'statement', left_ms: 8_000, left_by: 'statement' });
    expect(told([...first, { doing: 'writing', rows: 9 }])).toMatchObject({ rows: 9, rows_per_second: null });
  });

  it('what is left goes by the bytes there are, else by the last success, else by the statement', () => {
    const bytes = [0, 20].map((n) => ({ doing: 'inspecting', bytes: n, bytes_expected: 100 }) as const);
    expect(told(bytes, 60_000)).toMatchObject({ percent: 20, percent_of: 'bytes', left_ms: 4_000, left_by: 'bytes' });
    const share = [0, 25].map((percentage) => ({ doing: 'reading', percentage }) as const);
    expect(told(share, 60_000)).toMatchObject({ percent: 25, left_ms: 60_000, left_by: 'last_success' });
    expect(told(share)).toMatchObject({ percent: 25, left_ms: 3_000, left_by: 'statement' });
  });
});
