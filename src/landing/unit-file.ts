import { createHash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import { faultPoint } from '../kit/fault.ts';
import { noSpace, type SpaceWatch } from './space.ts';

/** Bytes that are gathered before they go to the disk. */
const CHUNK_BYTES = 256 * 1024;

/** A file that grows by whole records: hashed on the way, made durable at the end. */
export class UnitFile {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #space: SpaceWatch;
  readonly #hash = createHash('sha256');
  readonly #chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  #filled = 0;
  #size_bytes = 0;
  /** Writes that are not done yet. */
  #waiting = 0;
  /** One write after the other, whatever the caller does. */
  #before: Promise<void> = Promise.resolve();

  private constructor(path: string, handle: FileHandle, space: SpaceWatch) {
    this.path = path;
    this.#handle = handle;
    this.#space = space;
  }

  static async create(path: string, space: SpaceWatch): Promise<UnitFile> {
    return new UnitFile(path, await open(path, 'w', 0o600).catch(ioError), space);
  }

  get size_bytes(): number {
    return this.#size_bytes;
  }

  /** The bytes may be used again once this has resolved. */
  write(bytes: Uint8Array): Promise<void> {
    this.#size_bytes += bytes.length;
    if (this.#waiting === 0 && this.#gather(bytes)) return this.#before;
    this.#waiting += 1;
    this.#before = this.#before.then(() => this.#append(bytes));
    return this.#before;
  }

  /** True when the bytes fit among those that wait to be written. */
  #gather(bytes: Uint8Array): boolean {
    if (this.#filled + bytes.length > CHUNK_BYTES) return false;
    this.#chunk.set(bytes, this.#filled);
    this.#filled += bytes.length;
    return true;
  }

  async #append(bytes: Uint8Array): Promise<void> {
    if (!this.#gather(bytes)) {
      await this.#flush();
      if (!this.#gather(bytes)) await this.#put(bytes);
    }
    this.#waiting -= 1;
  }

  async #flush(): Promise<void> {
    const filled = this.#filled;
    this.#filled = 0;
    if (filled > 0) await this.#put(this.#chunk.subarray(0, filled));
  }

  /** What goes to the disk is what is hashed, whatever a caller does with its memory; both at the same time. */
  async #put(bytes: Uint8Array): Promise<void> {
    await this.#space.take(bytes.length);
    const written = writeAll(this.#handle, bytes);
    this.#hash.update(bytes);
    await written;
  }

  /** Everything on the disk, for good. @throws DataflowError E_LAKE_FSYNC, E_LAKE_IO. */
  async seal(): Promise<{ readonly sha256: string; readonly size_bytes: number }> {
    await this.#before;
    await this.#flush();
    faultPoint('landing-before-fsync');
    // Asked once: after a failure a second fsync may claim success although pages were dropped.
    await this.#handle.sync().catch((cause: unknown) => {
      throw new DataflowError('E_LAKE_FSYNC', 'cannot make a landed unit durable', { cause });
    });
    await this.#handle.close();
    return { sha256: this.#hash.digest('hex'), size_bytes: this.#size_bytes };
  }

  async abandon(): Promise<void> {
    await this.#before.catch(() => undefined);
    await this.#handle.close().catch(() => undefined);
    await rm(this.path, { force: true });
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, at, bytes.length - at).catch(ioError);
    at += bytesWritten;
  }
}

function ioError(cause: unknown): never {
  const text = cause instanceof Error ? cause.message : String(cause);
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ENOSPC' || code === 'EDQUOT') throw noSpace(`no space is left for the landing folder: ${text}`, cause);
  throw new DataflowError('E_LAKE_IO', `cannot write to the landing folder: ${text}`, { cause });
}
