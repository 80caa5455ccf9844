import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { askGuarded, readerEnvironment, residentBytes } from '../../kit/reader-process.ts';
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
    const began_ms = Date.now();
    const { what, option, seconds_max, memory_bytes_max } = limits;
    const answer = (await askGuarded(this.#child, {
      question,
      watch_ms: WATCH_MS,
      signal,
      watch: () => {
        if (residentBytes(this.#child.pid) > memory_bytes_max)
          return unsafe(`${what} needed more than ${sizeText(memory_bytes_max)} of memory`);
        const is_late = Date.now() - began_ms > (seconds_max + more) * 1000;
        return is_late ? unsafe(`${what} took longer than ${seconds_max} s (${option})`) : undefined;
      },
      gone: () => !this.alive,
      ended: () => unsafe(`the process that read it ${this.#gone ?? 'ended'} at ${what}`),
      aborted: () => signal?.reason,
      kill: () => this.kill(),
    })) as ReaderAnswer;
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
