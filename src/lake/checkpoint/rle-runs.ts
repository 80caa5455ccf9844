/** Some writers fill their last packed run up to this many values. */
const PADDING_MAX = 504;

/**
 * Walks through `n` values of Parquet's hybrid of runs and packed bits, and returns how many of them are `counted`; without that, only how
 * long the runs are is looked at.
 * @throws TypeError when a run is longer than what is left of the values; RangeError at the end of the bytes.
 */
export function walkRuns(view: DataView, from: number, width: number, n: number, counted?: number): number {
  let at = from;
  let left = n;
  let found = 0;
  while (left > 0) {
    const { header, next } = headerAt(view, at);
    const packed = header % 2 === 1;
    const count = packed ? ((header - 1) / 2) * 8 : header / 2;
    if (count > left + (packed ? PADDING_MAX : 0))
      throw new TypeError(`a run of ${count} values, where ${left} are left`);
    const used = Math.min(count, left);
    if (counted === undefined) reach(view, next, (packed ? used : 1) * width, width);
    else found += packed ? countPacked(view, next, width, used, counted) : countRun(view, next, width, used, counted);
    at = next + (packed ? (count / 8) * width : (width + 7) >> 3);
    left -= used;
  }
  return found;
}

function countPacked(view: DataView, at: number, width: number, n: number, counted: number): number {
  let found = 0;
  for (let i = 0; i < n; i++) found += Number(bitsAt(view, at, i * width, width) === counted);
  return found;
}

function countRun(view: DataView, at: number, width: number, n: number, counted: number): number {
  return bitsAt(view, at, 0, width) === counted ? n : 0;
}

/** @throws RangeError when the bytes end before so many bits. */
function reach(view: DataView, at: number, bits: number, width: number): void {
  if (width > 32) throw new TypeError(`values of ${width} bits`);
  if (bits > 0) view.getUint8(at + Math.ceil(bits / 8) - 1);
}

/** How long a run is and of which kind, in groups of seven bits. */
function headerAt(view: DataView, from: number): { readonly header: number; readonly next: number } {
  let header = 0;
  for (let i = 0; i < 5; i++) {
    const byte = view.getUint8(from + i);
    header += (byte & 0x7f) * 2 ** (7 * i);
    if ((byte & 0x80) === 0) return { header, next: from + i + 1 };
  }
  throw new TypeError('the length of a run has no end');
}

/** Little end first, as everything in Parquet. Widths over 32 are damage, and no level is so wide. */
function bitsAt(view: DataView, at: number, bit: number, width: number): number {
  if (width > 32) throw new TypeError(`values of ${width} bits`);
  let value = 0;
  for (let i = 0; i < width; i++) {
    const place = bit + i;
    if ((view.getUint8(at + (place >> 3)) >> (place & 7)) & 1) value += 2 ** i;
  }
  return value;
}
