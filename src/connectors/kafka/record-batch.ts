import { crc32c } from '../../kit/crc32c.ts';
import { codecOf } from './codecs.ts';

/** Bytes before the records: offsets, length, epoch, magic, CRC, attributes, times, producer, count. */
const HEAD_BYTES = 61;
/** Bytes before what `length` counts. */
const LENGTH_BASE = 12;
const MAGIC_AT = 16;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const CODEC_MASK = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/** A batch whose bytes cannot be read: its offsets are known all the same. */
export interface DamagedBatch {
  readonly base_offset: number;
  readonly last_offset: number;
  readonly damage: string;
}

/** A record batch (magic 2) with its records uncompressed. */
export interface RecordBatch {
  readonly base_offset: number;
  /** The last offset that the batch covers, also when compaction has removed that record. */
  readonly last_offset: number;
  readonly transactional: boolean;
  readonly control: boolean;
  readonly producer_id: bigint;
  readonly base_timestamp: number;
  /** Set when the broker's clock counts: the time of all records. */
  readonly append_timestamp: number | undefined;
  readonly count: number;
  /** The records, one after the other. */
  readonly records: Buffer;
}

export interface BatchHead {
  readonly base_offset: number;
  readonly last_offset: number;
  /** Where the batch lies in the fetched bytes. */
  readonly from: number;
  readonly to: number;
}

/** The whole batches in fetched bytes; one that is cut off at the end is left for the next fetch. */
export function batchHeads(bytes: Buffer): readonly BatchHead[] {
  const heads: BatchHead[] = [];
  let from = 0;
  while (from + LENGTH_BASE <= bytes.length) {
    const to = from + LENGTH_BASE + bytes.readInt32BE(from + 8);
    if (to > bytes.length || to < from + HEAD_BYTES) break;
    const base_offset = readOffset(bytes, from);
    heads.push({ base_offset, last_offset: base_offset + bytes.readInt32BE(from + 23), from, to });
    from = to;
  }
  return heads;
}

/** Checks a batch against its checksum and decompresses its records. */
export async function readBatch(bytes: Buffer, head: BatchHead): Promise<RecordBatch | DamagedBatch> {
  const { from, to, base_offset, last_offset } = head;
  const damaged = (damage: string): DamagedBatch => ({ base_offset, last_offset, damage });
  const magic = bytes.readInt8(from + MAGIC_AT);
  if (magic !== 2) return damaged(`message format ${magic} is older than Kafka 0.11`);
  if (crc32c(bytes, from + ATTRIBUTES_AT, to) !== bytes.readUInt32BE(from + CRC_AT))
    return damaged('the checksum of its batch does not fit its bytes');
  const attributes = bytes.readInt16BE(from + ATTRIBUTES_AT);
  let records = bytes.subarray(from + HEAD_BYTES, to);
  if ((attributes & CODEC_MASK) !== 0) {
    const codec = await codecOf(attributes & CODEC_MASK);
    if (codec === undefined) return damaged(`compression ${attributes & CODEC_MASK} is not known`);
    try {
      records = await codec.decompress(records);
    } catch (error) {
      return damaged(`its batch is not ${codec.name}: ${(error as Error).message}`);
    }
  }
  return {
    base_offset,
    last_offset,
    transactional: (attributes & TRANSACTIONAL) !== 0,
    control: (attributes & CONTROL) !== 0,
    producer_id: bytes.readBigInt64BE(from + 43),
    base_timestamp: readOffset(bytes, from + 27),
    append_timestamp: (attributes & LOG_APPEND_TIME) === 0 ? undefined : readOffset(bytes, from + 35),
    count: bytes.readInt32BE(from + 57),
    records,
  };
}

/** Offsets and times are 64-bit numbers of which no topic uses more than 53 bits. */
export function readOffset(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4);
}

/** Walks the records of a batch; one object for all of them, as there may be a million in a second. */
export class RecordCursor {
  offset = 0;
  timestamp = 0;
  /** Where key and value lie in `bytes`; a start of -1: null. */
  key_from = -1;
  key_to = -1;
  value_from = -1;
  value_to = -1;
  header_count = 0;
  /** Where the headers begin. */
  headers_at = 0;
  readonly bytes: Buffer;
  readonly #batch: RecordBatch;
  #at = 0;
  #left: number;

  constructor(batch: RecordBatch) {
    this.#batch = batch;
    this.bytes = batch.records;
    this.#left = batch.count;
  }

  /** False when there is no further record. @throws RangeError when the records do not have the lengths that they claim. */
  next(): boolean {
    if (this.#left <= 0) return false;
    this.#left -= 1;
    const length = this.#varint();
    const end = this.#at + length;
    if (length < 0 || end > this.bytes.length) throw new RangeError('a record is longer than its batch');
    this.#at += 1; // attributes, which nobody uses
    const delta = this.#varint();
    this.timestamp = this.#batch.append_timestamp ?? this.#batch.base_timestamp + delta;
    this.offset = this.#batch.base_offset + this.#varint();
    const key = this.#varint();
    this.key_from = key < 0 ? -1 : this.#at;
    if (key > 0) this.#at += key;
    this.key_to = this.#at;
    const value = this.#varint();
    this.value_from = value < 0 ? -1 : this.#at;
    if (value > 0) this.#at += value;
    this.value_to = this.#at;
    this.header_count = this.#varint();
    this.headers_at = this.#at;
    if (this.#at > end) throw new RangeError('a record is longer than it says');
    this.#at = end;
    return true;
  }

  /** Headers in order; a name may come more than once. */
  headers(): readonly (readonly [name: string, value: Buffer | null])[] {
    const found: [string, Buffer | null][] = [];
    const back = this.#at;
    this.#at = this.headers_at;
    for (let n = 0; n < this.header_count; n++) {
      const name = this.#slice(this.#varint());
      const length = this.#varint();
      found.push([name.toString('utf8'), length < 0 ? null : this.#slice(length)]);
    }
    this.#at = back;
    return found;
  }

  #slice(length: number): Buffer {
    const from = this.#at;
    this.#at = from + length;
    return this.bytes.subarray(from, this.#at);
  }

  /** A zigzag number of up to 64 bits; beyond 31 bits it goes on in floating point. */
  #varint(): number {
    const { bytes } = this;
    let byte = bytes[this.#at++] as number;
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let low = byte & 0x7f;
    let shift = 7;
    do {
      byte = bytes[this.#at++] as number;
      if (shift >= 28) return this.#long(low, shift, byte);
      low |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte >= 0x80);
    return (low >>> 1) ^ -(low & 1);
  }

  #long(low: number, shift: number, first: number): number {
    let value = BigInt(low) | (BigInt(first & 0x7f) << BigInt(shift));
    let byte = first;
    let bits = BigInt(shift);
    while (byte >= 0x80) {
      byte = this.bytes[this.#at++] ?? 0;
      bits += 7n;
      value |= BigInt(byte & 0x7f) << bits;
    }
    return Number(BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n)));
  }
}
