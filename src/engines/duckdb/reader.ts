import { type ChildProcess, spawn } from 'node:child_process';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { ReadLimits } from '../../core/ports/engine.ts';
import { askGuarded, readerEnvironment, residentBytes } from '../../kit/reader-process.ts';
import { sizeText } from '../../kit/units.ts';
import type { ReaderAnswer, ReaderQuestion, ReaderSetup } from './reader-messages.ts';

const WATCH_MS = 50;
/** Within this time a reader has to be there. */
const START_MS_MAX = 60_000;
/** Address space that the program, its libraries and its threads take beside the engine's data: beyond it the system refuses memory. */
const BACKSTOP_BYTES = 768 * 1024 * 1024;

/** One reader process and the watch over it. */
export class Reader {
  readonly #child: ChildProcess;
  readonly #memory_bytes_max: number;
  #cpu_ms = 0;
  #peak_bytes = 0;
  #gone: string | undefined;
  readonly #ready: Promise<void>;

  constructor(entry: string, setup: ReaderSetup, memory_bytes_max: number) {
    this.#memory_bytes_max = memory_bytes_max;
    const args = [entry, JSON.stringify(setup)];
    const options = {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'] as ('ignore' | 'ipc')[],
      serialization: 'advanced' as const,
      env: readerEnvironment({ MALLOC_ARENA_MAX: '4' }),
    };
    const kilobytes = Math.ceil((memory_bytes_max + BACKSTOP_BYTES) / 1024);
    // The shell lowers the limit for itself and becomes the reader; where it cannot, the watch alone must do.
    const limited = `ulimit -c 0 2>/dev/null; ulimit -d ${kilobytes} 2>/dev/null; exec "$0" "$@"`;
    this.#child =
      process.platform === 'win32'
        ? spawn(process.execPath, args, options)
        : spawn('/bin/sh', ['-c', limited, process.execPath, ...args], options);
    this.#child.once('exit', (code, signal) => {
      this.#gone = signal === null ? `ended with status ${code}` : `crashed with ${signal}`;
    });
    this.#child.once('error', (error) => {
      this.#gone = `could not be started: ${error.message}`;
    });
    this.#ready = new Promise((resolve) => {
      const child = this.#child;
      const timer = setTimeout(() => this.kill(), START_MS_MAX);
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      child.once('message', done).once('exit', done).once('error', done);
    });
  }

  get alive(): boolean {
    return this.#gone === undefined;
  }

  get cpu_ms(): number {
    return this.#cpu_ms;
  }

  get peak_memory_bytes(): number {
    return this.#peak_bytes;
  }

  /**
   * The answer to one question, within the limits.
   * @throws DataflowError E_READER when the process crashed, took too long or too much memory; E_ENGINE_INTERRUPTED after an abort.
   */
  async ask(question: ReaderQuestion, limits: ReadLimits, signal: AbortSignal | undefined): Promise<ReaderAnswer> {
    await this.#ready;
    if (signal?.aborted === true) throw new DataflowError('E_ENGINE_INTERRUPTED', 'the engine was interrupted');
    const began_ms = Date.now();
    const answer = (await askGuarded(this.#child, {
      question,
      watch_ms: WATCH_MS,
      signal,
      watch: () => {
        const bytes = residentBytes(this.#child.pid);
        this.#peak_bytes = Math.max(this.#peak_bytes, bytes);
        if (bytes > this.#memory_bytes_max) return tooMuchMemory(this.#memory_bytes_max);
        const is_late = Date.now() - began_ms > limits.seconds_max * 1000;
        return is_late ? readerError(`reading it took longer than ${limits.seconds_max} s`) : undefined;
      },
      gone: () => !this.alive,
      ended: () => readerError(`the process that read it ${this.#gone ?? 'ended'}`),
      aborted: () => new DataflowError('E_ENGINE_INTERRUPTED', 'the engine was interrupted'),
      kill: () => this.kill(),
    })) as ReaderAnswer;
    this.#cpu_ms = answer.cpu_ms;
    this.#peak_bytes = Math.max(this.#peak_bytes, answer.peak_memory_bytes);
    return answer;
  }

  kill(): void {
    this.#gone ??= 'was stopped';
    this.#child.kill('SIGKILL');
  }
}

/** Reading a file was not safe, or not possible. */
export function readerError(message: string): DataflowError {
  return new DataflowError('E_READER', message);
}

export function tooMuchMemory(bytes: number): DataflowError {
  return readerError(`reading it needed more than ${sizeText(bytes)} of memory`);
}
