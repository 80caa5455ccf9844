import type { ColumnMetaData, FileMetaData, SchemaTree } from 'hyparquet';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { LakeStorage } from '../../core/ports/storage.ts';
import type { MetaDataAction, ProtocolAction, RemoveAction, TxnAction } from '../delta-actions.ts';
import { type ChunksOf, FilesOfCheckpoint } from './files.ts';
import { groupRows } from './guard.ts';
import type { PackedFiles } from './packed-files.ts';
import { type Chunk, chunkRange, openChunk } from './parquet-chunk.ts';
import { type ParquetParts, parquetParts } from './parquet-parts.ts';
import { actionsIn } from './rows.ts';

/** What a checkpoint says: its files stay packed. */
export interface CheckpointContent {
  readonly protocol: ProtocolAction | undefined;
  readonly metaData: MetaDataAction | undefined;
  readonly txns: readonly TxnAction[];
  readonly removes: readonly RemoveAction[];
  readonly files: PackedFiles;
}

/** A Parquet file that is read by ranges. */
export interface RangedFile {
  /** For messages. */
  readonly name: string;
  readonly size_bytes: number;
  /** @param passing the bytes are of use until the next ones are read so. */
  read(from: number, to: number, passing?: boolean): Promise<Uint8Array>;
}

/** So much is read at once where less is wanted: most columns of most row groups are next to nothing. */
const AHEAD_BYTES = 1024 * 1024;
/** What is larger is read by itself, so that letting go of one column lets go of its bytes. */
const SMALL_BYTES = 64 * 1024;
/** The footer key with the rows of all files, for checkpoints of ours in which each file has statistics. */
export const ROWS_KEY = 'dataflow.rows';

/** The parts of one checkpoint, in a folder of the lake. @throws DataflowError E_LAKE_NO_VERSION when one is gone, E_LAKE_CORRUPT. */
export async function readCheckpoint(
  storage: LakeStorage,
  paths: readonly string[],
  resolve: (path: string) => string,
): Promise<CheckpointContent> {
  const files: RangedFile[] = [];
  for (const path of paths) {
    const info = await storage.info(path);
    if (info === undefined) throw new DataflowError('E_LAKE_NO_VERSION', `the checkpoint ${path} is gone`);
    const { size_bytes } = info;
    const whole = storage.cheap_ranges ? undefined : await storage.read(path);
    const read = whole === undefined ? readAhead(storage, path, size_bytes) : readFrom(whole);
    files.push({ name: path, size_bytes: whole?.length ?? size_bytes, read });
  }
  return await decodeCheckpoint(files, resolve);
}

/** What stays is copied, so that the whole can go. */
function readFrom(whole: Uint8Array): RangedFile['read'] {
  return async (from, to, passing) => (passing === true ? whole.subarray(from, to) : whole.slice(from, to));
}

function readAhead(storage: LakeStorage, path: string, size_bytes: number): RangedFile['read'] {
  let ahead = { from: 0, bytes: new Uint8Array(0) };
  let reused = new Uint8Array(0);
  return async (from, to, passing = false) => {
    const inside = from >= ahead.from && to <= ahead.from + ahead.bytes.length;
    if (!inside && to - from > SMALL_BYTES && size_bytes > AHEAD_BYTES) {
      if (!passing) return await storage.readRange(path, from, to);
      if (reused.length < to - from) reused = new Uint8Array(to - from);
      return await storage.readRange(path, from, to, reused);
    }
    if (!inside) {
      const end = Math.min(size_bytes, Math.max(to, from + AHEAD_BYTES));
      ahead = { from, bytes: new Uint8Array(await storage.readRange(path, from, end)) };
    }
    return ahead.bytes.subarray(from - ahead.from, to - ahead.from);
  };
}

/** @throws DataflowError E_LAKE_CORRUPT for a file that is no checkpoint. */
export async function decodeCheckpoint(
  parts: readonly RangedFile[],
  resolve: (path: string) => string,
): Promise<CheckpointContent> {
  const found: Found = { protocol: [], metaData: [], txn: [], remove: [] };
  const files = new FilesOfCheckpoint(parts.map(({ name }) => name).join(', '), resolve);
  let at = '';
  try {
    for (const part of parts) {
      at = part.name;
      await decodePart(part, found, files);
    }
    const [protocol, metaData] = [found.protocol.at(-1), found.metaData.at(-1)];
    return { protocol, metaData, txns: found.txn, removes: found.remove, files: files.packed() };
  } catch (cause) {
    if (cause instanceof DataflowError) throw cause;
    throw new DataflowError(
      'E_LAKE_CORRUPT',
      `the checkpoint ${at} is damaged (${cause instanceof Error ? cause.message : cause})`,
      { cause },
    );
  }
}

interface Found {
  readonly protocol: ProtocolAction[];
  readonly metaData: MetaDataAction[];
  readonly txn: TxnAction[];
  readonly remove: RemoveAction[];
}

async function decodePart(part: RangedFile, found: Found, files: FilesOfCheckpoint): Promise<void> {
  const { parquetMetadataAsync, parquetSchema } = await import('hyparquet');
  const { getTreePath } = await import('hyparquet/src/schema.js');
  const file = {
    byteLength: part.size_bytes,
    slice: async (from: number, to = part.size_bytes) => exact(await part.read(from, to)),
  };
  const metadata = await parquetMetadataAsync(file, { geoparquet: false });
  const rows = groupRows(metadata, part.size_bytes);
  const tree = parquetSchema(metadata);
  const reading = { part, parts: await parquetParts(metadata), pathOf: (names: string[]) => getTreePath(tree, names) };
  files.expect(
    rowsSaid(metadata),
    rows.reduce((sum, one) => sum + one, 0),
  );
  for (const [index, { columns }] of metadata.row_groups.entries()) {
    const group_rows = rows[index] ?? 0;
    const metas = columns.map(({ meta_data }) => meta_data);
    const chunksOf: ChunksOf = (wanted, passing) => readChunks(reading, metas, group_rows, wanted, passing);
    for (const kind of ['protocol', 'metaData', 'txn', 'remove'] as const)
      for (const action of actionsIn(kind, await chunksOf(([first]) => first === kind)))
        (found[kind] as (typeof action)[]).push(action);
    await files.addGroup(chunksOf, group_rows);
  }
}

interface Reading {
  readonly part: RangedFile;
  readonly parts: ParquetParts;
  pathOf(names: string[]): SchemaTree[];
}

async function readChunks(
  { part, parts, pathOf }: Reading,
  columns: readonly (ColumnMetaData | undefined)[],
  rows: number,
  wanted: (names: readonly string[]) => boolean,
  passing = false,
): Promise<readonly Chunk[]> {
  const chunks: Chunk[] = [];
  for (const meta of columns) {
    if (meta === undefined) throw new TypeError('a column without metadata');
    if (!wanted(meta.path_in_schema)) continue;
    const { start, size } = chunkRange(meta, part.size_bytes);
    const bytes = await part.read(start, start + size, passing);
    chunks.push(openChunk(parts, meta, pathOf(meta.path_in_schema), bytes, { rows, file_bytes: part.size_bytes }));
  }
  return chunks;
}

function rowsSaid({ key_value_metadata }: FileMetaData): number | undefined {
  const said = key_value_metadata?.find(({ key }) => key === ROWS_KEY)?.value;
  return said !== undefined && /^\d{1,15}$/.test(said) ? Number(said) : undefined;
}

function exact(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.byteLength);
  new Uint8Array(copy).set(bytes);
  return copy;
}
