import { groupedDigits } from '../../kit/units.ts';

/** `0.42 s`, `13.1 s`. */
export function secondsText(wall_ms: number): string {
  return `${(wall_ms / 1000).toFixed(wall_ms < 10_000 ? 2 : 1)} s`;
}

/** `1 file`, `3 files`. */
export function countText(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** `1 row`, `12,345 rows`: for counts that may be large. */
export function largeCountText(count: number, one: string): string {
  return `${groupedDigits(count)} ${one}${count === 1 ? '' : 's'}`;
}

/** `3m`, `2h`: the largest unit that fits. */
export function ageText(ms: number): string {
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'm'],
    [1_000, 's'],
  ] as const;
  for (const [size_ms, unit] of units) if (ms >= size_ms) return `${Math.floor(ms / size_ms)}${unit}`;
  return `${Math.round(ms)}ms`;
}
