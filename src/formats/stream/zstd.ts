import { ZSTDDecoder } from 'zstddec/stream';
import { ByteCursor } from './cursor.ts';
import { UnitFault } from './unit-fault.ts';

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const BLOCK_BYTES_MAX = 128 * 1024;
/** What `zstd -d` and the engine accept without asking: a larger window would let a small file claim much memory. */
const WINDOW_BYTES_MAX = 128 * 1024 * 1024;

/** What a zstd file turned out to be; filled while {@link unzstd} runs. */
export interface ZstdFacts {
  frames: number;
  /** Some frame carries no checksum of its content. */
  unchecked: boolean;
}

/**
 * Decompresses a zstd file (RFC 8878): any number of frames, skippable ones included. The frames' structure is walked here, so that
 * a file that ends early is noticed whatever the decoder says; the decoder (the reference implementation as WebAssembly)
 * verifies the content checksums. It is given one block at a time, which bounds its output to one block per call and
 * shows an error at once: it answers a good block exactly once.
 * @throws UnitFault `damaged_zstd`, `trailing_garbage`, `expansion_limit`
 */
export async function* unzstd(pull: () => Buffer | undefined, facts: ZstdFacts): AsyncGenerator<Buffer> {
  const decoder = new ZSTDDecoder();
  await decoder.init();
  const input = new ByteCursor(pull);
  while (!input.atEnd()) {
    const start = input.offset;
    const magic = input.take(4);
    if (magic === undefined) throw start === 0 ? damaged(TRUNCATED, start) : garbage(start);
    const value = magic.readUInt32LE(0);
    if ((value & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      skipFrame(input);
      continue;
    }
    if (value !== FRAME_MAGIC) {
      if (start > 0) throw garbage(start);
      throw new UnitFault('wrong_compression', 'it is named as zstd but does not begin like zstd', { byte_offset: 0 });
    }
    facts.frames += 1;
    yield* decodeFrame(decoder, input, start, magic, facts);
  }
}

const TRUNCATED = 'the file ends inside the compressed data; it was cut off';

function damaged(reason: string, offset: number): UnitFault {
  return new UnitFault('damaged_zstd', reason, { byte_offset: offset });
}

function garbage(offset: number): UnitFault {
  return new UnitFault('trailing_garbage', 'bytes that are not zstd follow the compressed data', {
    byte_offset: offset,
  });
}

function takeAll(input: ByteCursor, count: number): Buffer {
  const bytes = input.take(count);
  if (bytes === undefined) throw damaged(TRUNCATED, input.offset);
  return bytes;
}

function skipFrame(input: ByteCursor): void {
  let left = takeAll(input, 4).readUInt32LE(0);
  while (left > 0) {
    const rest = input.peek();
    if (rest === undefined) throw damaged(TRUNCATED, input.offset);
    const part = Math.min(left, rest.length);
    input.skip(part);
    left -= part;
  }
}

function* decodeFrame(
  decoder: ZSTDDecoder,
  input: ByteCursor,
  start: number,
  magic: Buffer,
  facts: ZstdFacts,
): Generator<Buffer> {
  const state: FrameState = { size: undefined, checksum: false, pulled: 0 };
  const pieces = framePieces(input, magic, state);
  let answered = 0;
  let length = 0;
  try {
    for (const out of decoder.decodeStreaming(pieces)) {
      answered += 1;
      if (answered > state.pulled)
        throw damaged('the compressed data is damaged, or its checksum does not match', start);
      length += out.length;
      if (out.length > 0) yield Buffer.from(out.buffer, out.byteOffset, out.length);
    }
  } catch (error) {
    if (error instanceof UnitFault) throw error;
    throw damaged(`the compressed data is damaged (${error instanceof Error ? error.message : String(error)})`, start);
  }
  if (state.size !== undefined && state.size !== length)
    throw damaged('the content is not as long as its header says', start);
  if (!state.checksum) facts.unchecked = true;
}

interface FrameState {
  /** Content size that the header declares. */
  size: number | undefined;
  checksum: boolean;
  /** Pieces handed to the decoder so far. */
  pulled: number;
}

/** A frame cut into its header, its blocks and its checksum. */
function* framePieces(input: ByteCursor, magic: Buffer, state: FrameState): Generator<Buffer> {
  const header = frameHeader(input, state);
  state.pulled += 1;
  yield Buffer.concat([magic, header]);
  for (let last = false; !last; ) {
    const head = takeAll(input, 3);
    const value = head.readUIntLE(0, 3);
    const type = (value >> 1) & 3;
    const size = value >> 3;
    last = (value & 1) === 1;
    if (type === 3 || (type !== 1 && size > BLOCK_BYTES_MAX))
      throw damaged('the compressed data is damaged (impossible block)', input.offset - 3);
    const body = takeAll(input, type === 1 ? 1 : size);
    state.pulled += 1;
    yield Buffer.concat([head, body]);
  }
  if (!state.checksum) return;
  state.pulled += 1;
  yield takeAll(input, 4);
}

function frameHeader(input: ByteCursor, state: FrameState): Buffer {
  const first = takeAll(input, 1);
  const descriptor = first[0] ?? 0;
  const single = (descriptor & 0x20) !== 0;
  const sizeBytes = [single ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const windowBytes = single ? 0 : 1;
  state.checksum = (descriptor & 4) !== 0;
  const rest = takeAll(input, windowBytes + dictionaryBytes + sizeBytes);
  if (sizeBytes > 0) {
    const field = rest.subarray(windowBytes + dictionaryBytes);
    const size = sizeBytes === 8 ? Number(field.readBigUInt64LE(0)) : field.readUIntLE(0, sizeBytes);
    state.size = sizeBytes === 2 ? size + 256 : size;
  }
  const window = single ? (state.size ?? 0) : windowOf(rest[0] ?? 0);
  if (window > WINDOW_BYTES_MAX) {
    throw new UnitFault(
      'expansion_limit',
      `decompressing it needs a window of ${window} bytes; at most ${WINDOW_BYTES_MAX} are allowed`,
      { byte_offset: 0 },
    );
  }
  return Buffer.concat([first, rest]);
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}
