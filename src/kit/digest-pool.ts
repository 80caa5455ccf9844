import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type DigestJob, type DigestNews, type DigestWork, digestFile, type FileDigest } from './digest-file.ts';

export interface DigestOptions {
  readonly signal?: AbortSignal;
  /** Hears how many bytes more were read. */
  readonly tell?: (bytes: number) => void;
  /** The worker's program; without one everything is hashed in this thread. */
  readonly worker_url?: URL | undefined;
}

const THREADS_MAX = 8;
/** Below this the start of a thread would cost more than it saves. */
const INLINE_BYTES = 16 * 1024 * 1024;
const BATCH_BYTES = 8 * 1024 * 1024;
const BATCH_FILES = 64;

/** Hashes files on every core, the largest first. A file that cannot be read has an `error` instead of a hash; order is that of the jobs. */
export async function digestFiles(
  jobs: readonly DigestJob[],
  options: DigestOptions = {},
): Promise<readonly FileDigest[]> {
  const total = jobs.reduce((sum, job) => sum + job.size_bytes, 0);
  const worker_url = 'worker_url' in options ? options.worker_url : findWorker();
  const found =
    worker_url === undefined || total < INLINE_BYTES
      ? await digestHere(jobs, options)
      : await digestInWorkers(batches(jobs), worker_url, options);
  return jobs.map(({ path }) => found.get(path) ?? { path, size_bytes: 0, error: 'not read' });
}

/** The bundled worker lies beside the bundle. */
function findWorker(): URL | undefined {
  const url = new URL('./digest-worker.js', import.meta.url);
  return url.protocol === 'file:' && existsSync(url) ? url : undefined;
}

async function digestHere(
  jobs: readonly DigestJob[],
  { signal, tell }: DigestOptions,
): Promise<ReadonlyMap<string, FileDigest>> {
  const found = new Map<string, FileDigest>();
  for (const { path } of jobs) {
    signal?.throwIfAborted();
    found.set(
      path,
      digestFile(path, (bytes) => tell?.(bytes)),
    );
    await nextTurn();
  }
  return found;
}

/** Small files go together; a large one goes alone, and first. */
function batches(jobs: readonly DigestJob[]): DigestJob[][] {
  const made: DigestJob[][] = [];
  let open: DigestJob[] = [];
  let bytes = 0;
  for (const job of [...jobs].sort((a, b) => b.size_bytes - a.size_bytes)) {
    if (open.length > 0 && (bytes + job.size_bytes > BATCH_BYTES || open.length >= BATCH_FILES)) {
      made.push(open);
      open = [];
      bytes = 0;
    }
    open.push(job);
    bytes += job.size_bytes;
  }
  if (open.length > 0) made.push(open);
  return made;
}

/** Each thread takes the next batch by itself: this thread may be busy meanwhile. */
async function digestInWorkers(
  batches: readonly (readonly DigestJob[])[],
  url: URL,
  { signal, tell }: DigestOptions,
): Promise<ReadonlyMap<string, FileDigest>> {
  const found = new Map<string, FileDigest>();
  const workers: Worker[] = [];
  const work: DigestWork = { batches, taken: new Int32Array(new SharedArrayBuffer(4)) };
  const runOne = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(url, { workerData: work });
      workers.push(worker);
      worker.on('message', ({ digest, bytes, done }: DigestNews) => {
        if (digest !== undefined) found.set(digest.path, digest);
        if (bytes !== undefined) tell?.(bytes);
        if (done === true) resolve();
      });
      worker.on('error', reject);
      worker.on('exit', () => reject(new Error('a hashing thread ended early')));
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  try {
    signal?.throwIfAborted();
    const threads = Math.min(availableParallelism(), THREADS_MAX, batches.length);
    await Promise.all(Array.from({ length: threads }, runOne));
    return found;
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
