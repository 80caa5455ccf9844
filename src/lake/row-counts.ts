import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { LakeStorage } from '../core/ports/storage.ts';
import { parseStats } from './delta-stats.ts';
import { lakePath } from './log-paths.ts';
import type { TableState } from './table-state.ts';

const READS_AT_ONCE = 8;
/** Most footers are shorter; what is missing of a longer one is read after it. */
const FOOTER_GUESS_BYTES = 64 * 1024;

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
  const silent = [...state.adds].filter(
    ([path, { action }]) => !known.has(path) && parseStats(action.stats) === undefined,
  );
  if (silent.length === 0) return;
  const count = async (path: string, size: number): Promise<void> => {
    known.set(path, await footerRows(storage, lakePath(folder, path), size));
  };
  for (let at = 0; at < silent.length; at += READS_AT_ONCE) {
    await Promise.all(silent.slice(at, at + READS_AT_ONCE).map(([path, { action }]) => count(path, action.size)));
  }
}

/** Rows of one file, from its Parquet footer. @throws DataflowError E_LAKE_CORRUPT when it has none, E_LAKE_IO. */
export async function footerRows(storage: LakeStorage, path: string, size_bytes: number): Promise<number> {
  const { parquetMetadataAsync } = await import('hyparquet');
  const slice = async (from: number, to = size_bytes): Promise<ArrayBuffer> => {
    const { buffer, byteOffset, byteLength } = await storage.readRange(path, from, to);
    return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
  };
  const options = { initialFetchSize: FOOTER_GUESS_BYTES, geoparquet: false };
  try {
    const { num_rows } = await parquetMetadataAsync({ byteLength: size_bytes, slice }, options);
    return Number(num_rows);
  } catch (cause) {
    if (cause instanceof DataflowError) throw cause;
    throw new DataflowError('E_LAKE_CORRUPT', `${path} is not a readable Parquet file`, { cause });
  }
}
