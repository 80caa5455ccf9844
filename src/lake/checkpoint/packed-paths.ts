import { isUtf8 } from 'node:buffer';
import { encodedPath } from '../log-paths.ts';

/** What a byte of a path in the log is: itself, a percent sign, or a case for the long way. */
const [ODD, PLAIN, PERCENT] = [0, 1, 2];
const KINDS = new Uint8Array(256);
for (const c of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()/")
  KINDS[c.charCodeAt(0)] = PLAIN;
KINDS['%'.charCodeAt(0)] = PERCENT;
const DOT = '.'.charCodeAt(0);
const SLASH = '/'.charCodeAt(0);
const BACKSLASH = '\\'.charCodeAt(0);
const DELETE = 0x7f;
const [HASH_SEED, HASH_PRIME] = [0x811c9dc5, 0x01000193];
const BYTES_A_PATH = 96;

/** Paths of many files in one piece of memory, found by number and by name: a text and a map entry of each would take four times as much. */
export class PackedPaths {
  #bytes: Buffer;
  #used = 0;
  #ends: Uint32Array<ArrayBuffer>;
  #hashes: Uint32Array<ArrayBuffer>;
  #size = 0;
  /** Number + 1 by hash; 0 is free. */
  #slots = new Int32Array(0);
  /** Paths that the log has in other letters than we would write. */
  readonly #raw = new Map<number, string>();
  readonly #resolve: (path: string) => string;

  /** @param resolve what a path of the log stands for; throws for one that leads out of the lake. */
  constructor(resolve: (path: string) => string, expected = 0) {
    this.#resolve = resolve;
    this.#bytes = Buffer.allocUnsafe(64 + expected * BYTES_A_PATH);
    this.#ends = new Uint32Array(1 + expected);
    this.#hashes = new Uint32Array(1 + expected);
  }

  get size(): number {
    return this.#size;
  }

  /** The next path, as the log has it. @throws TypeError when it is no text. */
  add(bytes_of_log: Uint8Array, from: number, to: number): void {
    this.#room(to - from);
    if (this.#addPlain(bytes_of_log, from, to)) return;
    const raw = Buffer.from(bytes_of_log.subarray(from, to));
    if (!isUtf8(raw)) throw new TypeError('a path that is no text');
    const text = raw.toString('utf8');
    const path = this.#resolve(text);
    const bytes = Buffer.from(path);
    this.#room(bytes.length);
    if (encodedPath(path) !== text) this.#raw.set(this.#size, text);
    bytes.copy(this.#bytes, this.#used);
    this.#put(this.#used + bytes.length, hashOf(bytes));
  }

  /** All paths are there: from now on they are found. @throws TypeError when two of them are the same. */
  seal(): this {
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(2, this.#size * 2))));
    const mask = this.#slots.length - 1;
    for (let index = 0; index < this.#size; index++) {
      let at = (this.#hashes[index] ?? 0) & mask;
      for (let other = this.#slots[at] ?? 0; other !== 0; other = this.#slots[at] ?? 0) {
        if (this.#hashes[other - 1] === this.#hashes[index] && this.#slice(other - 1).equals(this.#slice(index)))
          throw new TypeError(`the file ${this.path(index)} twice`);
        at = (at + 1) & mask;
      }
      this.#slots[at] = index + 1;
    }
    return this;
  }

  /** Resolved. */
  path(index: number): string {
    return this.#slice(index).toString('utf8');
  }

  /** To the letter as the log has it. */
  raw(index: number): string {
    return this.#raw.get(index) ?? encodedPath(this.path(index));
  }

  /** The number of a resolved path. */
  indexOf(path: string): number | undefined {
    if (this.#size === 0) return undefined;
    const wanted = Buffer.from(path);
    const hash = hashOf(wanted);
    const mask = this.#slots.length - 1;
    let at = hash & mask;
    for (let found = this.#slots[at] ?? 0; found !== 0; found = this.#slots[at] ?? 0) {
      if (this.#hashes[found - 1] === hash && this.#slice(found - 1).equals(wanted)) return found - 1;
      at = (at + 1) & mask;
    }
    return undefined;
  }

  #slice(index: number): Buffer {
    return this.#bytes.subarray(index === 0 ? 0 : this.#ends[index - 1], this.#ends[index]);
  }

  /** Most paths by far: nothing in them but plain ASCII and what we escape ourselves. False, and nothing done, for any other. */
  #addPlain(raw: Uint8Array, from: number, to: number): boolean {
    const out = this.#bytes;
    let end = this.#used;
    let hash = HASH_SEED | 0;
    if (from === to || raw[from] === DOT || raw[from] === SLASH) return false;
    for (let i = from, before = 0; i < to; i++) {
      let byte = raw[i] ?? 0;
      const kind = KINDS[byte];
      if (kind !== PLAIN) {
        if (kind === ODD) return false;
        if (i + 2 >= to) return false;
        byte = (upperHex(raw[i + 1]) << 4) | upperHex(raw[i + 2]);
        // Others are longer than one byte, not allowed, or would not be escaped by us.
        if (byte < 0x20 || byte >= DELETE || byte === BACKSLASH || KINDS[byte] === PLAIN) return false;
        i += 2;
      } else if (byte === DOT && before === DOT) return false;
      out[end++] = byte;
      hash = Math.imul(hash ^ byte, HASH_PRIME);
      before = byte;
    }
    this.#put(end, hash >>> 0);
    return true;
  }

  #put(end: number, hash: number): void {
    if (this.#size === this.#ends.length) {
      this.#ends = grown(this.#ends);
      this.#hashes = grown(this.#hashes);
    }
    this.#ends[this.#size] = end;
    this.#hashes[this.#size] = hash;
    this.#used = end;
    this.#size++;
  }

  #room(bytes: number): void {
    if (this.#used + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.ceil((this.#used + bytes) * 1.5));
    this.#bytes.copy(larger, 0, 0, this.#used);
    this.#bytes = larger;
  }
}

function grown(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}

/** Negative for any other byte. */
function upperHex(byte = 0): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  return byte >= 0x41 && byte <= 0x46 ? byte - 0x37 : -1;
}

function hashOf(bytes: Uint8Array): number {
  let hash = HASH_SEED;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, HASH_PRIME);
  return hash >>> 0;
}
