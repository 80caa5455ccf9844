/** How often and how long to try again. */
export interface Backoff {
  /** All attempts, the first one included. */
  readonly attempts: number;
  readonly base_ms: number;
  /** The longest wait that is not asked for by the other side. */
  readonly max_ms: number;
}

/**
 * The wait before attempt `attempt + 1` (attempts count from 1): anything between nothing and a bound that doubles each time ("full
 * jitter"), so that many who failed together do not come back together.
 */
export function jitteredWait(
  attempt: number,
  { base_ms, max_ms }: Backoff,
  random: () => number = Math.random,
): number {
  const bound = Math.min(max_ms, base_ms * 2 ** Math.min(attempt - 1, 40));
  return Math.floor(random() * bound);
}

/**
 * Milliseconds that a `Retry-After` asks for: seconds, or a date. A date is held against the sender's own clock (its `Date` header) when it
 * is given, because two clocks seldom agree. Undefined when it says nothing that can be understood; never capped.
 */
export function retryAfterMs(text: string | undefined, now_ms: number, sender_date?: string): number | undefined {
  const value = text?.trim() ?? '';
  if (/^\d{1,12}(\.\d+)?$/.test(value)) return Math.ceil(Number(value) * 1000);
  if (!/[a-z]/i.test(value)) return undefined;
  const until = Date.parse(value);
  if (Number.isNaN(until)) return undefined;
  const sent = sender_date === undefined ? Number.NaN : Date.parse(sender_date);
  return Math.max(0, until - (Number.isNaN(sent) ? now_ms : sent));
}
