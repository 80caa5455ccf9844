import { setTimeout as sleep } from 'node:timers/promises';
import { type Backoff, jitteredWait } from './backoff.ts';

export interface RetryOptions {
  readonly backoff: Backoff;
  /**
   * Whether another attempt may help after this error, and how long the other side wants to be left alone at least. Undefined: it may not; the error is
   * thrown as it is.
   */
  readonly again: (error: unknown) => { readonly after_ms?: number } | undefined;
  readonly signal: AbortSignal;
  /** Told before each wait. */
  readonly waits?: (error: unknown, wait_ms: number, attempt: number) => void;
}

/** Works until it succeeds, cannot be helped, or was tried often enough; the last error is thrown. Attempts count from 1. */
export async function withRetries<T>(work: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const { backoff, again, signal, waits } = options;
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      return await work(attempt);
    } catch (error) {
      signal.throwIfAborted();
      const helped = attempt < backoff.attempts ? again(error) : undefined;
      if (helped === undefined) throw error;
      const wait_ms = (helped.after_ms ?? 0) + jitteredWait(attempt, backoff);
      waits?.(error, wait_ms, attempt);
      await sleep(wait_ms, undefined, { signal });
    }
  }
}
