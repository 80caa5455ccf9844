import { createHash, type Hash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { PutContent } from '../../core/ports/far-storage.ts';
import { ChecksumMaker, type ChecksumRule, type FileChecksum } from './checksum.ts';

/** A write to a socket of this size keeps a core less busy than many small ones do. */
const PIECE_BYTES = 1024 * 1024;

/** What bytes that were read through add up to. */
export interface Sums {
  readonly sha256: string;
  readonly checksum: FileChecksum;
  /** By which rule the checksum was made. */
  readonly rule: ChecksumRule;
}

/** What is to be put, read from its beginning as often as it takes. @param what its name, for messages */
export class Content {
  readonly size_bytes: number;
  readonly #content: PutContent;
  readonly #what: string;

  constructor(content: PutContent, what: string) {
    this.#content = content;
    this.#what = what;
    this.size_bytes = 'bytes' in content ? content.bytes.length : content.size_bytes;
  }

  /**
   * The bytes from an offset on; all of them, those before it too, go into the sums, which are complete after the last piece. A piece is good until the next
   * one is asked for: its place is used again.
   * @throws DataflowError E_FAR_SOURCE_DAMAGED when there are fewer or more than was said
   */
  from(offset: number, rule: ChecksumRule): { readonly pieces: AsyncIterable<Uint8Array>; sums(): Sums } {
    const hash = createHash('sha256');
    const maker = new ChecksumMaker(rule);
    return {
      pieces: this.#pieces(offset, hash, maker),
      sums: () => ({ sha256: hash.copy().digest('hex'), checksum: maker.digest(), rule }),
    };
  }

  /** What it adds up to, without sending it anywhere. */
  async sums(rule: ChecksumRule): Promise<Sums> {
    const { pieces, sums } = this.from(this.size_bytes, rule);
    for await (const _ of pieces);
    return sums();
  }

  async *#pieces(offset: number, hash: Hash, maker: ChecksumMaker): AsyncGenerator<Uint8Array> {
    let at = 0;
    for await (const piece of this.#all()) {
      hash.update(piece);
      maker.add(piece);
      const skipped = Math.max(0, offset - at);
      at += piece.length;
      if (at > this.size_bytes) throw this.#damaged('more than');
      if (skipped < piece.length) yield skipped === 0 ? piece : piece.subarray(skipped);
    }
    if (at < this.size_bytes) throw this.#damaged(`${at} of`);
  }

  #damaged(found: string): DataflowError {
    return new DataflowError('E_FAR_SOURCE_DAMAGED', `${this.#what} has ${found} ${this.size_bytes} bytes`);
  }

  async *#all(): AsyncGenerator<Uint8Array> {
    if ('bytes' in this.#content) {
      if (this.#content.bytes.length > 0) yield this.#content.bytes;
      return;
    }
    const file = await open(this.#content.file, 'r');
    // One byte more than was said tells that the file has grown.
    let left = this.size_bytes + 1;
    const rooms = [0, 1].map(() => Buffer.allocUnsafe(Math.min(PIECE_BYTES, left)));
    const read = async (room: Buffer): Promise<Uint8Array> => {
      const { bytesRead } = await file.read(room, 0, Math.min(room.length, left));
      left -= bytesRead;
      return room.subarray(0, bytesRead);
    };
    let next = read(rooms[0] as Buffer);
    try {
      for (let turn = 1; ; turn++) {
        const piece = await next;
        if (piece.length === 0) return;
        next = read(rooms[turn % 2] as Buffer);
        // Whoever is at work on this piece hears of it with the next one.
        next.catch(() => undefined);
        yield piece;
      }
    } finally {
      await next.catch(() => undefined);
      await file.close();
    }
  }
}

/** A file of this machine as content. */
export async function contentOfFile(file: string): Promise<Content> {
  return new Content({ file, size_bytes: (await stat(file)).size }, file);
}
