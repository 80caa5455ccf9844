import { closeSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { timeSortedId } from '../../kit/ids.ts';
import { openCopy, writeAll } from './copy.ts';

const FLUSH_CHARS = 256 * 1024;

/** Writes the copy that the engine reads instead of a file that it cannot read: text in small pieces, to the file in large ones. */
export class CopyWriter {
  readonly path: string;
  #target: number | undefined;
  #held = '';

  /** @throws DataflowError E_LAKE_IO */
  constructor(folder: string, extension: string) {
    this.path = join(folder, `decoded-${timeSortedId()}.${extension}`);
    this.#target = openCopy(this.path);
  }

  /** @throws DataflowError E_LAKE_IO */
  write(text: string): void {
    this.#held += text;
    if (this.#held.length >= FLUSH_CHARS) this.#flush();
  }

  /** What is held back goes into the file, and the file is closed. @throws DataflowError E_LAKE_IO */
  finish(): string {
    this.#flush();
    this.#close();
    return this.path;
  }

  /** Removes a copy that was not finished. */
  abandon(): void {
    if (this.#target === undefined) return;
    this.#close();
    rmSync(this.path, { force: true });
  }

  #flush(): void {
    if (this.#target !== undefined) writeAll(this.#target, Buffer.from(this.#held, 'utf8'), this.path);
    this.#held = '';
  }

  #close(): void {
    if (this.#target !== undefined) closeSync(this.#target);
    this.#target = undefined;
  }
}
