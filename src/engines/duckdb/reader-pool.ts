import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { FILE_LIMITS } from '../../core/model/project.ts';
import type { Column } from '../../core/model/table.ts';
import type { ParseRequest, ParseResult, ReaderUsage, ReadLimits } from '../../core/ports/engine.ts';
import type { InferRequest } from './infer.ts';
import { Reader, readerError, tooMuchMemory } from './reader.ts';
import type { ReaderAnswer, ReaderQuestion } from './reader-messages.ts';

/** Where nothing else is said. */
const DEFAULT_LIMITS: ReadLimits = {
  seconds_max: FILE_LIMITS.file_seconds_max,
  memory_bytes_max: FILE_LIMITS.file_memory_max_bytes,
};
/** Part of a reader's memory that its engine may plan with; the rest is the program itself. */
const ENGINE_SHARE = 0.75;

export interface PoolOptions {
  /** The reader's program. */
  readonly entry: string;
  readonly settings: Readonly<Record<string, string>>;
  /** The engine's own memory limit: no reader gets more. */
  readonly memory_bytes: number;
  readonly temp_folder: string;
}

interface Started {
  readonly reader: Reader;
  readonly memory_bytes_max: number;
  readonly spill_folder: string;
}

/** Reader processes: started when the first untrusted file comes, kept for the next one, replaced when they are lost. */
export class ReaderPool {
  readonly #options: PoolOptions;
  readonly #idle: Started[] = [];
  readonly #all: Reader[] = [];

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** @throws DataflowError E_READER when these files cannot be read safely; errors that are not theirs as they are. */
  async parse(request: ParseRequest, signal?: AbortSignal): Promise<ParseResult> {
    try {
      const { parsed } = await this.#ask({ kind: 'parse', request }, signal);
      if (parsed !== undefined) return parsed;
      throw readerError('the process that read it gave no answer');
    } catch (error) {
      // A reader that was killed could not take back what it had begun to write.
      await Promise.all(
        [request.target.folder, request.reject_folder].map((folder) => rm(folder, { recursive: true, force: true })),
      );
      throw error;
    }
  }

  async infer(request: InferRequest, signal?: AbortSignal): Promise<readonly Column[]> {
    const { inferred } = await this.#ask({ kind: 'infer', request }, signal);
    if (inferred === undefined) throw readerError('the process that read it gave no answer');
    return inferred;
  }

  usage(): ReaderUsage {
    return {
      cpu_ms: this.#all.reduce((sum, reader) => sum + reader.cpu_ms, 0),
      peak_memory_bytes: Math.max(0, ...this.#all.map((reader) => reader.peak_memory_bytes)),
    };
  }

  async close(): Promise<void> {
    for (const started of this.#idle.splice(0)) await this.#discard(started);
  }

  async #ask(question: ReaderQuestion, signal: AbortSignal | undefined): Promise<ReaderAnswer> {
    if (signal?.aborted === true) throw new DataflowError('E_ENGINE_INTERRUPTED', 'the engine was interrupted');
    const wanted = question.request.limits ?? DEFAULT_LIMITS;
    const limits = { ...wanted, memory_bytes_max: Math.min(wanted.memory_bytes_max, this.#options.memory_bytes) };
    const started = this.#take(limits.memory_bytes_max);
    let keep = false;
    try {
      const answer = await started.reader.ask(question, limits, signal);
      // After a failure of its own the engine is not to be trusted.
      keep =
        answer.failure === undefined || !['E_ENGINE', 'E_ENGINE_LOST', 'E_ENGINE_MEMORY'].includes(answer.failure.code);
      if (answer.failure !== undefined) throw failureOf(answer.failure, limits);
      return answer;
    } finally {
      if (keep && started.reader.alive) this.#idle.push(started);
      else await this.#discard(started);
    }
  }

  #take(memory_bytes_max: number): Started {
    const index = this.#idle.findIndex((one) => one.memory_bytes_max === memory_bytes_max && one.reader.alive);
    const [kept] = index < 0 ? [] : this.#idle.splice(index, 1);
    if (kept !== undefined) return kept;
    const spill_folder = join(this.#options.temp_folder, `spill-reader-${randomUUID()}`);
    const memory_limit = `${Math.floor((memory_bytes_max * ENGINE_SHARE) / 2 ** 20)}MiB`;
    const settings = { ...this.#options.settings, memory_limit, temp_directory: spill_folder };
    const reader = new Reader(this.#options.entry, { settings }, memory_bytes_max);
    this.#all.push(reader);
    return { reader, memory_bytes_max, spill_folder };
  }

  async #discard({ reader, spill_folder }: Started): Promise<void> {
    reader.kill();
    await rm(spill_folder, { recursive: true, force: true });
  }
}

/** Full disks and too many rejects are not a matter of safety; whatever else the engine says of untrusted files is. */
function failureOf({ code, message }: NonNullable<ReaderAnswer['failure']>, limits: ReadLimits): DataflowError {
  if (code === 'E_ENGINE_MEMORY') return tooMuchMemory(limits.memory_bytes_max);
  if (code === 'E_LAKE_IO' || code === 'E_REJECTS_LIMIT' || code === 'E_SOURCE_IO')
    return new DataflowError(code, message);
  return readerError(message);
}

/** The reader's program beside the bundle, or one folder up when the bundler put this code into a chunk; absent in a source tree. */
export function findReader(): string | undefined {
  return [new URL('./reader-process.js', import.meta.url), new URL('../reader-process.js', import.meta.url)]
    .filter((url) => url.protocol === 'file:')
    .map((url) => fileURLToPath(url))
    .find((path) => existsSync(path));
}
