import { gunzipSync } from 'node:zlib';
import type { AsyncBuffer, Compressors, SchemaElement } from 'hyparquet';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import { refuseFalseCounts } from './checkpoint-guard.ts';
import { type Action, actionProblem } from './delta-actions.ts';

/**
 * Checkpoints are Parquet files. They are small (one row per live file), so that a Parquet reader in JavaScript does, and the lake needs
 * no engine. The libraries are loaded only when a checkpoint is read or written.
 */
const ACTIONS = ['protocol', 'metaData', 'txn', 'remove', 'add'] as const;

/** @throws DataflowError E_LAKE_CORRUPT for a file that is no checkpoint. */
export async function decodeCheckpoint(bytes: Uint8Array, name: string): Promise<readonly Action[]> {
  const [{ parquetMetadata, parquetReadObjects }, { ZSTDDecoder }] = await Promise.all([
    import('hyparquet'),
    import('zstddec'),
  ]);
  try {
    const zstd = new ZSTDDecoder();
    await zstd.init();
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    const metadata = parquetMetadata(file, { geoparquet: false });
    const there = new Set(metadata.schema.map((element) => element.name));
    const compressors: Compressors = {
      ZSTD: (input, length) => zstd.decode(input, length),
      GZIP: (input, length) => gunzipSync(input, { maxOutputLength: Math.max(1, length) }),
    };
    await refuseFalseCounts(file, metadata, new Set(ACTIONS), compressors);
    const rows = await parquetReadObjects({
      file: quietFile(file),
      metadata,
      columns: ACTIONS.filter((action) => there.has(action)),
      compressors,
    });
    return rows.map((row, index) => {
      const action = actionOf(row);
      const problem = actionProblem(action);
      if (problem !== undefined) throw new TypeError(`row ${index}: ${problem}`);
      return action;
    });
  } catch (cause) {
    throw new DataflowError(
      'E_LAKE_CORRUPT',
      `the checkpoint ${name} is damaged (${cause instanceof Error ? cause.message : cause})`,
      { cause },
    );
  }
}

/**
 * The reader lets go of the other columns when one is damaged; nobody would hear their errors, which would end the program. So each
 * promise that it makes of a slice is heard here.
 */
function quietFile(file: ArrayBuffer): AsyncBuffer {
  return {
    byteLength: file.byteLength,
    slice: (start, end) => {
      const slice = Promise.resolve(file.slice(start, end));
      const heard = (...handlers: Parameters<typeof slice.then>) => {
        const next = Promise.prototype.then.apply(slice, handlers);
        next.catch(() => undefined);
        return next;
      };
      return Object.defineProperty(slice, 'then', { value: heard });
    },
  };
}

/** The one action of a row: 64-bit integers as numbers, absent members left out, as in JSON. */
function actionOf(row: Readonly<Record<string, unknown>>): Action {
  for (const name of ACTIONS) {
    const body = row[name];
    if (typeof body !== 'object' || body === null) continue;
    const action: Record<string, unknown> = {};
    for (const [member, value] of Object.entries(body)) {
      if (value !== undefined && value !== null) action[member] = typeof value === 'bigint' ? Number(value) : value;
    }
    return { [name]: action };
  }
  return {};
}

/** One Parquet file of actions, in the order given (PROTOCOL.md, "Checkpoint Schema"). */
export async function encodeCheckpoint(actions: readonly Action[]): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import('hyparquet-writer');
  const columnData = ACTIONS.map((name) => ({ name, data: actions.map((action) => wide(action[name])) }));
  return new Uint8Array(
    parquetWriteBuffer({ schema: SCHEMA, columnData, rowGroupSize: ROW_GROUP_ROWS, statistics: false }),
  );
}

const ROW_GROUP_ROWS = 100_000;
/** Members that are 64-bit integers in the checkpoint's schema; the writer wants them as such. */
const LONGS: ReadonlySet<string> = new Set([
  'size',
  'modificationTime',
  'deletionTimestamp',
  'createdTime',
  'version',
  'lastUpdated',
]);

function wide(action: object | undefined): unknown {
  if (action === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(action).map(([name, value]) => [
      name,
      LONGS.has(name) && typeof value === 'number' ? BigInt(value) : value,
    ]),
  );
}

const leaf = (name: string, type: 'BYTE_ARRAY' | 'INT64' | 'INT32' | 'BOOLEAN'): SchemaElement => ({
  name,
  type,
  repetition_type: 'OPTIONAL',
  ...(type === 'BYTE_ARRAY' ? { converted_type: 'UTF8' } : {}),
});
const group = (name: string, members: readonly (readonly SchemaElement[])[]): readonly SchemaElement[] => [
  { name, repetition_type: 'OPTIONAL', num_children: members.length },
  ...members.flat(),
];
const text = (name: string) => [leaf(name, 'BYTE_ARRAY')];
const long = (name: string) => [leaf(name, 'INT64')];
const int = (name: string) => [leaf(name, 'INT32')];
const flag = (name: string) => [leaf(name, 'BOOLEAN')];
const texts = (name: string): readonly SchemaElement[] => [
  { name, repetition_type: 'OPTIONAL', converted_type: 'LIST', num_children: 1 },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  ...text('element'),
];
const textMap = (name: string): readonly SchemaElement[] => [
  { name, repetition_type: 'OPTIONAL', converted_type: 'MAP', num_children: 1 },
  { name: 'key_value', repetition_type: 'REPEATED', num_children: 2 },
  { ...leaf('key', 'BYTE_ARRAY'), repetition_type: 'REQUIRED' },
  ...text('value'),
];

const SCHEMA: SchemaElement[] = [
  { name: 'root', num_children: ACTIONS.length },
  ...group('protocol', [
    int('minReaderVersion'),
    int('minWriterVersion'),
    texts('readerFeatures'),
    texts('writerFeatures'),
  ]),
  ...group('metaData', [
    text('id'),
    text('name'),
    text('description'),
    group('format', [text('provider'), textMap('options')]),
    text('schemaString'),
    texts('partitionColumns'),
    textMap('configuration'),
    long('createdTime'),
  ]),
  ...group('txn', [text('appId'), long('version'), long('lastUpdated')]),
  ...group('remove', [
    text('path'),
    long('deletionTimestamp'),
    flag('dataChange'),
    flag('extendedFileMetadata'),
    textMap('partitionValues'),
    long('size'),
  ]),
  ...group('add', [
    text('path'),
    textMap('partitionValues'),
    long('size'),
    long('modificationTime'),
    flag('dataChange'),
    text('stats'),
    textMap('tags'),
  ]),
];
