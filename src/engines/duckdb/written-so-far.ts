import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { WriteTarget } from '../../core/ports/engine.ts';
import { CompactReader } from '../../kit/compact-protocol.ts';

/** The four bytes that a Parquet file begins with. */
const MAGIC_BYTES = 4;
/** More than the head of a page takes. */
const HEAD_BYTES = 256;
/** Pages that one look goes through at most: the next look goes on. */
const PAGES_MAX = 4_000;
/** Fields of PageHeader: type, size as it lies there, number of values of a data page of either kind. */
const TYPE = 1;
const SIZE = 3;
const VALUES = [501, 801] as const;
const DATA_PAGES: ReadonlySet<number> = new Set([0, 3]);
const DICTIONARY_PAGE = 2;

/** How far one file was read. */
interface Place {
  at: number;
  values: number;
}

/**
 * Counts the rows of Parquet files that are being written: those whose row group is in the file. What a file holds is only stated at its end, but
 * each page says how many values it has; a table without nested columns has as many values as rows and columns.
 */
export class WrittenSoFar {
  readonly #folder: string;
  readonly #columns: number | undefined;
  readonly #places = new Map<string, Place>();

  constructor({ folder, columns, partition_by = [] }: WriteTarget) {
    this.#folder = folder;
    const nested = columns.some(({ type }) => /\[|^(struct|map|list|union)/i.test(type));
    this.#columns = nested ? undefined : columns.length - partition_by.length;
  }

  /** What is there by now; a file that goes away meanwhile counts no more. */
  look(): { readonly rows?: number; readonly bytes?: number } {
    const files = this.#files();
    if (files === undefined) return {};
    const bytes = files.reduce((sum, file) => sum + file.size, 0);
    if (this.#columns === undefined || this.#columns === 0) return { bytes };
    let values = 0;
    for (const { path, size } of files) {
      const place = this.#places.get(path) ?? { at: MAGIC_BYTES, values: 0 };
      this.#places.set(path, place);
      goOn(path, size, place);
      values += place.values;
    }
    return { rows: Math.floor(values / this.#columns), bytes };
  }

  /** Undefined where the folder is none of this machine. */
  #files(): readonly { readonly path: string; readonly size: number }[] | undefined {
    try {
      const names = readdirSync(this.#folder, { recursive: true, encoding: 'utf8' });
      return names
        .filter((name) => name.endsWith('.parquet'))
        .map((name) => join(this.#folder, name))
        .flatMap((path) => {
          const stat = statSync(path, { throwIfNoEntry: false });
          return stat === undefined ? [] : [{ path, size: stat.size }];
        });
    } catch {
      return undefined;
    }
  }
}

/** Reads the heads of pages from where the last look ended. */
function goOn(path: string, size: number, place: Place): void {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return;
  }
  try {
    const bytes = Buffer.alloc(HEAD_BYTES);
    for (let pages = 0; pages < PAGES_MAX && place.at < size; pages += 1) {
      const read = readSync(fd, bytes, 0, HEAD_BYTES, place.at);
      const page = pageIn(bytes.subarray(0, read));
      // Half a page, or the end of the file, which begins otherwise.
      if (page === undefined || place.at + page.length > size) return;
      place.at += page.length;
      place.values += page.values;
    }
  } finally {
    closeSync(fd);
  }
}

/** The page that begins here: its length with its head, and its values; undefined where none does. */
function pageIn(bytes: Buffer): { readonly length: number; readonly values: number } | undefined {
  const fields = new Map<number, number>();
  const reader = new CompactReader(bytes);
  try {
    reader.struct((id, value) => void fields.set(id, value));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  const type = fields.get(TYPE) ?? -1;
  const size = fields.get(SIZE) ?? -1;
  const values = VALUES.map((id) => fields.get(id)).find((one) => one !== undefined);
  if (size < 0 || (type !== DICTIONARY_PAGE && (!DATA_PAGES.has(type) || values === undefined))) return undefined;
  return { length: reader.at + size, values: DATA_PAGES.has(type) ? (values ?? 0) : 0 };
}
