import type { DuckDBConnection, DuckDBResult, DuckDBResultReader } from '@duckdb/node-api';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { ReadLimits, SessionOptions } from '../../core/ports/engine.ts';
import { type Doing, engineError } from './errors.ts';
import type { SparedCore } from './spared-core.ts';

const TICK_MS = 100;

export interface ConversationOptions extends SessionOptions {
  /** Told when the engine ended by an error of its own: nobody gets an answer of it any more. */
  readonly onLost?: () => void;
  /** Of the session's instance; absent where there is no core to spare. */
  readonly spared?: SparedCore;
}

/** Memory of the process, as it was a moment ago: asking the system takes longer than a short statement, and sessions come and go. */
const FRESH_MS = 20;
const resident = { bytes: 0, until_ms: 0 };

function residentBytes(): number {
  const now_ms = performance.now();
  if (now_ms >= resident.until_ms) {
    resident.bytes = process.memoryUsage.rss();
    resident.until_ms = now_ms + FRESH_MS;
  }
  return resident.bytes;
}

/**
 * A connection that answers to the session's signal: every call is refused after an abort, a running one is interrupted, and what goes
 * wrong comes out as an error of the catalogue. While a call runs, progress is reported and memory is sampled.
 */
export class Conversation {
  readonly connection: DuckDBConnection;
  readonly #options: ConversationOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort: () => void;
  #running = 0;
  #failed = false;
  #peak_bytes = residentBytes();

  constructor(connection: DuckDBConnection, options: ConversationOptions) {
    this.connection = connection;
    this.#options = options;
    this.#onAbort = () => this.#interrupt();
    options.signal?.addEventListener('abort', this.#onAbort);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  /** Highest memory of the whole process since the session began: the engine works in it, and so may other sessions. */
  peakBytes(): number {
    this.#sample();
    return this.#peak_bytes;
  }

  async run(sql: string, doing?: Doing): Promise<void> {
    await this.guard(() => this.connection.run(sql), doing);
  }

  /** The result up to `rows_max` rows or a little more. */
  async read(sql: string, rows_max: number, doing?: Doing): Promise<DuckDBResultReader> {
    return this.guard(() => this.connection.streamAndReadUntil(sql, rows_max), doing);
  }

  /** The whole result, which is known to be small: one call of the engine instead of four. */
  async readSmall(sql: string, doing?: Doing): Promise<DuckDBResultReader> {
    return this.guard(() => this.connection.runAndReadAll(sql), doing);
  }

  async stream(sql: string, doing?: Doing): Promise<DuckDBResult> {
    return this.guard(() => this.connection.stream(sql), doing);
  }

  async guard<T>(work: () => Promise<T>, doing?: Doing): Promise<T> {
    if (this.#options.signal?.aborted) throw interrupted();
    this.#running += 1;
    try {
      return await work();
    } catch (error) {
      this.#failed = true;
      const failure = engineError(error, doing);
      if (failure.code === 'E_ENGINE_LOST') this.#options.onLost?.();
      throw failure;
    } finally {
      this.#running -= 1;
    }
  }

  /** Interrupts the work when it takes longer than the limits allow. @throws DataflowError E_READER then. */
  async within<T>(limits: ReadLimits | undefined, work: () => Promise<T>): Promise<T> {
    if (limits === undefined) return await work();
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#interrupt();
    }, limits.seconds_max * 1000);
    try {
      return await work();
    } catch (error) {
      if (!late || this.#options.signal?.aborted === true) throw error;
      throw new DataflowError('E_READER', `reading it took longer than ${limits.seconds_max} s`);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the conversation; true when nothing went wrong in it and nothing is running. */
  close(): boolean {
    clearInterval(this.#timer);
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    if (this.#running > 0) this.connection.interrupt();
    return this.#running === 0 && !this.#failed;
  }

  #interrupt(): void {
    if (this.#running > 0) this.connection.interrupt();
  }

  #tick(): void {
    this.#sample();
    if (this.#running === 0) return;
    // An interrupt that comes before the engine has begun is lost, so it is repeated.
    if (this.#options.signal?.aborted) this.connection.interrupt();
    if (this.#options.onProgress === undefined) return;
    const { percentage } = this.connection.progress;
    this.#options.onProgress(percentage >= 0 ? { percentage } : {});
  }

  #sample(): void {
    this.#peak_bytes = Math.max(this.#peak_bytes, residentBytes());
  }
}

function interrupted(): DataflowError {
  return new DataflowError('E_ENGINE_INTERRUPTED', 'the engine was interrupted');
}
