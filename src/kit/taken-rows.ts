import { createHash } from 'node:crypto';

/** Bytes of a row's hash that are kept: 9 bytes are 12 characters of base64 without padding. */
const HASH_BYTES = 9;
const HASH_CHARS = 12;

/** More rows than this are not remembered: the text of a position would grow beyond reason (600 KB). */
export const TAKEN_ROWS_MAX = 50_000;

/**
 * Rows that were taken already, each known by a hash of its bytes: what a stretch that is read again is compared with. Of rows with the same
 * bytes one is remembered.
 */
export class TakenRows {
  private readonly hashes: Set<string>;

  constructor(hashes: Iterable<string> = []) {
    this.hashes = new Set(hashes);
  }

  /** @param text of {@link toText}; what is not is an empty set. */
  static from(text: string | undefined): TakenRows {
    const taken = new TakenRows();
    for (let at = 0; text !== undefined && at + HASH_CHARS <= text.length; at += HASH_CHARS)
      taken.hashes.add(text.slice(at, at + HASH_CHARS));
    return taken;
  }

  get size(): number {
    return this.hashes.size;
  }

  has(hash: string): boolean {
    return this.hashes.has(hash);
  }

  add(hash: string): void {
    this.hashes.add(hash);
  }

  /** The same set gives the same text. */
  toText(): string {
    return [...this.hashes].sort().join('');
  }
}

/** The hash by which a row is remembered. */
export function rowHash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest().subarray(0, HASH_BYTES).toString('base64');
}
