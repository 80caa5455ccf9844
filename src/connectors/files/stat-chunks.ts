import { statSync } from 'node:fs';

/** What two threads share while they stat the files of one folder. */
export interface StatTask {
  /** With the separator at its end. */
  readonly folder: string;
  /** File names, `/` between them (no name holds one). */
  readonly names: string;
  /** Int32: [next name to stat, chunks that the other thread has finished]. */
  readonly control: SharedArrayBuffer;
  /** BigInt64, three a name: size, mtime in ns, inode; a size of -1 means that it is no regular file any more. */
  readonly stamps: SharedArrayBuffer;
}

/** Names taken at a time: about 2 ms of work. */
export const CHUNK = 512;

/** Takes chunks of names until none is left, and calls `finished` after each. */
export function statChunks(
  { folder, control, stamps }: StatTask,
  names: readonly string[],
  finished: () => void,
): void {
  const next = new Int32Array(control);
  const out = new BigInt64Array(stamps);
  for (let from = Atomics.add(next, 0, CHUNK); from < names.length; from = Atomics.add(next, 0, CHUNK)) {
    for (let at = from; at < Math.min(from + CHUNK, names.length); at++) {
      const stat = statSync(folder + names[at], { bigint: true, throwIfNoEntry: false });
      out[3 * at] = stat?.isFile() === true ? stat.size : -1n;
      out[3 * at + 1] = stat?.mtimeNs ?? 0n;
      out[3 * at + 2] = BigInt.asIntN(64, stat?.ino ?? 0n);
    }
    finished();
  }
}
