import { createHash, type Hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { PutContent } from '../../core/ports/far-storage.ts';
import type { PartBuffers } from './part-buffers.ts';

const SMALL_BYTES = 256 * 1024;

/**
 * What is to be put, read piece by piece from the beginning: each byte once, hashed as it passes. What turns out to be other bytes than expected is
 * E_FAR_SOURCE_DAMAGED, at the latest with the last piece.
 */
export class LocalBytes {
  readonly size_bytes: number;
  readonly #content: PutContent;
  readonly #expected: string | undefined;
  readonly #buffers: Pick<PartBuffers, 'take'>;
  readonly #hash: Hash = createHash('sha256');
  #file: FileHandle | undefined;
  #at = 0;

  constructor(content: PutContent, sha256: string | undefined, buffers: Pick<PartBuffers, 'take'>) {
    this.#buffers = buffers;
    this.#content = content;
    this.#expected = sha256;
    this.size_bytes = 'bytes' in content ? content.bytes.length : content.size_bytes;
  }

  /** The next `length` bytes; the last piece is held against the size and the hash of the whole. */
  async next(length: number): Promise<Buffer> {
    const content = this.#content;
    const piece =
      'bytes' in content
        ? Buffer.from(content.bytes.subarray(this.#at, this.#at + length))
        : await this.#fromFile(content.file, length);
    this.#at += piece.length;
    if (piece.length < length) throw this.#damaged(`it ends after ${this.#at} of ${this.size_bytes} bytes`);
    if (this.#expected !== undefined) this.#hash.update(piece);
    if (this.#at === this.size_bytes) await this.#checkEnd();
    return piece;
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async #fromFile(path: string, length: number): Promise<Buffer> {
    try {
      if (this.#at === 0 && length === this.size_bytes && length <= SMALL_BYTES) return this.#small(path);
      this.#file ??= await open(path, 'r');
      const buffer = this.#buffers.take(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await this.#file.read(buffer, filled, length - filled, this.#at + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return buffer.subarray(0, filled);
    } catch (error) {
      throw this.#damaged(error instanceof Error ? error.message : String(error), error);
    }
  }

  /** At once: for a small file four turns of the event loop cost more than its bytes. */
  #small(path: string): Buffer {
    const bytes = readFileSync(path);
    if (bytes.length > this.size_bytes) throw new Error(`it has ${bytes.length} bytes instead of ${this.size_bytes}`);
    return bytes;
  }

  async #checkEnd(): Promise<void> {
    if ('file' in this.#content && this.#file !== undefined) {
      const { size } = await this.#file.stat();
      if (size !== this.size_bytes) throw this.#damaged(`it has ${size} bytes instead of ${this.size_bytes}`);
    }
    if (this.#expected === undefined) return;
    const found = this.#hash.digest('hex');
    if (found !== this.#expected) throw this.#damaged(`its hash is ${found}, recorded was ${this.#expected}`);
  }

  #damaged(why: string, cause?: unknown): DataflowError {
    const what = 'file' in this.#content ? this.#content.file : 'what is to be put';
    return new DataflowError('E_FAR_SOURCE_DAMAGED', `${what} is damaged: ${why}`, {
      kept: 'nothing of it was put',
      ...(cause === undefined ? {} : { cause }),
    });
  }
}
