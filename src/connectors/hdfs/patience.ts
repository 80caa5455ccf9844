import { setMaxListeners } from 'node:events';
import { type Backoff, retryAfterMs } from '../../kit/backoff.ts';
import { withRetries } from '../../kit/retries.ts';
import { NodeFailure, passing, RemoteException, UNRESOLVED } from './refusals.ts';

/** How long and how often a cluster is asked again. */
export interface Patience {
  /** For a cluster that starts, is in safe mode or has no active NameNode. */
  readonly ready_ms: number;
  /** For nodes that break off or are overloaded: attempts, the first included. */
  readonly attempts: number;
  /** A remark for the person at the terminal. */
  note(text: string): void;
  /** Told when somebody asks to be spared (503, 429). */
  spared(): void;
}

/** Between attempts. */
export const BACKOFF: Backoff = { attempts: Number.POSITIVE_INFINITY, base_ms: 200, max_ms: 5000 };
/** A name that cannot be resolved: another DataNode may have one that can. */
const UNRESOLVED_ATTEMPTS = 3;
/** However little patience there is. */
const CLUSTER_ATTEMPTS = 3;
/** Waits shorter than this are nobody's business. */
const LONG_WAIT_MS = 2000;
/** The same is not said again before. */
const SAID_EVERY_MS = 30_000;

/** Many files meet the same again and again: it is said now and then. */
export function seldom(note: (text: string) => void): (text: string) => void {
  const said = new Map<string, number>();
  return (text) => {
    const before_ms = said.get(text);
    const now_ms = performance.now();
    if (before_ms !== undefined && now_ms - before_ms < SAID_EVERY_MS) return;
    said.set(text, now_ms);
    note(text);
  };
}

/** Works until it succeeds or nothing more can be hoped for; the last error is thrown. Attempts count from 1. */
export async function patiently<T>(
  work: (attempt: number) => Promise<T>,
  patience: Patience,
  signal: AbortSignal | undefined,
): Promise<T> {
  // Many files are on their way at once, and all of them listen.
  if (signal !== undefined) setMaxListeners(0, signal);
  let until: number | undefined;
  let clusters = 0;
  let nodes = 0;
  let unresolved = 0;
  return await withRetries(work, {
    backoff: BACKOFF,
    signal: signal ?? new AbortController().signal,
    again: (error) => {
      const kind = passing(error);
      if (kind === undefined) return undefined;
      if (error instanceof RemoteException && (error.status === 503 || error.status === 429)) patience.spared();
      if (kind === 'cluster') {
        until ??= performance.now() + patience.ready_ms;
        return performance.now() < until || ++clusters < Math.min(CLUSTER_ATTEMPTS, patience.attempts) ? {} : undefined;
      }
      if (error instanceof NodeFailure && UNRESOLVED.has(error.code) && ++unresolved >= UNRESOLVED_ATTEMPTS)
        return undefined;
      if (++nodes >= patience.attempts) return undefined;
      return error instanceof RemoteException && error.after_ms !== undefined ? { after_ms: error.after_ms } : {};
    },
    waits: (error, wait_ms) => {
      if (wait_ms >= LONG_WAIT_MS && error instanceof Error)
        patience.note(`${error.message}; asking again every few seconds`);
    },
  });
}

/** What `Retry-After` asks for, within reason. */
export function waitAskedFor(header: string | undefined): number | undefined {
  const asked = retryAfterMs(header, Date.now());
  return asked === undefined ? undefined : Math.min(asked, 60_000);
}
