import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';

const PAGE_BYTES = 4096;

/** The environment of a process that reads files: nothing but what Node needs, and the fault points that are meant for readers. */
export function readerEnvironment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, LD_LIBRARY_PATH, DATAFLOW_FAULT, SystemRoot } = process.env;
  const fault = DATAFLOW_FAULT?.startsWith('reader-') === true ? { DATAFLOW_FAULT } : {};
  const all = { PATH, HOME, TMPDIR, LD_LIBRARY_PATH, SystemRoot, ...more, ...fault };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** Resident set of a process; 0 where the system does not tell it in `/proc`. */
export function residentBytes(pid: number | undefined): number {
  if (pid === undefined || process.platform !== 'linux') return 0;
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1] ?? 0) * PAGE_BYTES;
  } catch {
    return 0;
  }
}

/** One question to a process that may crash, run away or swell over it. What the callbacks give is what the asking is refused with. */
export interface GuardedQuestion {
  readonly question: object;
  readonly watch_ms: number;
  readonly signal: AbortSignal | undefined;
  /** Looked at every `watch_ms`: an error ends the process. */
  watch(): Error | undefined;
  /** True once the process is gone. */
  gone(): boolean;
  /** The process ended without an answer. */
  ended(): Error;
  /** The signal was aborted. */
  aborted(): unknown;
  kill(): void;
}

/** Asks a process once. It keeps the program alive only as long as the answer is awaited. */
export function askGuarded(child: ChildProcess, guarded: GuardedQuestion): Promise<unknown> {
  const { question, watch_ms, signal } = guarded;
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      clearInterval(watch);
      child.off('message', onMessage).off('exit', onExit).off('error', onExit);
      signal?.removeEventListener('abort', onAbort);
      child.unref();
      child.channel?.unref();
      act();
    };
    const giveUp = (reason: unknown): void => {
      guarded.kill();
      settle(() => reject(reason));
    };
    const onMessage = (answer: unknown): void => settle(() => resolve(answer));
    const onExit = (): void => settle(() => reject(guarded.ended()));
    const onAbort = (): void => giveUp(guarded.aborted());
    const watch = setInterval(() => {
      const found = guarded.watch();
      if (found !== undefined) giveUp(found);
    }, watch_ms);
    child.on('message', onMessage).on('exit', onExit).on('error', onExit);
    signal?.addEventListener('abort', onAbort, { once: true });
    child.ref();
    child.channel?.ref();
    if (guarded.gone()) onExit();
    else child.send(question, (error) => (error === null ? undefined : onExit()));
  });
}
