import { UnitFault } from '../../stream/unit-fault.ts';
import type { Frame } from '../reading.ts';

const [EOI, SOS] = [0xd9, 0xda];
/** Beginnings of frames lie among others: tables and extensions. */
const [FRAME_FIRST, FRAME_LAST, NO_FRAMES] = [0xc0, 0xcf, [0xc4, 0xc8, 0xcc]];

interface Segment {
  readonly marker: number;
  readonly at: number;
  readonly next: number;
}

/** Segment follows segment up to the end marker. What cameras append behind it is left alone. @throws UnitFault */
export function jpegFrame(bytes: Buffer): Frame {
  let frame: Frame | undefined;
  let has_scan = false;
  for (let segment = segmentAt(bytes, 2); ; segment = segmentAt(bytes, segment.next)) {
    const { marker, at, next } = segment;
    if (marker === EOI) {
      if (frame === undefined || !has_scan) throw damaged('it holds no picture', at);
      return frame;
    }
    if (isFrame(marker) && next - at >= 9)
      frame = { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
    if (marker === SOS) has_scan = true;
  }
}

/** The segment at a place; of a scan the coded picture is a part. */
function segmentAt(bytes: Buffer, from: number): Segment {
  let at = from;
  while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at += 1; // fillers
  const marker = bytes[at + 1];
  if (marker === undefined) throw damaged('it ends before its end marker', bytes.length);
  if (bytes[at] !== 0xff) throw damaged('a marker is missing', at);
  if (marker === EOI || isBare(marker)) return { marker, at, next: at + 2 };
  if (at + 4 > bytes.length) throw damaged('it ends before its end marker', bytes.length);
  const length = bytes.readUInt16BE(at + 2);
  const next = at + 2 + length;
  if (length < 2 || next > bytes.length) throw damaged('it ends inside a segment', bytes.length);
  return { marker, at, next: marker === SOS ? endOfScan(bytes, next) : next };
}

/** The next marker that is neither a stuffed byte nor a restart. */
function endOfScan(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1];
    if (next !== undefined && next !== 0x00 && next !== 0xff && !isRestart(next)) return at;
  }
  throw damaged('it ends before its end marker', bytes.length);
}

/** Markers without a length. */
function isBare(marker: number): boolean {
  return marker === 0x01 || marker === 0xd8 || isRestart(marker);
}

function isRestart(marker: number): boolean {
  return marker >= 0xd0 && marker <= 0xd7;
}

function isFrame(marker: number): boolean {
  return marker >= FRAME_FIRST && marker <= FRAME_LAST && !NO_FRAMES.includes(marker);
}

function damaged(reason: string, byte_offset: number): UnitFault {
  return new UnitFault('damaged_jpeg', reason, { byte_offset });
}
