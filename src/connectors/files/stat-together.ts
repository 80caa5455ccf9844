import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { CHUNK, type StatTask, statChunks } from './stat-chunks.ts';

/** What identifies a file's state without opening it. */
export interface FileStamp {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  /** For files of a place what else tells one state from another. */
  readonly ino: bigint | string;
}

/** The stamp of the file with this index; undefined for what is no regular file any more. */
export type StampOf = (index: number) => FileStamp | undefined;

/** From this many files on they are stated one after the other, and held against what is known as a whole. */
export const STAT_TOGETHER_MIN = 2_000;
/** Below this a second thread costs more than it saves. */
const SECOND_THREAD_MIN = 20_000;

/**
 * Stats many files of one folder, the more of them on two threads: half the wall time of one, and a hundred thousand stats are most of what
 * a run with nothing to do costs. Without the worker's file beside the program it is done alone.
 * @param folder absolute, with the separator at its end.
 * @param meanwhile what this thread has to do anyway, before it takes its share.
 * @returns by index; undefined for what is no regular file any more. Valid at once: it waits for the other thread.
 */
export function statTogether(
  folder: string,
  names: readonly string[],
  meanwhile: () => void = () => undefined,
  url: URL | null = names.length < SECOND_THREAD_MIN ? null : workerUrl(),
): StampOf {
  const task: StatTask = {
    folder,
    names: names.join('/'),
    control: new SharedArrayBuffer(8),
    stamps: new SharedArrayBuffer(names.length * 24),
  };
  const worker = url === null ? undefined : new Worker(url, { workerData: task });
  worker?.unref();
  // What fails before it took a chunk leaves all of them to this thread; what fails later is seen below.
  worker?.on('error', () => undefined);
  meanwhile();
  let own = 0;
  statChunks(task, names, () => {
    own += 1;
  });
  if (!othersDone(task, Math.ceil(names.length / CHUNK) - own)) return statTogether(folder, names, undefined, null);
  const stamps = new BigInt64Array(task.stamps);
  return (index) => {
    const size = stamps[3 * index] ?? -1n;
    if (size < 0n) return undefined;
    return { size, mtimeNs: stamps[3 * index + 1] ?? 0n, ino: BigInt.asUintN(64, stamps[3 * index + 2] ?? 0n) };
  };
}

/** A chunk takes about 2 ms; a disk may sleep. */
const OTHER_WAIT_MS = 30_000;

/** Waits until the other thread has finished the chunks that it took; false when it did not. */
function othersDone({ control }: StatTask, chunks: number): boolean {
  const shared = new Int32Array(control);
  for (;;) {
    const finished = Atomics.load(shared, 1);
    if (finished >= chunks) return true;
    if (Atomics.wait(shared, 1, finished, OTHER_WAIT_MS) === 'timed-out') return false;
  }
}

function workerUrl(): URL | null {
  const url = new URL('./stat-worker.js', import.meta.url);
  return existsSync(url) ? url : null;
}
