import { CR, LF } from './machine.ts';

/** What a stretch of text without quotes holds. */
export interface Newlines {
  /** Lines that end in LF alone, in CR LF, in CR alone. */
  lf: number;
  crlf: number;
  cr: number;
  /** Empty lines among them. */
  blank: number;
}

const ONES = 0x01010101;
const HIGH = 0x80808080 | 0;
const LOW7 = 0x7f7f7f7f;
const LF4 = LF * ONES;
const CR4 = CR * ONES;
/** Per-byte counters inside a word hold 255 at most, so they are emptied before that. */
const FLUSH_EVERY = 255;

/**
 * Counts line ends four bytes at a time ("SIMD within a register"; the exact zero-byte test of Warren, Hacker's Delight, 6-1).
 * Undefined when a CR stands alone: then the careful reader must look. The stretch begins where `atLineStart` says and
 * must not begin just after a CR nor end in one.
 */
export function countNewlines(bytes: Buffer, atLineStart: boolean): Newlines | undefined {
  const head = Math.min(bytes.length, (4 - (bytes.byteOffset & 3)) & 3);
  const words = (bytes.length - head) >> 2;
  const total: Newlines = { lf: 0, crlf: 0, cr: 0, blank: 0 };
  const before = { lf: atLineStart, cr: false };
  if (!countBytes(bytes, 0, head, before, total)) return undefined;
  const view = new Int32Array(bytes.buffer, bytes.byteOffset + head, words);
  const counted = bytes.includes(CR) ? countMixed(view, before, total) : countPlain(view, before, total);
  if (!counted) return undefined;
  return countBytes(bytes, head + words * 4, bytes.length, before, total) ? total : undefined;
}

/** What the byte just before was. */
interface Before {
  lf: boolean;
  cr: boolean;
}

function countBytes(bytes: Buffer, from: number, to: number, before: Before, total: Newlines): boolean {
  for (let at = from; at < to; at++) {
    const byte = bytes[at];
    if (before.cr && byte !== LF) return false;
    if (byte === LF && before.cr) total.crlf += 1;
    else if (byte === LF) total.lf += 1;
    if (before.lf && (byte === LF || byte === CR)) total.blank += 1;
    before.lf = byte === LF;
    before.cr = byte === CR;
  }
  return true;
}

/** No CR anywhere: an LF after an LF is a blank line. */
function countPlain(view: Int32Array, before: Before, total: Newlines): boolean {
  let carry = before.lf ? 0x80 : 0;
  for (let from = 0; from < view.length; from += FLUSH_EVERY) {
    const to = Math.min(view.length, from + FLUSH_EVERY);
    let ends = 0;
    let blanks = 0;
    for (let at = from; at < to; at++) {
      const x = (view[at] as number) ^ LF4;
      const lf = ~(((x & LOW7) + LOW7) | x) & HIGH;
      ends += lf >>> 7;
      blanks += (lf & ((lf << 8) | carry)) >>> 7;
      carry = (lf >>> 24) & 0x80;
    }
    total.lf += sumBytes(ends);
    total.blank += sumBytes(blanks);
  }
  if (view.length > 0) before.lf = carry !== 0;
  return true;
}

/** With CRs, each of which must stand before an LF; false when one does not. */
function countMixed(view: Int32Array, before: Before, total: Newlines): boolean {
  let carryLf = before.lf ? 0x80 : 0;
  let carryCr = before.cr ? 0x80 : 0;
  for (let from = 0; from < view.length; from += FLUSH_EVERY) {
    const to = Math.min(view.length, from + FLUSH_EVERY);
    let ends = 0;
    let pairs = 0;
    let blanks = 0;
    let alone = 0;
    for (let at = from; at < to; at++) {
      const word = view[at] as number;
      const x = word ^ LF4;
      const y = word ^ CR4;
      const lf = ~(((x & LOW7) + LOW7) | x) & HIGH;
      const cr = ~(((y & LOW7) + LOW7) | y) & HIGH;
      const afterCr = (cr << 8) | carryCr;
      const afterLf = (lf << 8) | carryLf;
      ends += lf >>> 7;
      pairs += (lf & afterCr) >>> 7;
      blanks += ((lf | cr) & afterLf) >>> 7;
      alone |= afterCr & ~lf;
      carryLf = (lf >>> 24) & 0x80;
      carryCr = (cr >>> 24) & 0x80;
    }
    if (alone !== 0) return false;
    const crlf = sumBytes(pairs);
    total.crlf += crlf;
    total.lf += sumBytes(ends) - crlf;
    total.blank += sumBytes(blanks);
  }
  if (view.length > 0) {
    before.lf = carryLf !== 0;
    before.cr = carryCr !== 0;
  }
  return true;
}

function sumBytes(word: number): number {
  return (word & 0xff) + ((word >>> 8) & 0xff) + ((word >>> 16) & 0xff) + (word >>> 24);
}
