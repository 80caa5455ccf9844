import type { ServerEvent } from '../../core/contract/dashboard.ts';
import { ask } from './client.ts';
import { eventReader } from './sse.ts';

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/** What whoever listens is told. */
export interface Listener {
  event(event: ServerEvent): void;
  /** The stream stands, or it was lost and is sought again. */
  connected(yes: boolean): void;
}

/** Listens to the server's events until `signal` fires; a lost stream is asked for again, after longer and longer waits. */
export async function listen(listener: Listener, signal: AbortSignal): Promise<void> {
  let wait_ms = FIRST_WAIT_MS;
  while (!signal.aborted) {
    try {
      const response = await ask('/api/v1/events', signal, 'text/event-stream');
      listener.connected(true);
      wait_ms = FIRST_WAIT_MS;
      await follow(response, listener);
    } catch {
      // Whatever ended it: it is asked for again, and what is shown says so meanwhile.
    }
    if (signal.aborted) return;
    listener.connected(false);
    await pause(wait_ms, signal);
    wait_ms = Math.min(wait_ms * 2, LONGEST_WAIT_MS);
  }
}

async function follow(response: Response, listener: Listener): Promise<void> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  const decoder = new TextDecoder();
  const read = eventReader();
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    for (const { event, data } of read(decoder.decode(step.value, { stream: true })))
      if (event === 'release' || event === 'run') listener.event({ event, data: JSON.parse(data) } as ServerEvent);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const over = (): void => {
      clearTimeout(timer);
      window.removeEventListener('online', over);
      signal.removeEventListener('abort', over);
      done();
    };
    const timer = setTimeout(over, ms);
    window.addEventListener('online', over);
    signal.addEventListener('abort', over);
  });
}
