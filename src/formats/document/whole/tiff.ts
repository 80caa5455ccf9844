import { UnitFault } from '../../stream/unit-fault.ts';
import type { Frame } from '../reading.ts';

const WIDTH = 256;
const HEIGHT = 257;
const PACKING = 259;
const NOT_PACKED = 1;
/** Offsets of strips and tiles, and how many bytes each has. */
const DATA = [
  [273, 279],
  [324, 325],
] as const;
const WANTED: readonly number[] = [WIDTH, HEIGHT, PACKING, ...DATA.flat()];
/** Bytes of a value by its type: what pages, sizes and offsets are written in. */
const VALUE_BYTES: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4 };
const ENTRY_BYTES = 12;
/** So many zeros at the end are no packed picture, but what a power cut leaves. */
const ZEROS = 64;

/** Every page's directory and all its strips or tiles lie inside the file, and it does not end in zeros that nobody wrote. @throws UnitFault */
export function tiffFrames(bytes: Buffer): readonly Frame[] {
  const read = new Numbers(bytes, bytes[0] === 0x49);
  const frames: Frame[] = [];
  const seen = new Set<number>();
  let is_plain = false;
  for (let at = read.number(4, 4); at !== 0; ) {
    if (seen.has(at)) throw damaged('its directories go in a circle', at);
    seen.add(at);
    const entries = read.number(at, 2);
    const tags = new Map<number, readonly number[]>();
    for (let n = 0; n < entries; n++) read.entry(at + 2 + n * ENTRY_BYTES, tags);
    frames.push(frameOf(tags, bytes.length, at));
    is_plain ||= isPlain(tags, bytes.length);
    at = read.number(at + 2 + entries * ENTRY_BYTES, 4);
  }
  if (endsInZeros(bytes) && !is_plain) throw damaged('it ends in zeros', bytes.length - ZEROS);
  if (frames.length === 0) throw damaged('it holds no page', 4);
  return frames;
}

function frameOf(tags: ReadonlyMap<number, readonly number[]>, size: number, at: number): Frame {
  const [width, height] = [tags.get(WIDTH)?.[0], tags.get(HEIGHT)?.[0]];
  if (width === undefined || height === undefined) throw damaged('a page has no size', at);
  let pieces = 0;
  for (const [where, lengths] of DATA) {
    const offsets = tags.get(where) ?? [];
    const counts = tags.get(lengths) ?? [];
    if (offsets.length !== counts.length) throw damaged('a page does not say where its picture is', at);
    for (const [index, offset] of offsets.entries())
      if (offset + (counts[index] ?? 0) > size) throw damaged('it ends inside a picture', size);
    pieces += offsets.length;
  }
  if (pieces === 0) throw damaged('a page does not say where its picture is', at);
  return { width, height };
}

function endsInZeros(bytes: Buffer): boolean {
  return bytes.subarray(-ZEROS).every((byte) => byte === 0);
}

/** The last bytes of the file are pixels of this page as they are, which may well be zeros. */
function isPlain(tags: ReadonlyMap<number, readonly number[]>, size: number): boolean {
  const ends = DATA.flatMap(([where, lengths]) =>
    (tags.get(where) ?? []).map((offset, index) => offset + (tags.get(lengths)?.[index] ?? 0)),
  );
  return (tags.get(PACKING)?.[0] ?? NOT_PACKED) === NOT_PACKED && ends.includes(size);
}

class Numbers {
  readonly #bytes: Buffer;
  readonly #little: boolean;

  constructor(bytes: Buffer, little: boolean) {
    this.#bytes = bytes;
    this.#little = little;
  }

  number(at: number, length: number): number {
    if (at + length > this.#bytes.length) throw damaged('it ends inside a directory', this.#bytes.length);
    return this.#little ? this.#bytes.readUIntLE(at, length) : this.#bytes.readUIntBE(at, length);
  }

  /** Adds one entry's values where they are numbers; short ones stand in the entry itself. */
  entry(at: number, tags: Map<number, readonly number[]>): void {
    const tag = this.number(at, 2);
    const size = VALUE_BYTES[this.number(at + 2, 2)];
    const count = this.number(at + 4, 4);
    if (size === undefined || !WANTED.includes(tag)) return;
    if (count * size > this.#bytes.length) throw damaged('a directory names more than the file holds', at);
    const from = count * size <= 4 ? at + 8 : this.number(at + 8, 4);
    tags.set(
      tag,
      Array.from({ length: count }, (_, n) => this.number(from + n * size, size)),
    );
  }
}

function damaged(reason: string, byte_offset: number): UnitFault {
  return new UnitFault('damaged_tiff', reason, { byte_offset });
}
