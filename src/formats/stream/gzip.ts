import { constants, crc32, createInflateRaw, type InflateRaw } from 'node:zlib';
import { ByteCursor } from './cursor.ts';
import { UnitFault } from './unit-fault.ts';

const OUT_BYTES = 256 * 1024;
const FLAG = { header_crc: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 };
const TRUNCATED = 'the file ends inside the compressed data; it was cut off';

/** What a gzip file turned out to be; filled while {@link gunzip} runs. */
export interface GzipFacts {
  members: number;
  /** A header flag that the engine refuses (text, header checksum, comment) was seen, so it needs a decoded copy. */
  unusual: boolean;
}

/**
 * Decompresses a gzip file of any number of members (RFC 1952), chunk by chunk. Each member's CRC-32 and length are
 * compared with its trailer, which zlib's own gunzip does not insist on at the end of a file, and nothing may follow the last member.
 * @throws UnitFault `damaged_gzip`, `trailing_garbage`
 */
export async function* gunzip(pull: () => Buffer | undefined, facts: GzipFacts): AsyncGenerator<Buffer> {
  const input = new ByteCursor(pull);
  while (!input.atEnd()) {
    const start = input.offset;
    readHeader(input, start, facts);
    facts.members += 1;
    let crc = 0;
    let length = 0;
    for await (const chunk of inflateMember(input, start)) {
      crc = crc32(chunk, crc);
      length += chunk.length;
      yield chunk;
    }
    const trailer = input.take(8);
    if (trailer === undefined)
      throw new UnitFault('damaged_gzip', 'the checksum at its end is missing; the file was cut off', {
        byte_offset: input.offset,
      });
    if (trailer.readUInt32LE(0) !== crc)
      throw new UnitFault('damaged_gzip', 'the checksum (CRC-32) does not match the content', { byte_offset: start });
    if (trailer.readUInt32LE(4) !== length % 2 ** 32)
      throw new UnitFault('damaged_gzip', 'the length at its end does not match the content', { byte_offset: start });
  }
}

/** The first ten bytes of a member. */
function readFixed(input: ByteCursor, start: number): Buffer {
  const begin = input.take(2);
  const rest = input.take(8);
  if (begin !== undefined && (begin[0] !== 0x1f || begin[1] !== 0x8b)) throw noGzip(start);
  if (begin === undefined || rest === undefined) {
    if (start > 0) throw noGzip(start);
    throw new UnitFault('damaged_gzip', TRUNCATED, { byte_offset: input.offset });
  }
  return Buffer.concat([begin, rest]);
}

function noGzip(start: number): UnitFault {
  return start > 0
    ? new UnitFault('trailing_garbage', 'bytes that are not gzip follow the compressed data', { byte_offset: start })
    : new UnitFault('wrong_compression', 'it is named as gzip but does not begin like gzip', { byte_offset: 0 });
}

function readHeader(input: ByteCursor, start: number, facts: GzipFacts): void {
  const fixed = readFixed(input, start);
  const flags = fixed[3] ?? 0;
  if (fixed[2] !== 8 || (flags & FLAG.reserved) !== 0)
    throw new UnitFault('damaged_gzip', 'its header is not valid gzip', { byte_offset: start });
  if ((flags & ~(FLAG.extra | FLAG.name)) !== 0) facts.unusual = true;
  let crc = crc32(fixed);
  const take = (count: number): Buffer => {
    const bytes = input.take(count);
    if (bytes === undefined) throw new UnitFault('damaged_gzip', TRUNCATED, { byte_offset: input.offset });
    crc = crc32(bytes, crc);
    return bytes;
  };
  if ((flags & FLAG.extra) !== 0) take(take(2).readUInt16LE(0));
  for (const flag of [FLAG.name, FLAG.comment]) {
    if ((flags & flag) !== 0) while (take(1)[0] !== 0);
  }
  const wanted = crc & 0xffff;
  if ((flags & FLAG.header_crc) !== 0 && take(2).readUInt16LE(0) !== wanted) {
    throw new UnitFault('damaged_gzip', 'the checksum of its header does not match', { byte_offset: start });
  }
}

/** One member's deflate data. Leaves the cursor at its trailer: the inflater tells how many bytes it took. */
async function* inflateMember(input: ByteCursor, start: number): AsyncGenerator<Buffer> {
  const inflater = createInflateRaw({ chunkSize: OUT_BYTES, finishFlush: constants.Z_SYNC_FLUSH });
  const feeding = feed(input, inflater);
  try {
    for await (const chunk of inflater) yield chunk as Buffer;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new UnitFault('damaged_gzip', `the compressed data is damaged (${text})`, { byte_offset: start });
  } finally {
    inflater.destroy();
    await feeding;
  }
  if (!(await feeding)) throw new UnitFault('damaged_gzip', TRUNCATED, { byte_offset: input.offset });
}

/**
 * Writes chunks until the inflater has seen the end of the deflate data; true when it did. What it did not take stays in the cursor.
 * Waits for each write, because the chunk's memory is used again.
 */
async function feed(input: ByteCursor, inflater: InflateRaw): Promise<boolean> {
  let fed = 0;
  for (;;) {
    const chunk = input.peek();
    if (chunk === undefined) {
      inflater.end();
      return false;
    }
    await written(inflater, chunk);
    const took = inflater.bytesWritten - fed;
    fed += took;
    input.skip(took);
    if (took < chunk.length) return true;
  }
}

/** Resolves when the chunk was worked through, or when there will be no more work. */
function written(inflater: InflateRaw, chunk: Buffer): Promise<void> {
  return new Promise((resolve) => {
    inflater.once('close', resolve);
    inflater.once('end', resolve);
    inflater.write(chunk, () => {
      inflater.off('close', resolve);
      inflater.off('end', resolve);
      resolve();
    });
  });
}
