import { createHash, type Hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { crc32c, crc32cChunks } from '../../kit/crc32c.ts';

/** What GETFILECHECKSUM says. */
export interface FileChecksum {
  /** `MD5-of-0MD5-of-512CRC32C`, `COMPOSITE-CRC32C`. */
  readonly algorithm: string;
  /** Hex. */
  readonly bytes: string;
}

/** How a cluster makes its checksums of a file. */
export interface ChecksumRule {
  readonly kind: 'md5' | 'composite';
  readonly crc: 'CRC32' | 'CRC32C';
  /** Bytes that one CRC is of; 0 for `composite`. */
  readonly chunk_bytes: number;
  /** Bytes of a full block; 0 when the file has one block, or for `composite`. */
  readonly block_bytes: number;
}

/** What clusters do unless they are told otherwise. */
export const USUAL_RULE: ChecksumRule = { kind: 'md5', crc: 'CRC32C', chunk_bytes: 512, block_bytes: 0 };

const HEADER_BYTES = 12;
const MD5_BYTES = 16;
const BUFFER_BYTES = 32;

/** By what rule an answer was made; undefined for one that is not known here. */
export function ruleOf({ algorithm, bytes }: FileChecksum): ChecksumRule | undefined {
  const composite = /^COMPOSITE-(CRC32C?)$/.exec(algorithm)?.[1];
  if (composite !== undefined) return { kind: 'composite', crc: composite as 'CRC32', chunk_bytes: 0, block_bytes: 0 };
  const [, per_block, chunk, crc] = /^MD5-of-(\d+)MD5-of-(\d+)(CRC32C?)$/.exec(algorithm) ?? [];
  const chunk_bytes = Number(chunk);
  if (crc === undefined || bytes.length < 2 * (HEADER_BYTES + MD5_BYTES) || chunk_bytes === 0) return undefined;
  return { kind: 'md5', crc: crc as 'CRC32', chunk_bytes, block_bytes: Number(per_block) * chunk_bytes };
}

/** Whether two answers mean the same bytes: what comes behind the MD5 is padding, which not every client sends. */
export function sameChecksum(a: FileChecksum, b: FileChecksum): boolean {
  return a.algorithm === b.algorithm && meaning(a) === meaning(b);
}

function meaning({ algorithm, bytes }: FileChecksum): string {
  return algorithm.startsWith('MD5') ? bytes.slice(0, 2 * (HEADER_BYTES + MD5_BYTES)) : bytes;
}

/**
 * A cluster's checksum of a file from its bytes, which come piece by piece in order. By `md5`: per block, the MD5 of the big-endian CRC of each chunk; then
 * the MD5 of these MD5s, padded with zeros to a buffer that begins with 32 bytes and doubles. By `composite`: the CRC of all bytes.
 */
export class ChecksumMaker {
  readonly #rule: ChecksumRule;
  readonly #sum: (bytes: Uint8Array, from: number, to: number) => number;
  readonly #blocks: Buffer[] = [];
  /** A chunk that is not full yet. */
  readonly #rest: Buffer;
  #rest_bytes = 0;
  #block: Hash = createHash('md5');
  #block_bytes = 0;
  #whole = 0;

  constructor(rule: ChecksumRule) {
    this.#rule = rule;
    this.#sum = rule.crc === 'CRC32C' ? crc32c : (bytes, from, to) => crc32(bytes.subarray(from, to));
    this.#rest = Buffer.alloc(Math.max(1, rule.chunk_bytes));
  }

  add(bytes: Uint8Array): void {
    if (this.#rule.kind === 'composite') this.#whole = this.#further(bytes);
    else this.#chunks(bytes);
  }

  digest(): FileChecksum {
    const { kind, crc, chunk_bytes, block_bytes } = this.#rule;
    if (kind === 'composite') {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(this.#whole);
      return { algorithm: `COMPOSITE-${crc}`, bytes: bytes.toString('hex') };
    }
    if (this.#rest_bytes > 0) this.#chunk(this.#rest, 0, this.#rest_bytes);
    this.#rest_bytes = 0;
    if (this.#block_bytes > 0) this.#closeBlock();
    const md5s = Buffer.concat(this.#blocks);
    const per_block = this.#blocks.length > 1 ? block_bytes / chunk_bytes : 0;
    // Of a file without a byte nobody knows how its chunks would have been.
    const [chunk, name] = md5s.length === 0 ? [0, 'CRC32'] : [chunk_bytes, crc];
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32BE(chunk);
    header.writeBigUInt64BE(BigInt(per_block), 4);
    let padded = BUFFER_BYTES;
    while (padded < md5s.length) padded *= 2;
    const md5 = createHash('md5')
      .update(md5s)
      .update(Buffer.alloc(padded - md5s.length));
    const bytes = Buffer.concat([header, md5.digest()]).toString('hex');
    return { algorithm: `MD5-of-${per_block}MD5-of-${chunk}${name}`, bytes };
  }

  #further(bytes: Uint8Array): number {
    return this.#rule.crc === 'CRC32C' ? crc32c(bytes, 0, bytes.length, this.#whole) : crc32(bytes, this.#whole);
  }

  #chunks(bytes: Uint8Array): void {
    const { chunk_bytes } = this.#rule;
    let at = 0;
    if (this.#rest_bytes > 0) {
      at = Math.min(bytes.length, chunk_bytes - this.#rest_bytes);
      this.#rest.set(bytes.subarray(0, at), this.#rest_bytes);
      this.#rest_bytes += at;
      if (this.#rest_bytes < chunk_bytes) return;
      this.#chunk(this.#rest, 0, chunk_bytes);
      this.#rest_bytes = 0;
    }
    at = this.#wholeChunks(bytes, at);
    this.#rest.set(bytes.subarray(at));
    this.#rest_bytes = bytes.length - at;
  }

  /** As many as there are, hashed block by block. Gives where the rest begins. */
  #wholeChunks(bytes: Uint8Array, from: number): number {
    const { chunk_bytes, block_bytes } = this.#rule;
    let at = from;
    while (bytes.length - at >= chunk_bytes) {
      const left = block_bytes === 0 ? Number.POSITIVE_INFINITY : (block_bytes - this.#block_bytes) / chunk_bytes;
      const count = Math.min(Math.floor((bytes.length - at) / chunk_bytes), left);
      this.#take(this.#sums(bytes, at, count), count * chunk_bytes);
      at += count * chunk_bytes;
    }
    return at;
  }

  #sums(bytes: Uint8Array, from: number, count: number): Buffer {
    const { chunk_bytes, crc } = this.#rule;
    if (crc === 'CRC32C' && chunk_bytes % 8 === 0) return crc32cChunks(bytes, from, count, chunk_bytes);
    const sums = Buffer.allocUnsafe(4 * count);
    for (let i = 0, at = from; i < count; i++, at += chunk_bytes)
      sums.writeUInt32BE(this.#sum(bytes, at, at + chunk_bytes), 4 * i);
    return sums;
  }

  #chunk(bytes: Uint8Array, from: number, to: number): void {
    const sums = Buffer.allocUnsafe(4);
    sums.writeUInt32BE(this.#sum(bytes, from, to));
    this.#take(sums, to - from);
  }

  #take(sums: Buffer, bytes: number): void {
    this.#block.update(sums);
    this.#block_bytes += bytes;
    if (this.#block_bytes === this.#rule.block_bytes) this.#closeBlock();
  }

  #closeBlock(): void {
    this.#blocks.push(this.#block.digest());
    this.#block = createHash('md5');
    this.#block_bytes = 0;
  }
}
