import { createHash } from 'node:crypto';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { parseDuration } from '../../kit/units.ts';
import type { SqliteValue } from './driver.ts';
import type { SqliteOptions } from './options.ts';

/** Where a cursor stands: the highest value taken, and the rows from the overlap on that were taken, by their marks. */
export interface CursorPosition {
  readonly stamp: string;
  /** Digits, or text in quotes; absent: nothing was taken. */
  readonly at?: string;
  /** Mark of a row → its cursor value. */
  readonly seen?: Readonly<Record<string, string>>;
  /** Marks of the rows without a place in the order of the cursor. */
  readonly strays?: readonly string[];
}

/** More rows than this in the overlap would make every commit heavy. */
const SEEN_MAX = 20_000;

/** A cursor value as text, so that no digit is lost. */
export function cursorText(value: SqliteValue): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

export function cursorValue(text: string): SqliteValue {
  if (text.startsWith('"')) return JSON.parse(text) as string;
  return /^-?\d+$/.test(text) ? BigInt(text) : Number(text);
}

/** The value from which rows are read again. */
export function overlapStart(at: SqliteValue, overlap: number | string | undefined, shown: string): SqliteValue {
  if (overlap === undefined || overlap === 0) return at;
  if (typeof overlap === 'number') {
    if (typeof at === 'bigint') return at - BigInt(overlap);
    if (typeof at === 'number') return at - overlap;
  } else if (typeof at === 'string') {
    const time = /^(\d{4}-\d\d-\d\d)([ T])(\d\d:\d\d(?::\d\d)?)/.exec(at);
    const ms = time === null ? Number.NaN : Date.parse(`${time[1]}T${time[3]}Z`);
    if (!Number.isNaN(ms))
      return new Date(ms - (parseDuration(overlap) ?? 0))
        .toISOString()
        .slice(0, 19)
        .replace('T', time?.[2] ?? 'T');
  }
  throw new DataflowError(
    'E_SOURCE_CURSOR',
    `${shown}: the overlap ${overlap} does not fit the cursor value ${String(at)}`,
    { hint: 'A column of numbers needs a number, a column of ISO times a duration.' },
  );
}

/** Compares as SQLite does: numbers before texts, texts by their bytes. */
export function isBelow(a: SqliteValue, b: SqliteValue): boolean {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
  if (typeof a === 'string' || typeof b === 'string') return typeof b === 'string';
  return (a ?? 0) < (b ?? 0);
}

/** What of the overlap was taken: grows by each row, loses what lies before the overlap. */
export class Seen {
  readonly #marks: Map<string, string>;
  readonly #strays: Set<string>;
  /** Strays of this read: those of earlier ones that it did not meet are gone or changed. */
  readonly #met = new Set<string>();
  #at: SqliteValue | undefined;
  readonly #overlap: number | string | undefined;
  readonly #shown: string;

  constructor({ at, seen = {}, strays = [] }: Partial<CursorPosition>, { cursor }: SqliteOptions, shown: string) {
    this.#marks = new Map(Object.entries(seen));
    this.#strays = new Set(strays);
    this.#at = at === undefined ? undefined : cursorValue(at);
    this.#overlap = cursor?.overlap;
    this.#shown = shown;
  }

  /** The value from which the next rows are read; undefined: all. */
  get start(): SqliteValue | undefined {
    return this.#at === undefined ? undefined : overlapStart(this.#at, this.#overlap, this.#shown);
  }

  /** The highest value taken. */
  get highest(): SqliteValue | undefined {
    return this.#at;
  }

  /** Of what kind the values in order are; undefined while none was taken. */
  get kind(): 'number' | 'text' | undefined {
    return this.#at === undefined ? undefined : typeof this.#at === 'string' ? 'text' : 'number';
  }

  /** Whether this row without a place in the order was taken. */
  hasStray(mark: string): boolean {
    this.#met.add(mark);
    return this.#strays.has(mark);
  }

  addStray(mark: string): void {
    this.#strays.add(mark);
    if (this.#strays.size > SEEN_MAX)
      throw new DataflowError(
        'E_SOURCE_CURSOR',
        `${this.#shown}: more than ${SEEN_MAX} rows have no value of the cursor by which they could be told apart`,
        {
          hint: 'Name the rows to take with `query: select … where …`, give them a value there, or take everything each time, without `cursor:`.',
        },
      );
  }

  /** All strays were met. */
  endStrays(): void {
    for (const mark of this.#strays) if (!this.#met.has(mark)) this.#strays.delete(mark);
  }

  has(mark: string): boolean {
    return this.#marks.has(mark);
  }

  add(mark: string, value: SqliteValue): void {
    this.#marks.set(mark, cursorText(value));
    if (this.#at === undefined || isBelow(this.#at, value)) this.#at = value;
    if (this.#marks.size > SEEN_MAX * 2) this.#forget();
  }

  position(stamp: string): CursorPosition {
    this.#forget();
    if (this.#marks.size > SEEN_MAX)
      throw new DataflowError(
        'E_SOURCE_CURSOR',
        `${this.#shown}: the overlap holds ${this.#marks.size} rows, at most ${SEEN_MAX} can be told apart`,
        { hint: 'Choose a smaller overlap, or a cursor whose values are closer to being unique.' },
      );
    const at = this.#at === undefined ? {} : { at: cursorText(this.#at) };
    const strays = this.#strays.size === 0 ? {} : { strays: [...this.#strays] };
    return { stamp, ...at, seen: Object.fromEntries(this.#marks), ...strays };
  }

  #forget(): void {
    const start = this.start;
    if (start === undefined) return;
    for (const [mark, text] of this.#marks) if (isBelow(cursorValue(text), start)) this.#marks.delete(mark);
  }
}

/** Tells rows apart by key and cursor: an update has another cursor value, and is taken again. */
function markOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 16);
}

/** Marks of the rows of one read: of rows that are equal in all that tells them apart, the second has another mark than the first. */
export class Twins {
  /** Of the rows of one cursor value; in the order of the cursor no more need to be known. */
  readonly #counts = new Map<string, number>();
  #cursor: string | undefined;

  markOf(parts: readonly string[]): string {
    if (parts[0] !== this.#cursor) this.#counts.clear();
    this.#cursor = parts[0];
    const mark = markOf(parts);
    const count = (this.#counts.get(mark) ?? 0) + 1;
    this.#counts.set(mark, count);
    return count === 1 ? mark : `${mark}.${count}`;
  }
}
