import { crc32 } from 'node:zlib';
import { UnitFault } from '../../stream/unit-fault.ts';
import type { Frame } from '../reading.ts';

const SIGNATURE_BYTES = 8;
/** Length, name and checksum of a chunk. */
const CHUNK_FRAME_BYTES = 12;

interface Chunk {
  readonly name: string;
  readonly at: number;
  readonly next: number;
}

/** Every chunk has its checksum, and the last one is the end. @throws UnitFault */
export function pngFrame(bytes: Buffer): Frame {
  const names = new Set<string>();
  let frame: Frame | undefined;
  for (let chunk = chunkAt(bytes, SIGNATURE_BYTES); ; chunk = chunkAt(bytes, chunk.next)) {
    const { name, at, next } = chunk;
    names.add(name);
    if (name === 'IHDR' && next - at >= CHUNK_FRAME_BYTES + 8)
      frame = { width: bytes.readUInt32BE(at + 8), height: bytes.readUInt32BE(at + 12) };
    if (name !== 'IEND') continue;
    if (frame === undefined || !names.has('IDAT')) throw damaged('it holds no picture', at);
    if (next !== bytes.length) throw damaged(`${bytes.length - next} bytes stand behind its end`, next);
    return frame;
  }
}

function chunkAt(bytes: Buffer, at: number): Chunk {
  if (at + CHUNK_FRAME_BYTES > bytes.length) throw damaged('it ends before its end chunk', bytes.length);
  const name = bytes.toString('latin1', at + 4, at + 8);
  const shown = /^[A-Za-z]{4}$/.test(name) ? `${name} chunk` : 'next chunk';
  const next = at + CHUNK_FRAME_BYTES + bytes.readUInt32BE(at);
  if (next > bytes.length) throw damaged(`it ends inside its ${shown}`, bytes.length);
  if (crc32(bytes.subarray(at + 4, next - 4)) !== bytes.readUInt32BE(next - 4))
    throw damaged(`the checksum of its ${shown} is wrong`, at);
  return { name, at, next };
}

function damaged(reason: string, byte_offset: number): UnitFault {
  return new UnitFault('damaged_png', reason, { byte_offset });
}
