import type { ColumnChunk, SchemaElement, SchemaTree } from 'hyparquet';
import type { Action, AddAction } from '../delta-actions.ts';
import { FileColumns } from './file-columns.ts';
import { writerParts } from './parquet-pages.ts';
import { ROWS_KEY } from './reader.ts';
import { ACTIONS, SCHEMA } from './schema.ts';

/** What a checkpoint is made of: everything but the files, then the files, in their order. */
export interface CheckpointInput {
  readonly actions: readonly Omit<Action, 'add'>[];
  readonly files: Iterable<AddAction>;
  /** Rows of all files, when each of them has statistics. */
  readonly rows: number | undefined;
}

const GROUP_FILES = 100_000;
/** Members that are 64-bit integers in the checkpoint's schema; the writer wants them as such. */
const LONGS: ReadonlySet<string> = new Set(['size', 'deletionTimestamp', 'createdTime', 'version', 'lastUpdated']);

/**
 * One Parquet file of actions (PROTOCOL.md, "Checkpoint Schema"): a row group of all that is not a file, then row groups of files. These
 * are written column by column, since there may be a million of them.
 */
export async function encodeCheckpoint({ actions, files, rows }: CheckpointInput): Promise<Uint8Array> {
  const [parts, { parquetSchema }, { ByteWriter, ParquetWriter }] = await Promise.all([
    writerParts(),
    import('hyparquet'),
    import('hyparquet-writer'),
  ]);
  const writer = new ByteWriter();
  const kvMetadata = rows === undefined ? [] : [{ key: ROWS_KEY, value: String(rows) }];
  const file = new ParquetWriter({ writer, schema: SCHEMA, statistics: false, kvMetadata, createdBy: 'dataflow' });
  const columnData = ACTIONS.map((name) => ({ name, data: actions.map((one) => wide(one, name)), offsetIndex: false }));
  await file.write({ columnData, rowGroupSize: GROUP_FILES });
  const pieces: Uint8Array[] = [];
  const leaves = leavesOf(parquetSchema({ schema: SCHEMA }), []);
  const newColumns = (): FileColumns => new FileColumns(parts, leaves);
  let columns = newColumns();
  const end = (): void => {
    if (columns.rows === 0) return;
    const start = writer.offset;
    const chunks = columns.writeTo(writer);
    const bytes = BigInt(writer.offset - start);
    const num_rows = BigInt(columns.rows);
    file.row_groups.push({
      columns: chunks,
      total_byte_size: uncompressed(chunks),
      num_rows,
      total_compressed_size: bytes,
    });
    file.num_rows += num_rows;
    pieces.push(writer.getBytes().slice());
    // The next group begins in an empty buffer; `offset` goes on.
    writer.index = 0;
    columns = newColumns();
  };
  for (const add of files) {
    columns.add(add);
    if (columns.rows === GROUP_FILES) end();
  }
  end();
  await file.finish();
  return Buffer.concat([...pieces, writer.getBytes()]);
}

function uncompressed(chunks: readonly ColumnChunk[]): bigint {
  return chunks.reduce((sum, { meta_data }) => sum + (meta_data?.total_uncompressed_size ?? 0n), 0n);
}

/** Paths from the root to each column, in the order of the schema. */
function leavesOf(tree: SchemaTree, above: readonly SchemaElement[]): readonly (readonly SchemaElement[])[] {
  const path = [...above, tree.element];
  return tree.children.length === 0 ? [path] : tree.children.flatMap((child) => leavesOf(child, path));
}

function wide(action: Action, name: keyof Action): unknown {
  const body = action[name];
  if (body === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(body).map(([member, value]) => [
      member,
      LONGS.has(member) && typeof value === 'number' ? BigInt(value) : value,
    ]),
  );
}
