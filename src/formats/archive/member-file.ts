import { closeSync } from 'node:fs';
import { openCopy, writeAll } from '../stream/copy.ts';

/** The file that a member is written to: one that nobody else has. */
export class MemberFile {
  readonly #path: string;
  #target: number | undefined;

  /** @throws DataflowError E_LAKE_IO */
  constructor(path: string) {
    this.#path = path;
    this.#target = openCopy(path);
  }

  /** @throws DataflowError E_LAKE_IO */
  write(bytes: Buffer): void {
    if (this.#target !== undefined) writeAll(this.#target, bytes, this.#path);
  }

  close(): void {
    if (this.#target !== undefined) closeSync(this.#target);
    this.#target = undefined;
  }
}
