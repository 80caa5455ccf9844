import { isUtf8 } from 'node:buffer';
import { type FileHandle, open } from 'node:fs/promises';
import { badBody } from './errors.ts';

/** Read at once; what is longer by itself makes the window grow. */
const WINDOW_BYTES = 4 * 1024 * 1024;

/** A file that is read through a window: what was used goes, what was not stays before what comes. */
export class FileWindow {
  /** What is to be looked at now; the memory is used again. */
  bytes: Buffer = Buffer.alloc(0);
  /** Nothing comes behind it. */
  last = false;
  readonly #handle: FileHandle;
  #memory = Buffer.allocUnsafe(WINDOW_BYTES);

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Reads a file from its beginning to its end. */
  static async open(path: string): Promise<FileWindow> {
    return new FileWindow(await open(path, 'r'));
  }

  /** Moves on. @param used how many of `bytes` are done with */
  async next(used: number): Promise<void> {
    const left = this.bytes.length - used;
    const before = this.#memory;
    // Most of it is one thing that does not fit.
    if (left * 2 > before.length) this.#memory = Buffer.allocUnsafe(before.length * 2);
    this.bytes.copy(this.#memory, 0, used);
    let filled = left;
    while (filled < this.#memory.length && !this.last) {
      const { bytesRead } = await this.#handle.read(this.#memory, filled, this.#memory.length - filled);
      this.last = bytesRead === 0;
      filled += bytesRead;
    }
    this.bytes = this.#memory.subarray(0, filled);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** @throws AttemptFailed when these bytes, between two characters that stand by themselves, are no text */
export function refuseOther(bytes: Buffer): void {
  if (!isUtf8(bytes)) throw badBody('its bytes are not UTF-8');
}
