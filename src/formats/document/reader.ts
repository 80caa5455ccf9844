import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { readerEnvironment, residentBytes } from '../../kit/reader-process.ts';
import { sizeText } from '../../kit/units.ts';
import { UnitFault } from '../stream/unit-fault.ts';
import type { ReaderAnswer, ReaderQuestion, ReaderSetup } from './reader-messages.ts';

const WATCH_MS = 100;
/** More time for the first page: until then the recogniser is not ready. */
const START_SECONDS = 60;

export interface ReaderLimits {
  readonly seconds_max: number;
  readonly memory_bytes_max: number;
  /** What takes the time, for the message: `page 3`. */
  readonly what: string;
  /** The option that bounds it. */
  readonly option: string;
}

/** A process that reads documents nobody vouches for, and the watch over it: what makes it crash, run away or swell ends it alone. */
export class DocumentReader {
  readonly #child: ChildProcess;
  #gone: string | undefined;
  #has_read = false;

  constructor(entry: string, setup: ReaderSetup) {
    this.#child = fork(entry, [JSON.stringify(setup)], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: [],
      env: readerEnvironment(),
    });
    this.#child.once('exit', (code, signal) => {
      this.#gone ??= signal === null ? `ended with status ${code}` : `crashed with ${signal}`;
    });
    this.#child.once('error', (error) => {
      this.#gone ??= `could not be started: ${error.message}`;
    });
  }

  get alive(): boolean {
    return this.#gone === undefined;
  }

  /**
   * @throws UnitFault when the document is to blame: it is damaged, or the process crashed over it, took too long or too much memory; the reason of an
   *   aborted signal; DataflowError E_READER when something else is.
   */
  async ask(question: ReaderQuestion, limits: ReaderLimits, signal: AbortSignal | undefined): Promise<ReaderAnswer> {
    signal?.throwIfAborted();
    const more = question.kind === 'page' && !this.#has_read ? START_SECONDS : 0;
    const answer = await new Promise<ReaderAnswer>((resolve, reject) => {
      const child = this.#child;
      const began_ms = Date.now();
      const settle = (act: () => void): void => {
        clearInterval(watch);
        child.off('message', onMessage).off('exit', onExit).off('error', onExit);
        signal?.removeEventListener('abort', onAbort);
        child.unref();
        child.channel?.unref();
        act();
      };
      const give_up = (reason: unknown): void => {
        this.kill();
        settle(() => reject(reason));
      };
      const onMessage = (told: unknown): void => settle(() => resolve(told as ReaderAnswer));
      const onExit = (): void =>
        settle(() => reject(unsafe(`the process that read it ${this.#gone ?? 'ended'} at ${limits.what}`)));
      const onAbort = (): void => give_up(signal?.reason);
      const watch = setInterval(() => {
        const { what, option, seconds_max, memory_bytes_max } = limits;
        if (residentBytes(child.pid) > memory_bytes_max)
          give_up(unsafe(`${what} needed more than ${sizeText(memory_bytes_max)} of memory`));
        else if (Date.now() - began_ms > (seconds_max + more) * 1000)
          give_up(unsafe(`${what} took longer than ${seconds_max} s (${option})`));
      }, WATCH_MS);
      child.on('message', onMessage).on('exit', onExit).on('error', onExit);
      signal?.addEventListener('abort', onAbort, { once: true });
      child.ref();
      child.channel?.ref();
      if (this.#gone !== undefined) onExit();
      else child.send(question, (error) => (error === null ? undefined : onExit()));
    });
    this.#has_read ||= question.kind === 'page';
    const { problem, failure } = answer;
    if (problem !== undefined) throw new UnitFault(problem.rule, problem.reason);
    if (failure !== undefined) throw new DataflowError('E_READER', `reading a document failed: ${failure}`);
    return answer;
  }

  kill(): void {
    this.#gone ??= 'was stopped';
    this.#child.kill('SIGKILL');
  }
}

function unsafe(reason: string): UnitFault {
  return new UnitFault('unsafe_file', reason);
}

/** The reader's program beside the bundle; absent in a source tree. */
export function findReader(): string | undefined {
  return [new URL('./document-process.js', import.meta.url), new URL('../document-process.js', import.meta.url)]
    .filter((url) => url.protocol === 'file:')
    .map((url) => fileURLToPath(url))
    .find((path) => existsSync(path));
}
