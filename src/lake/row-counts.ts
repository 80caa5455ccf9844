import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { LakeStorage } from '../core/ports/storage.ts';
import { CompactReader } from '../kit/compact-protocol.ts';
import { lakePath } from './log-paths.ts';
import type { TableState } from './table-state.ts';

const READS_AT_ONCE = 8;
/** Most footers are shorter; what is missing of a longer one is read after it. */
const FOOTER_GUESS_BYTES = 64 * 1024;
/** What Parquet files begin and end with. */
const MARK = 'PAR1';
/** The length of the footer and the mark. */
const TAIL_BYTES = 8;
/** The field of FileMetaData. */
const NUM_ROWS = 3;

/**
 * Rows of the live files whose writer left no statistics, from their Parquet footers; `known` is filled and used again.
 * @throws DataflowError E_LAKE_CORRUPT naming a file that is no Parquet file, E_LAKE_IO.
 */
export async function countRows(
  storage: LakeStorage,
  folder: string,
  state: TableState,
  known: Map<string, number>,
): Promise<void> {
  const silent = [...state.adds.silent()].filter(([path]) => !known.has(path));
  if (silent.length === 0) return;
  const count = async (path: string, size: number): Promise<void> => {
    known.set(path, await footerRows(storage, lakePath(folder, path), size));
  };
  for (let at = 0; at < silent.length; at += READS_AT_ONCE) {
    await Promise.all(silent.slice(at, at + READS_AT_ONCE).map(([path, { action }]) => count(path, action.size)));
  }
}

/**
 * Rows of one file, from its Parquet footer: field 3 of its FileMetaData; all of it is gone through, its statistics and row groups are not needed.
 * @throws DataflowError E_LAKE_CORRUPT when it has none, E_LAKE_IO.
 */
export async function footerRows(storage: LakeStorage, path: string, size_bytes: number): Promise<number> {
  try {
    let rows: number | undefined;
    new CompactReader(await footerOf(storage, path, size_bytes)).struct((field, value) => {
      if (field === NUM_ROWS) rows = value;
    });
    if (rows === undefined || rows < 0) throw new RangeError('its footer has no row count');
    return rows;
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new DataflowError('E_LAKE_CORRUPT', `${path} is not a readable Parquet file`, { cause });
  }
}

/** The bytes between a file's columns and its last eight: their length and the mark. */
async function footerOf(storage: LakeStorage, path: string, size_bytes: number): Promise<Buffer> {
  if (size_bytes < MARK.length + TAIL_BYTES) throw new RangeError('it is too short');
  const from = Math.max(0, size_bytes - FOOTER_GUESS_BYTES);
  const read = Buffer.from(await storage.readRange(path, from, size_bytes));
  if (read.length !== size_bytes - from || read.subarray(-MARK.length).toString('latin1') !== MARK)
    throw new RangeError('it does not end as Parquet files do');
  const begin = size_bytes - TAIL_BYTES - read.readUInt32LE(read.length - TAIL_BYTES);
  if (begin < MARK.length) throw new RangeError('its footer is longer than the file');
  const known = read.subarray(Math.max(0, begin - from), -TAIL_BYTES);
  if (begin >= from) return known;
  return Buffer.concat([await storage.readRange(path, begin, from), known]);
}
