/** Types of fields. */
const TYPE = {
  TRUE: 1,
  FALSE: 2,
  BYTE: 3,
  I16: 4,
  I32: 5,
  I64: 6,
  DOUBLE: 7,
  BINARY: 8,
  LIST: 9,
  SET: 10,
  MAP: 11,
  STRUCT: 12,
};
const DEPTH_MAX = 8;

/** Numbers and lengths of Thrift's compact protocol, one after the other. Throws RangeError where the bytes end early or make no number. */
export class CompactCursor {
  at: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  byte(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw new RangeError('the bytes end early');
    return byte;
  }

  skip(count: number): void {
    if (this.at + count > this.#bytes.length) throw new RangeError('the bytes end early');
    this.at += count;
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 64; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a number is too long');
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}

/** Thrift's compact protocol, as much of it as it takes to find the end of a struct. Throws RangeError where the bytes make no sense. */
export class CompactReader {
  readonly #cursor: CompactCursor;

  constructor(bytes: Buffer) {
    this.#cursor = new CompactCursor(bytes);
  }

  /** Where the bytes were read to. */
  get at(): number {
    return this.#cursor.at;
  }

  /** Tells the whole numbers among the fields; field `m` of a struct in field `n` is told as `100 n + m`. */
  struct(tell: (id: number, value: number) => void, depth = 0): void {
    if (depth > DEPTH_MAX) throw new RangeError('nested too deeply');
    for (let id = 0; ; ) {
      const head = this.#cursor.byte();
      if (head === 0) return;
      const step = head >> 4;
      id = step === 0 ? this.#cursor.zigzag() : id + step;
      const field = id;
      const value =
        (head & 0xf) === TYPE.STRUCT
          ? this.struct((inner, its) => tell(field * 100 + inner, its), depth + 1)
          : this.#value(head & 0xf, depth);
      if (typeof value === 'number') tell(id, value);
    }
  }

  #value(type: number, depth: number): number | undefined {
    if (type === TYPE.TRUE || type === TYPE.FALSE) return undefined;
    if (type === TYPE.BYTE) return this.#cursor.byte();
    if (type === TYPE.I16 || type === TYPE.I32 || type === TYPE.I64) return this.#cursor.zigzag();
    if (type === TYPE.DOUBLE) this.#cursor.skip(8);
    else if (type === TYPE.BINARY) this.#cursor.skip(this.#cursor.varint());
    else if (type === TYPE.STRUCT) this.struct(() => undefined, depth + 1);
    else if (type === TYPE.LIST || type === TYPE.SET) this.#list(depth);
    else throw new RangeError(`a field cannot be of type ${type}`);
    return undefined;
  }

  #list(depth: number): void {
    const head = this.#cursor.byte();
    const count = head >> 4 === 0xf ? this.#cursor.varint() : head >> 4;
    // In a list a boolean takes a byte.
    const type = (head & 0xf) <= TYPE.FALSE ? TYPE.BYTE : head & 0xf;
    for (let i = 0; i < count; i++) this.#value(type, depth);
  }
}
