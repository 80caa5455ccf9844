import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { memberOf } from '../../kit/json-cut.ts';
import { parseDuration } from '../../kit/units.ts';
import { compareValues, instantOf, overlapFrom } from './cursor.ts';
import type { HttpOptions } from './options.ts';
import { recordDigest } from './overlap.ts';
import type { Page } from './page.ts';
import type { ItemState } from './position.ts';

/** More records than this within one overlap are not remembered one by one. */
const SEEN_MAX = 10_000;
/** JSON text of a field without a value. */
const NONE = 'null';
type Seen = readonly (readonly [digest: string, value: string])[];

/**
 * Follows the highest value of the cursor's field through a sequence of pages, and leaves out records that were taken before: those within
 * the overlap, which is asked for again, and those that stand at its very edge.
 */
export class Changes {
  readonly #cursor: NonNullable<HttpOptions['cursor']>;
  readonly #field: string;
  readonly #before: ReadonlySet<string>;
  #seen: Map<string, string>;
  #high: string | undefined;
  /** Set when records of the overlap had to be forgotten. */
  crowded = false;

  constructor(cursor: NonNullable<HttpOptions['cursor']>, state: ItemState, pass: { high?: string; seen?: Seen }) {
    this.#cursor = cursor;
    this.#field = cursor.field ?? '';
    this.#before = new Set((state.seen ?? []).map(([digest]) => digest));
    this.#seen = new Map([...(state.seen ?? []), ...(pass.seen ?? [])]);
    this.#high = pass.high ?? state.since;
  }

  /** Indexes of the records that were taken in an earlier pull, ascending. @throws DataflowError E_SOURCE_CURSOR when no record has the field. */
  known(page: Page): readonly number[] {
    const dropped: number[] = [];
    const count = page.records.length / 2;
    let without = 0;
    for (let index = 0; index < count; index++) {
      const start = page.records[2 * index] as number;
      const range = memberOf(page.bytes, start, this.#field);
      const value = range === undefined ? NONE : page.bytes.toString('utf8', range.start, range.end);
      const digest = recordDigest(page, index);
      if (this.#before.has(digest)) dropped.push(index);
      if (value === NONE) {
        // It comes whatever is asked for, so it is always remembered.
        without += 1;
        this.#seen.set(digest, NONE);
        continue;
      }
      if (value === NONE || this.#high === undefined || compareValues(value, this.#high) > 0) this.#high = value;
      if (this.#isWithin(value)) this.#seen.set(digest, value);
    }
    if (without > 0 && without === count)
      throw new DataflowError(
        'E_SOURCE_CURSOR',
        `no record has ${JSON.stringify(this.#field)}, which cursor.field names`,
      );
    if (this.#seen.size > 2 * SEEN_MAX) this.#prune();
    return dropped;
  }

  /** What goes into the position. */
  state(): { readonly high?: string; readonly seen: Seen } {
    this.#prune();
    return { ...(this.#high === undefined ? {} : { high: this.#high }), seen: [...this.#seen] };
  }

  #prune(): void {
    const within = [...this.#seen].filter(([, value]) => this.#isWithin(value));
    if (within.length > SEEN_MAX) {
      this.crowded = true;
      within.sort(([, a], [, b]) => compareValues(b, a)).length = SEEN_MAX;
    }
    this.#seen = new Map(within);
  }

  #isWithin(value: string): boolean {
    if (value === NONE || this.#high === undefined || compareValues(value, this.#high) >= 0) return true;
    const overlap_ms = parseDuration(this.#cursor.overlap) ?? 0;
    return overlap_ms > 0 && instantOf(value, this.#cursor) >= overlapFrom(this.#cursor, this.#high);
  }
}
