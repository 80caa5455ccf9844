/** What stands before a page, as far as it matters here. */
export interface PageHeader {
  /** Bytes of the header itself. */
  readonly header_bytes: number;
  readonly compressed_bytes: number;
  /** Size after decompression, as the writer states it. */
  readonly expanded_bytes: number;
  /** Values of a data page, nulls included; 0 for a dictionary or an index. */
  readonly values: number;
  /** How the values of a data page are encoded; 0 = one after the other as they are. */
  readonly encoding: number | undefined;
  /** CRC-32 of the page as it is stored; few writers give one. */
  readonly crc: number | undefined;
}

/** Thrift's compact protocol: types of fields. */
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
const PAGE_TYPE_FIELD = 1;
const EXPANDED_SIZE_FIELD = 2;
const COMPRESSED_SIZE_FIELD = 3;
const CRC_FIELD = 4;
/** Number of values inside the header of a data page, of the first and second version: field 1 of fields 5 and 8. */
const VALUES_FIELDS: Readonly<Record<number, number>> = { 0: 501, 3: 801 };
/** Their encoding: fields 2 and 4 there. */
const ENCODING_FIELDS: Readonly<Record<number, number>> = { 0: 502, 3: 804 };
/** Data, index, dictionary, data of the second version. */
const PAGE_TYPE_MAX = 3;
const DEPTH_MAX = 8;

/** Reads a page header (`PageHeader` of parquet.thrift); undefined when the bytes are none, or end before it does. */
export function readPageHeader(bytes: Buffer): PageHeader | undefined {
  const reader = new CompactReader(bytes);
  const found = new Map<number, number>();
  try {
    reader.struct((id, value) => found.set(id, value));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  const compressed_bytes = found.get(COMPRESSED_SIZE_FIELD);
  const expanded_bytes = found.get(EXPANDED_SIZE_FIELD);
  const type = found.get(PAGE_TYPE_FIELD) ?? -1;
  const values = type in VALUES_FIELDS ? found.get(VALUES_FIELDS[type] ?? 0) : 0;
  if (compressed_bytes === undefined || expanded_bytes === undefined || values === undefined) return undefined;
  if (compressed_bytes < 0 || expanded_bytes < 0 || values < 0 || type < 0 || type > PAGE_TYPE_MAX) return undefined;
  const crc = found.get(CRC_FIELD);
  return {
    header_bytes: reader.at,
    compressed_bytes,
    expanded_bytes,
    values,
    encoding: found.get(ENCODING_FIELDS[type] ?? -1),
    crc: crc === undefined ? undefined : crc >>> 0,
  };
}

/** As much of the protocol as it takes to find the end of a struct. Throws RangeError where the bytes make no sense. */
class CompactReader {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Tells the whole numbers among the fields; field `m` of a struct in field `n` is told as `100 n + m`. */
  struct(tell: (id: number, value: number) => void, depth = 0): void {
    if (depth > DEPTH_MAX) throw new RangeError('nested too deeply');
    for (let id = 0; ; ) {
      const head = this.#byte();
      if (head === 0) return;
      const step = head >> 4;
      id = step === 0 ? this.#zigzag() : id + step;
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
    if (type === TYPE.BYTE) return this.#byte();
    if (type === TYPE.I16 || type === TYPE.I32 || type === TYPE.I64) return this.#zigzag();
    if (type === TYPE.DOUBLE) this.#skip(8);
    else if (type === TYPE.BINARY) this.#skip(this.#varint());
    else if (type === TYPE.STRUCT) this.struct(() => undefined, depth + 1);
    else if (type === TYPE.LIST || type === TYPE.SET) this.#list(depth);
    else throw new RangeError(`no page header has a field of type ${type}`);
    return undefined;
  }

  #list(depth: number): void {
    const head = this.#byte();
    const count = head >> 4 === 0xf ? this.#varint() : head >> 4;
    // In a list a boolean takes a byte.
    const type = (head & 0xf) <= TYPE.FALSE ? TYPE.BYTE : head & 0xf;
    for (let i = 0; i < count; i++) this.#value(type, depth);
  }

  #byte(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw new RangeError('the header ends early');
    return byte;
  }

  #skip(count: number): void {
    if (this.at + count > this.#bytes.length) throw new RangeError('the header ends early');
    this.at += count;
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 64; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a number is too long');
  }

  #zigzag(): number {
    const value = this.#varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
