import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { ErrorCode } from '../core/errors/catalogue.ts';
import { DataflowError, type Place } from '../core/errors/dataflow-error.ts';
import type { FormatInspector, FormatInspectors, InspectRequest } from '../core/ports/format.ts';
import type { Inspection } from '../core/ports/source.ts';
import { inspectors } from './inspectors.ts';
import { unsafeUnit } from './unsafe-unit.ts';

/** What a worker is asked. */
export interface InspectQuestion {
  readonly request: InspectRequest;
}

/** What it answers. */
export interface InspectAnswer {
  readonly inspection?: Inspection;
  readonly failure?: { readonly code: ErrorCode; readonly message: string; readonly place?: Place };
}

/** Below this a file is inspected on the spot: the message to a worker would cost more than the work. */
const INLINE_BYTES = 1024 * 1024;
/** A compressed file expands by up to a thousand, so less of it is done on the spot. */
const INLINE_COMPRESSED_BYTES = 64 * 1024;
const WORKERS_MAX = 2;
/** Far above what an inspection needs; a damaged file that claims more ends its worker, not the process. */
const WORKER = { resourceLimits: { maxOldGenerationSizeMb: 512 } };

/**
 * Inspectors that keep large files off the main thread: a few worker threads, started when the first large file comes, that never keep
 * the process alive by themselves. Without the worker's file beside the program everything runs on the spot.
 */
export function pooledInspectors(worker_url: URL | undefined = findWorker()): FormatInspectors {
  if (worker_url === undefined) return inspectors;
  const pool = new Pool(worker_url);
  const pooled = (format: keyof FormatInspectors): FormatInspector => ({
    ...inspectors[format],
    inspect: (request, signal) =>
      isSmall(request) ? inspectors[format].inspect(request, signal) : pool.inspect(request, signal),
  });
  const names = Object.keys(inspectors) as (keyof FormatInspectors)[];
  return Object.fromEntries(names.map((format) => [format, pooled(format)])) as FormatInspectors;
}

/** The bundled worker lies beside the bundle, or one folder up when the bundler put this code into a chunk. */
function findWorker(): URL | undefined {
  return [new URL('./inspect-worker.js', import.meta.url), new URL('../inspect-worker.js', import.meta.url)].find(
    (url) => url.protocol === 'file:' && existsSync(url),
  );
}

/**
 * zstd always goes to a worker: its decoder keeps its memory after damaged input, and a worker can be replaced. So does Parquet, whose
 * damaged footers can claim gigabytes.
 */
function isSmall({ unit }: InspectRequest): boolean {
  // Documents have processes of their own.
  if (unit.made_from === 'document') return true;
  if (unit.compression === 'zstd' || unit.format === 'parquet') return false;
  const packed = unit.compression !== 'none' || unit.made_from === 'xlsx' || unit.made_from === 'avro';
  return unit.size_bytes < (packed ? INLINE_COMPRESSED_BYTES : INLINE_BYTES);
}

interface Job {
  readonly request: InspectRequest;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (inspection: Inspection) => void;
  readonly reject: (reason: unknown) => void;
}

class Pool {
  readonly #url: URL;
  readonly #idle: Worker[] = [];
  readonly #waiting: Job[] = [];
  #busy = 0;

  constructor(url: URL) {
    this.#url = url;
  }

  inspect(request: InspectRequest, signal: AbortSignal | undefined): Promise<Inspection> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, signal, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    if (this.#busy >= WORKERS_MAX) return;
    const job = this.#waiting.shift();
    if (job === undefined) return;
    if (job.signal?.aborted === true) {
      job.reject(job.signal.reason);
      this.#next();
      return;
    }
    this.#busy += 1;
    this.#run(this.#idle.pop() ?? new Worker(this.#url, WORKER), job);
  }

  #run(worker: Worker, job: Job): void {
    const done = (keep: boolean, settle: () => void): void => {
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      job.signal?.removeEventListener('abort', onAbort);
      clearTimeout(timer);
      this.#busy -= 1;
      worker.unref();
      if (keep) this.#idle.push(worker);
      else void worker.terminate();
      settle();
      this.#next();
    };
    const onMessage = (answer: InspectAnswer): void => {
      const keep =
        answer.inspection?.problem?.rule !== 'damaged_zstd' && answer.inspection?.problem?.rule !== 'expansion_limit';
      done(keep, () => settleJob(job, answer));
    };
    const unsafe = (reason: string): void =>
      done(false, () => void unsafeUnit(job.request, reason, job.signal).then(job.resolve, job.reject));
    const onError = (error: Error & { readonly code?: string }): void => {
      if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') unsafe('its inspection needed too much memory');
      else
        done(false, () =>
          job.reject(
            new DataflowError('E_INTERNAL', `the inspection of ${job.request.unit.path} failed: ${error.message}`, {
              cause: error,
            }),
          ),
        );
    };
    const onExit = (): void =>
      done(false, () =>
        job.reject(new DataflowError('E_INTERNAL', `the inspection of ${job.request.unit.path} ended early`)),
      );
    const onAbort = (): void => done(false, () => job.reject(job.signal?.reason));
    const { seconds_max } = job.request;
    const timer =
      seconds_max === undefined
        ? undefined
        : setTimeout(() => unsafe(`its inspection took longer than ${seconds_max} s`), seconds_max * 1000);
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
    job.signal?.addEventListener('abort', onAbort, { once: true });
    worker.ref();
    worker.postMessage({ request: job.request } satisfies InspectQuestion);
  }
}

function settleJob(job: Job, answer: InspectAnswer): void {
  if (answer.inspection !== undefined) job.resolve(answer.inspection);
  else if (answer.failure !== undefined) {
    const { code, message, place } = answer.failure;
    job.reject(new DataflowError(code, message, place === undefined ? {} : { place }));
  } else job.reject(new DataflowError('E_INTERNAL', `no answer about ${job.request.unit.path}`));
}
