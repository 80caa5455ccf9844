/** Bytes that are no Snappy block; a block that is larger than allowed is a RangeError instead. */
export class SnappyDamage extends Error {}

/**
 * A block of Snappy without any frame around it, as Avro has it: the length, then literals and copies of what came before.
 * @throws SnappyDamage, and RangeError beyond `bytes_max`
 */
export function unpackSnappy(packed: Uint8Array, bytes_max: number): Buffer {
  const { length, at } = lengthOf(packed);
  if (length > bytes_max) throw new RangeError(`more than ${bytes_max} bytes`);
  const block = new Block(packed, at, length);
  while (block.goesOn) block.takeElement();
  return block.whole();
}

class Block {
  readonly #packed: Uint8Array;
  readonly #out: Buffer;
  #at: number;
  #filled = 0;

  constructor(packed: Uint8Array, at: number, length: number) {
    this.#packed = packed;
    this.#at = at;
    this.#out = Buffer.alloc(length);
  }

  get goesOn(): boolean {
    return this.#at < this.#packed.length;
  }

  takeElement(): void {
    const tag = this.#number(1);
    const high = tag >> 2;
    const kind = tag & 3;
    if (kind === 0) this.#literal((high < 60 ? high : this.#number(high - 59)) + 1);
    else if (kind === 1) this.#copy((high & 7) + 4, (tag >> 5) * 256 + this.#number(1));
    else this.#copy(high + 1, this.#number(kind === 2 ? 2 : 4));
  }

  whole(): Buffer {
    if (this.#filled !== this.#out.length) throw new SnappyDamage('it is shorter than it says');
    return this.#out;
  }

  #literal(size: number): void {
    if (size > this.#packed.length - this.#at || size > this.#room) throw new SnappyDamage('a literal is too long');
    this.#out.set(this.#packed.subarray(this.#at, this.#at + size), this.#filled);
    this.#at += size;
    this.#filled += size;
  }

  #copy(size: number, back: number): void {
    if (back === 0 || back > this.#filled || size > this.#room) throw new SnappyDamage('a copy leads nowhere');
    const out = this.#out;
    // A copy may reach into itself, so it goes byte by byte.
    for (const end = this.#filled + size; this.#filled < end; this.#filled++)
      out[this.#filled] = out[this.#filled - back] ?? 0;
  }

  get #room(): number {
    return this.#out.length - this.#filled;
  }

  /** So many bytes, the lowest first. */
  #number(bytes: number): number {
    let value = 0;
    for (let index = 0; index < bytes; index++) {
      const byte = this.#packed[this.#at];
      if (byte === undefined) throw new SnappyDamage('it ends in the middle');
      value += byte * 2 ** (8 * index);
      this.#at += 1;
    }
    return value;
  }
}

/** The length in front: seven bits a byte, at most 32. */
function lengthOf(packed: Uint8Array): { readonly length: number; readonly at: number } {
  let length = 0;
  for (let at = 0; at < 5; at++) {
    const byte = packed[at];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return { length, at: at + 1 };
  }
  throw new SnappyDamage('its length makes no sense');
}
