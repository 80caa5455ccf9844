import type { Page } from './page.ts';

const LF = 0x0a;
const BLANK = 0x20;
const NEWLINE = Buffer.from('\n');
const OBJECT = 0x7b;

/**
 * The records that are kept, as lines, in as few pieces as possible. The bytes of the page itself are used: what stands between two
 * records becomes a line end, so nothing is copied unless members are added.
 * @param dropped indexes of records to leave out, ascending.
 */
export function linesOf(page: Page, dropped: readonly number[]): readonly Uint8Array[] {
  if (page.addition !== '') return [withAddition(page, new Set(dropped))];
  const pieces: Uint8Array[] = [];
  const count = page.records.length / 2;
  let first = 0;
  for (const stop of [...dropped, count]) {
    if (stop > first) pushRun(pieces, page, first, stop);
    first = stop + 1;
  }
  return pieces;
}

/** Records from `first` up to, but without, `stop`, in one piece. */
function pushRun(pieces: Uint8Array[], page: Page, first: number, stop: number): void {
  const { bytes, records, layout } = page;
  if (layout.format === 'ndjson' && !isDense(page, first, stop)) {
    pieces.push(packed(page, first, stop));
    return;
  }
  if (layout.format === 'ndjson')
    for (let index = first; index < stop - 1; index++) bytes[records[2 * index + 1] as number] = LF;
  const start = records[2 * first] as number;
  const end = records[2 * stop - 1] as number;
  if (end < bytes.length) {
    bytes[end] = LF;
    pieces.push(bytes.subarray(start, end + 1));
  } else pieces.push(bytes.subarray(start, end), NEWLINE);
}

/** True when one byte stands between any two records. */
function isDense({ records }: Page, first: number, stop: number): boolean {
  for (let index = first; index < stop - 1; index++) {
    if ((records[2 * index + 2] as number) - (records[2 * index + 1] as number) !== 1) return false;
  }
  return true;
}

/** The records without what stands between them: a line should begin and end where its record does. */
function packed({ bytes, records }: Page, first: number, stop: number): Uint8Array {
  const out = Buffer.allocUnsafe((records[2 * stop - 1] as number) - (records[2 * first] as number) + 1);
  let to = 0;
  for (let index = first; index < stop; index++) {
    to += bytes.copy(out, to, records[2 * index], records[2 * index + 1]);
    out[to++] = LF;
  }
  return out.subarray(0, to);
}

function withAddition({ bytes, records, addition }: Page, dropped: ReadonlySet<number>): Uint8Array {
  const suffix = Buffer.from(`,${addition}}\n`);
  const count = records.length / 2;
  let size = 0;
  for (let index = 0; index < count; index++)
    size += (records[2 * index + 1] as number) - (records[2 * index] as number) + suffix.length;
  const out = Buffer.allocUnsafe(size);
  let to = 0;
  for (let index = 0; index < count; index++) {
    if (dropped.has(index)) continue;
    const start = records[2 * index] as number;
    // Without the closing brace and blanks before it.
    let end = (records[2 * index + 1] as number) - 1;
    while (end > start && (bytes[end - 1] as number) <= BLANK) end -= 1;
    to += bytes.copy(out, to, start, end);
    to += suffix.copy(out, to, bytes[end - 1] === OBJECT && end === start + 1 ? 1 : 0);
  }
  return out.subarray(0, to);
}
