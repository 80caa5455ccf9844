import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { LazyColumn } from './packed-files.ts';
import { type Chunk, type Page, textOf, visitTextsOf, visitValuesOf } from './parquet-chunk.ts';

/** A column of one row group, and which of its rows are files: all of them mostly. */
export interface FileChunk<C> {
  readonly column: C;
  /** Number of the first file. */
  readonly first: number;
  readonly rows: Uint32Array;
}

export interface MapChunks {
  readonly key: Chunk;
  readonly value: Chunk;
}

/** Pages that were decoded last; files are mostly asked for in their order. */
const PAGES_KEPT = 4;

/** Values of a page by the number of the row in it. */
type Decoded<T> = readonly (T | undefined)[];

/** One column over all row groups of a checkpoint; a page is decoded when one of its rows is asked for. */
class PagedColumn<C, S, T> implements LazyColumn<T> {
  readonly #groups: readonly FileChunk<C>[];
  readonly #name: string;
  readonly #pagesOf: (column: C) => readonly Page[];
  readonly #decode: (column: C, page: Page) => Decoded<S>;
  readonly #shown: (stored: S) => T;
  readonly #kept = new Map<Page, Decoded<S>>();

  constructor(
    groups: readonly FileChunk<C>[],
    name: string,
    pagesOf: (column: C) => readonly Page[],
    decode: (column: C, page: Page) => Decoded<S>,
    shown: (stored: S) => T,
  ) {
    this.#groups = groups;
    this.#name = name;
    this.#pagesOf = pagesOf;
    this.#decode = decode;
    this.#shown = shown;
  }

  at(index: number): T | undefined {
    const group = lastBefore(this.#groups, index, ({ first }) => first);
    const row = group?.rows[index - group.first];
    if (group === undefined || row === undefined) return undefined;
    const page = lastBefore(this.#pagesOf(group.column), row, ({ first_row }) => first_row);
    const stored = page === undefined ? undefined : this.#decoded(group.column, page)[row - page.first_row];
    return stored === undefined ? undefined : this.#shown(stored);
  }

  #decoded(column: C, page: Page): Decoded<S> {
    const kept = this.#kept.get(page);
    if (kept !== undefined) return kept;
    let decoded: Decoded<S>;
    try {
      decoded = this.#decode(column, page);
    } catch (cause) {
      throw new DataflowError('E_LAKE_CORRUPT', `the checkpoint ${this.#name} is damaged`, { cause });
    }
    for (const [oldest] of this.#kept) if (this.#kept.size >= PAGES_KEPT) this.#kept.delete(oldest);
    this.#kept.set(page, decoded);
    return decoded;
  }
}

export function lazyTexts(groups: readonly FileChunk<Chunk>[], name: string): LazyColumn<string> {
  return new PagedColumn(
    groups,
    name,
    ({ pages }) => pages,
    (chunk, page) => {
      const bytes: unknown[] = new Array(page.rows);
      visitValuesOf(chunk, page, (row, _, value) => {
        bytes[row - page.first_row] = value;
      });
      return bytes;
    },
    textOf,
  );
}

/** Keys and values lie in pages of their own, which need not have the same rows. */
export function lazyMaps(
  groups: readonly FileChunk<MapChunks>[],
  name: string,
): LazyColumn<Readonly<Record<string, string>>> {
  return new PagedColumn(
    groups,
    name,
    ({ key }) => key.pages,
    ({ key, value }, page) => {
      const keys: string[][] = [];
      const maps: (Record<string, string> | undefined)[] = new Array(page.rows);
      const container = mapLevel(key);
      visitTextsOf(key, page, (row, definition, text) => {
        const at = row - page.first_row;
        if (definition >= container) maps[at] ??= {};
        if (text !== undefined) keys[at] = [...(keys[at] ?? []), text];
      });
      for (const other of value.pages) {
        if (other.first_row >= page.first_row + page.rows || other.first_row + other.rows <= page.first_row) continue;
        visitTextsOf(value, other, (row, _, text) => {
          const at = row - page.first_row;
          const name_of = at < 0 || at >= page.rows ? undefined : keys[at]?.shift();
          const map = name_of === undefined ? undefined : maps[at];
          if (map !== undefined && name_of !== undefined && text !== undefined) map[name_of] = text;
        });
      }
      return maps;
    },
    (map) => map,
  );
}

/** How much of a map's path is there when the map is, however empty. */
export function mapLevel({ path }: Chunk): number {
  const below = path.slice(1).map(({ element }) => element.repetition_type);
  return below.slice(0, below.indexOf('REPEATED')).filter((one) => one !== 'REQUIRED').length;
}

/** The last one that begins at or before a place. */
function lastBefore<T>(sorted: readonly T[], place: number, startOf: (one: T) => number): T | undefined {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    const one = sorted[middle];
    if (one !== undefined && startOf(one) <= place) low = middle;
    else high = middle - 1;
  }
  return sorted[low];
}
