import { crc32, inflateRawSync } from 'node:zlib';
import { unpackSnappy } from '../../kit/snappy.ts';
import { UnitFault } from '../stream/unit-fault.ts';

const MAGIC = Buffer.from('Obj\x01', 'latin1');
const SYNC_BYTES = 16;
const HEADER_BYTES_MAX = 16 * 1024 * 1024;
const CODECS = ['null', 'deflate', 'snappy', 'zstandard'];

/** The beginning of an Avro file. */
export interface AvroHeader {
  readonly schema: string;
  readonly codec: string;
}

/** A block: how many records, and their bytes. */
export interface AvroBlock {
  readonly records: number;
  readonly bytes: Buffer;
  /** Where it begins in the file. */
  readonly offset: number;
}

export interface BlockLimits {
  /** Limit on one block, which has to be held as a whole. */
  readonly block_bytes_max: number;
  /** Called with the size of each block after decompression; throws when it is too much. */
  count(bytes: number): void;
}

/** Takes an Avro object container file apart. Only blocks of Snappy have a checksum, but each block ends with the same 16 bytes. */
export class AvroBlocks {
  readonly #next: () => Buffer | undefined;
  #held: Buffer = Buffer.alloc(0);
  #offset = 0;
  #sync = Buffer.alloc(0);
  #codec = 'null';

  constructor(next: () => Buffer | undefined) {
    this.#next = next;
  }

  /** @throws UnitFault `wrong_format`, `damaged_avro`, `empty_file` */
  header(): AvroHeader {
    if (!this.#has(1)) throw new UnitFault('empty_file', 'it is empty', { byte_offset: 0 });
    if (!this.#has(4) || !this.#take(4).equals(MAGIC))
      throw new UnitFault('wrong_format', 'it does not begin as an Avro file', { byte_offset: 0 });
    const meta = new Map<string, string>();
    for (;;) {
      let count = this.#long();
      if (count === 0) break;
      if (count < 0) {
        this.#long();
        count = -count;
      }
      for (let n = 0; n < count; n++) meta.set(this.#part().toString('utf8'), this.#part().toString('utf8'));
    }
    this.#sync = Buffer.from(this.#take(SYNC_BYTES));
    const schema = meta.get('avro.schema');
    this.#codec = meta.get('avro.codec') ?? 'null';
    if (schema === undefined) throw this.#damaged('it has no schema');
    if (!CODECS.includes(this.#codec))
      throw new UnitFault('wrong_compression', `its codec is ${this.#codec}; ${CODECS.join(', ')} are read`);
    return { schema, codec: this.#codec };
  }

  /** The next block; undefined at the end. @throws UnitFault `damaged_avro`, `record_too_long`, those of the limits */
  async block(limits: BlockLimits): Promise<AvroBlock | undefined> {
    if (!this.#has(1)) return undefined;
    const offset = this.#offset;
    const records = this.#long();
    const size = this.#long();
    if (records < 0 || size < 0) throw this.#damaged('a block has a negative size');
    if (size > limits.block_bytes_max)
      throw new UnitFault('record_too_long', `a block has ${size} bytes; at most ${limits.block_bytes_max} are read`, {
        byte_offset: offset,
      });
    const packed = this.#take(size);
    if (!this.#take(SYNC_BYTES).equals(this.#sync)) throw this.#damaged('a block does not end where it should');
    const bytes = await this.#unpacked(packed, limits, offset);
    limits.count(bytes.length);
    return { records, bytes, offset };
  }

  async #unpacked(packed: Buffer, { block_bytes_max }: BlockLimits, offset: number): Promise<Buffer> {
    try {
      if (this.#codec === 'deflate') return inflateRawSync(packed, { maxOutputLength: block_bytes_max });
      if (this.#codec === 'snappy') return unpackChecked(packed, block_bytes_max);
      if (this.#codec === 'zstandard') return await unpackZstd(packed, block_bytes_max);
    } catch (error) {
      if (error instanceof UnitFault) throw error;
      if (error instanceof RangeError)
        throw new UnitFault('expansion_limit', `a block expands beyond ${block_bytes_max} bytes`, {
          byte_offset: offset,
        });
      throw new UnitFault('damaged_avro', `a block cannot be decompressed: ${(error as Error).message}`, {
        byte_offset: offset,
      });
    }
    return packed;
  }

  /** A length and so many bytes. */
  #part(): Buffer {
    const size = this.#long();
    if (size < 0 || size > HEADER_BYTES_MAX) throw this.#damaged('its header is not sound');
    return this.#take(size);
  }

  /** A zigzag number; larger ones than a JavaScript number holds make no sense here. */
  #long(): number {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#take(1)[0] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        const number = Number((value >> 1n) ^ -(value & 1n));
        if (!Number.isSafeInteger(number)) break;
        return number;
      }
    }
    throw this.#damaged('a length in it makes no sense');
  }

  #has(bytes: number): boolean {
    if (this.#held.length >= bytes) return true;
    const parts = [this.#held];
    let has = this.#held.length;
    while (has < bytes) {
      const chunk = this.#next();
      if (chunk === undefined) break;
      // A copy: the chunk's memory is used again.
      parts.push(Buffer.from(chunk));
      has += chunk.length;
    }
    this.#held = Buffer.concat(parts);
    return has >= bytes;
  }

  #take(bytes: number): Buffer {
    if (!this.#has(bytes)) throw this.#damaged('it ends in the middle');
    const taken = this.#held.subarray(0, bytes);
    this.#held = this.#held.subarray(bytes);
    this.#offset += bytes;
    return taken;
  }

  #damaged(reason: string): UnitFault {
    return new UnitFault('damaged_avro', reason, { byte_offset: this.#offset });
  }
}

/** Behind the block stands a CRC-32 of what it expands to. */
function unpackChecked(packed: Buffer, bytes_max: number): Buffer {
  if (packed.length < 4) throw new Error('it has no checksum');
  const bytes = unpackSnappy(packed.subarray(0, -4), bytes_max);
  if (crc32(bytes) !== packed.readUInt32BE(packed.length - 4)) throw new Error('its checksum is another one');
  return bytes;
}

async function unpackZstd(packed: Buffer, bytes_max: number): Promise<Buffer> {
  const { unzstd } = await import('../stream/zstd.ts');
  const parts: Buffer[] = [];
  let bytes = 0;
  let given = false;
  const pull = (): Buffer | undefined => {
    if (given) return undefined;
    given = true;
    return packed;
  };
  for await (const part of unzstd(pull, { frames: 0, unchecked: false })) {
    bytes += part.length;
    if (bytes > bytes_max) throw new RangeError();
    parts.push(Buffer.from(part));
  }
  return Buffer.concat(parts);
}
