import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { DataflowError } from '../../core/errors/dataflow-error.ts';

/** Large enough that calls cost nothing, small enough to stay in the processor's cache from read to hash to scan. */
const CHUNK_BYTES = 512 * 1024;

/**
 * A file as its raw bytes, read once from front to end, hashed on the way. The buffer is reused: a chunk is valid only
 * until the next call. Reading is synchronous on purpose, a promise per chunk costs more than the read; the caller keeps
 * large files off the main thread.
 */
export class RawReader {
  readonly size_bytes: number;
  readonly #path: string;
  readonly #fd: number;
  readonly #hash = createHash('sha256');
  readonly #buffer: Buffer;
  readonly #signal: AbortSignal | undefined;
  #read_bytes = 0;
  #open = true;

  /** @throws DataflowError E_SOURCE_IO */
  constructor(path: string, signal?: AbortSignal) {
    this.#path = path;
    this.#signal = signal;
    try {
      // Not blocking: a FIFO that took the place of the file must not hang the run.
      this.#fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    } catch (error) {
      throw unreadable(path, error);
    }
    const stat = fstatSync(this.#fd);
    if (!stat.isFile()) {
      this.close();
      throw new DataflowError('E_SOURCE_IO', `${path} is not a regular file`, { place: { file: path } });
    }
    this.size_bytes = stat.size;
    this.#buffer = Buffer.allocUnsafeSlow(Math.min(stat.size + 1, CHUNK_BYTES));
  }

  /** Bytes read so far. */
  get read_bytes(): number {
    return this.#read_bytes;
  }

  /** The next chunk, or undefined at the end. */
  next(): Buffer | undefined {
    this.#signal?.throwIfAborted();
    let count: number;
    try {
      count = readSync(this.#fd, this.#buffer, 0, this.#buffer.length, null);
    } catch (error) {
      throw unreadable(this.#path, error);
    }
    if (count === 0) return undefined;
    const chunk = this.#buffer.subarray(0, count);
    this.#hash.update(chunk);
    this.#read_bytes += count;
    return chunk;
  }

  /** Reads what is left, hashing only, and answers the hash of the whole file. */
  finish(): string {
    while (this.next() !== undefined);
    return this.#hash.digest('hex');
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#fd);
  }
}

function unreadable(path: string, error: unknown): DataflowError {
  const reason = error instanceof Error ? error.message : String(error);
  return new DataflowError('E_SOURCE_IO', `${path} cannot be read: ${reason}`, { place: { file: path }, cause: error });
}
