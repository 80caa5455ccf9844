import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

/** A file to hash. The size only divides the work. */
export interface DigestJob {
  readonly path: string;
  readonly size_bytes: number;
}

/** SHA-256 and size of a file's bytes as they are, or why they could not be read (`ENOENT`, `EIO`, …). */
export interface FileDigest {
  readonly path: string;
  readonly size_bytes: number;
  readonly sha256?: string;
  readonly error?: string;
}

/** What a worker says: a file is done, so many bytes more were read, no batch is left. */
export interface DigestNews {
  readonly digest?: FileDigest;
  readonly bytes?: number;
  readonly done?: true;
}

/** What the workers share: all batches, and how many of them are taken. */
export interface DigestWork {
  readonly batches: readonly (readonly DigestJob[])[];
  readonly taken: Int32Array;
}

/** Fits into a core's own cache, so that the hash finds what was just read there. */
const CHUNK_BYTES = 256 * 1024;
const TELL_EVERY_BYTES = 64 * 1024 * 1024;
const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);

/** Hashes one file in this thread; `tell` hears of each 64 MB. Never throws. */
export function digestFile(path: string, tell: (bytes: number) => void): FileDigest {
  let size_bytes = 0;
  let told = 0;
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const hash = createHash('sha256');
    for (;;) {
      const read = readSync(file, chunk, 0, CHUNK_BYTES, null);
      if (read === 0) break;
      hash.update(read === CHUNK_BYTES ? chunk : chunk.subarray(0, read));
      size_bytes += read;
      if (size_bytes - told >= TELL_EVERY_BYTES) {
        tell(size_bytes - told);
        told = size_bytes;
      }
    }
    tell(size_bytes - told);
    return { path, size_bytes, sha256: hash.digest('hex') };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return { path, size_bytes, error: code };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
