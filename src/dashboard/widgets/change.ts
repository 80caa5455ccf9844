/** How a number stands to the one before. */
export interface Trend {
  /** (now − before) / |before| */
  readonly share: number;
  readonly direction: 'up' | 'down' | 'same';
  readonly verdict: 'good' | 'bad' | 'neutral';
}

const SAME_BELOW = 0.0005; // shown as 0.0 %

/** Undefined where there is nothing to compare with, or nothing that could be divided by. */
export function changeOf(
  now: number | undefined,
  before: number | undefined,
  good: 'up' | 'down' | 'none',
): Trend | undefined {
  if (now === undefined || before === undefined || before === 0) return undefined;
  const share = (now - before) / Math.abs(before);
  if (Math.abs(share) < SAME_BELOW) return { share, direction: 'same', verdict: 'neutral' };
  const direction = share > 0 ? 'up' : 'down';
  return { share, direction, verdict: good === 'none' ? 'neutral' : good === direction ? 'good' : 'bad' };
}
