import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { LakeStorage } from '../core/ports/storage.ts';
import { parseStats } from './delta-stats.ts';
import { lakePath } from './log-paths.ts';
import type { TableState } from './table-state.ts';

const READS_AT_ONCE = 8;

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
  const slice = async (from: number, to = size_bytes): Promise<ArrayBuffer> =>
    Uint8Array.from(await storage.readRange(path, from, to)).buffer;
  try {
    const { num_rows } = await parquetMetadataAsync({ byteLength: size_bytes, slice });
    return Number(num_rows);
  } catch (cause) {
    if (cause instanceof DataflowError) throw cause;
    throw new DataflowError('E_LAKE_CORRUPT', `${path} is not a readable Parquet file`, { cause });
  }
}
