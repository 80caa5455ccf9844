import { createHash } from 'node:crypto';
import { memberOf } from '../../kit/json-cut.ts';
import type { Page } from './page.ts';

/** So many pages back a record is recognised; a list that shifts while it is read shifts by a few records. */
const PAGES_BACK = 3;
/** Pages are held in memory; large ones are held against the first and the one before only. */
const BYTES_BACK_MAX = 64_000_000;
/** With declared keys: so many of the latest are remembered. */
const KEYS_MAX = 200_000;
/** The digests of the last page that go into a position, so that the first page after a restart is held against them. */
const TAIL_MAX = 500;

/** Finds records of one sequence of pages that an earlier page had already. Within a page nothing is compared: it cannot overlap itself. */
export class Overlap {
  readonly #key: readonly string[];
  readonly #keys = new Set<string>();
  /** The first page, which a list that wraps around comes back to, and the latest ones. */
  readonly #pages: Remembered[] = [];
  readonly #tail: Set<string>;

  constructor(key: readonly string[], tail: readonly string[]) {
    this.#key = key;
    this.#tail = new Set(tail);
  }

  /** Indexes of the records of this page that are known already, ascending. The page is remembered. */
  known(page: Page): readonly number[] {
    if (this.#key.length > 0 && page.layout.format === 'ndjson') return this.#knownKeys(page);
    const remembered = remember(page);
    const dropped: number[] = [];
    for (let index = 0; index < remembered.prints.length; index++) {
      if (this.#isKnown(remembered, index)) dropped.push(index);
    }
    this.#tail.clear();
    this.#pages.push(remembered);
    while (this.#pages.length > PAGES_BACK + 1 || (this.#pages.length > 2 && this.#size() > BYTES_BACK_MAX))
      this.#pages.splice(1, 1);
    return dropped;
  }

  /** Digests of the last page, for the position; empty when it is too long to carry about. */
  tail(): readonly string[] {
    if (this.#key.length > 0) return [...this.#keys].slice(-TAIL_MAX);
    const page = this.#pages.at(-1)?.page;
    if (page === undefined) return [...this.#tail];
    const count = page.records.length / 2;
    return count > TAIL_MAX ? [] : Array.from({ length: count }, (_, index) => recordDigest(page, index));
  }

  #isKnown(mine: Remembered, index: number): boolean {
    if (this.#tail.size > 0 && this.#tail.has(recordDigest(mine.page, index))) return true;
    return this.#pages.some((other) => holds(other, mine, index));
  }

  #size(): number {
    return this.#pages.reduce((sum, { page }) => sum + page.bytes.length, 0);
  }

  #knownKeys(page: Page): readonly number[] {
    const dropped: number[] = [];
    const fresh: string[] = [];
    for (let index = 0; index < page.records.length / 2; index++) {
      const key = keyOf(page, index, this.#key);
      if (this.#keys.has(key) || this.#tail.has(key)) dropped.push(index);
      else fresh.push(key);
    }
    for (const key of fresh) this.#keys.add(key);
    for (const old of this.#keys) {
      if (this.#keys.size <= KEYS_MAX) break;
      this.#keys.delete(old);
    }
    return dropped;
  }
}

/** A page with a table of its records by print: open addressing in plain numbers, because thousands of pages pass. */
interface Remembered {
  readonly page: Page;
  readonly prints: Int32Array;
  /** Index of a record plus one, at or behind the place that its print says; 0: free. */
  readonly table: Int32Array;
}

function remember(page: Page): Remembered {
  const { bytes, records } = page;
  const count = records.length / 2;
  const prints = new Int32Array(count);
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const table = new Int32Array(2 ** Math.ceil(Math.log2(2 * count + 2)));
  for (let at = 0; at < count; at++) {
    const print = printOf(words, records[2 * at] as number, records[2 * at + 1] as number);
    prints[at] = print;
    let slot = print & (table.length - 1);
    while (table[slot] !== 0) slot = (slot + 1) & (table.length - 1);
    table[slot] = at + 1;
  }
  return { page, prints, table };
}

/** Whether a remembered page has this record of another one. */
function holds({ page, prints, table }: Remembered, mine: Remembered, index: number): boolean {
  const print = mine.prints[index] as number;
  for (let slot = print & (table.length - 1); ; slot = (slot + 1) & (table.length - 1)) {
    const at = (table[slot] as number) - 1;
    if (at < 0) return false;
    if (prints[at] === print && isSame(page, at, mine.page, index)) return true;
  }
}

/** All bytes of a short record count, of a long one its beginning, its end and some between: equal prints are compared in full. */
const PRINT_BYTES = 256;

function printOf(words: DataView, start: number, end: number): number {
  let print = end - start;
  const step = end - start <= 2 * PRINT_BYTES ? 4 : Math.max(4, Math.floor((end - start) / PRINT_BYTES));
  const head = Math.min(end, start + PRINT_BYTES);
  for (let at = start; at + 3 < head; at += 4) print = mixed(print, words.getInt32(at, true));
  for (let at = head; at + 3 < end; at += step) print = mixed(print, words.getInt32(at, true));
  if (end - start > 4) print = mixed(print, words.getInt32(end - 4, true));
  return print;
}

function mixed(print: number, word: number): number {
  const product = Math.imul(print ^ word, 0x9e3779b1);
  return product ^ (product >>> 15);
}

function isSame(a: Page, a_index: number, b: Page, b_index: number): boolean {
  const [a_start, a_end] = [a.records[2 * a_index] as number, a.records[2 * a_index + 1] as number];
  const [b_start, b_end] = [b.records[2 * b_index] as number, b.records[2 * b_index + 1] as number];
  return a_end - a_start === b_end - b_start && a.bytes.compare(b.bytes, b_start, b_end, a_start, a_end) === 0;
}

/** Twelve characters that stand for all bytes of a record. */
export function recordDigest({ bytes, records }: Page, index: number): string {
  const record = bytes.subarray(records[2 * index], records[2 * index + 1]);
  return createHash('sha256').update(record).digest('base64url').slice(0, 12);
}

function keyOf({ bytes, records }: Page, index: number, key: readonly string[]): string {
  return key
    .map((name) => {
      const value = memberOf(bytes, records[2 * index] as number, name);
      return value === undefined ? '' : bytes.toString('utf8', value.start, value.end);
    })
    .join('\u0000');
}
