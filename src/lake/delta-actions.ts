import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { Column, FileStats, StatValue } from '../core/model/table.ts';
import type { CommitNote } from '../core/ports/lake.ts';
import { storageOf, typeFromDelta } from '../core/types/types.ts';

/** The actions of the Delta protocol that we write and read (PROTOCOL.md, "Actions"). Members keep the protocol's own names. */
export interface AddAction {
  readonly path: string;
  readonly partitionValues: Readonly<Record<string, string | null>>;
  readonly size: number;
  readonly modificationTime: number;
  readonly dataChange: boolean;
  readonly stats?: string | null;
  readonly tags?: Readonly<Record<string, string>> | null;
}

export interface RemoveAction {
  readonly path: string;
  readonly deletionTimestamp?: number;
  readonly dataChange: boolean;
  readonly extendedFileMetadata?: boolean;
  readonly partitionValues?: Readonly<Record<string, string | null>>;
  readonly size?: number;
}

export interface MetaDataAction {
  readonly id: string;
  readonly format: { readonly provider: string; readonly options: Readonly<Record<string, string>> };
  readonly schemaString: string;
  readonly partitionColumns: readonly string[];
  readonly configuration: Readonly<Record<string, string>>;
  readonly createdTime?: number;
}

export interface ProtocolAction {
  readonly minReaderVersion: number;
  readonly minWriterVersion: number;
  readonly readerFeatures?: readonly string[];
  readonly writerFeatures?: readonly string[];
}

export interface TxnAction {
  readonly appId: string;
  readonly version: number;
  readonly lastUpdated?: number;
}

export interface CommitInfoAction {
  readonly timestamp?: number;
  readonly operation?: string;
  readonly dataflow?: CommitNote;
  readonly [other: string]: unknown;
}

export interface Action {
  readonly add?: AddAction;
  readonly remove?: RemoveAction;
  readonly metaData?: MetaDataAction;
  readonly protocol?: ProtocolAction;
  readonly txn?: TxnAction;
  readonly commitInfo?: CommitInfoAction;
}

/** Parses one log file. @throws DataflowError E_LAKE_CORRUPT naming file and line. Unknown actions and members are kept out of the way. */
export function parseLog(text: string, file: string): readonly Action[] {
  const actions: Action[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    try {
      const action: unknown = JSON.parse(line);
      if (typeof action !== 'object' || action === null) throw new TypeError('not an object');
      actions.push(action as Action);
    } catch (cause) {
      throw new DataflowError('E_LAKE_CORRUPT', `the log entry ${file} is damaged`, { place: { file, line: index + 1 }, cause });
    }
  }
  return actions;
}

export function serialiseLog(actions: readonly Action[]): Uint8Array {
  return Buffer.from(`${actions.map((action) => JSON.stringify(action)).join('\n')}\n`);
}

const READER_FEATURES = new Set(['timestampNtz']);
/** Features that only matter to writers; a reader may go ahead, and we write to such a table only when we know them all. */
const WRITER_FEATURES = new Set(['timestampNtz', 'appendOnly', 'invariants']);

/** @throws DataflowError E_LAKE_FEATURE naming the table feature that reading needs and we lack. */
export function checkReadable(protocol: ProtocolAction, table: string): void {
  if (protocol.minReaderVersion <= 1) return;
  if (protocol.minReaderVersion === 2) throw lacking(table, 'columnMapping');
  if (protocol.minReaderVersion > 3) throw lacking(table, `reader version ${protocol.minReaderVersion}`);
  for (const feature of protocol.readerFeatures ?? []) if (!READER_FEATURES.has(feature)) throw lacking(table, feature);
}

/** @throws DataflowError E_LAKE_FEATURE naming the table feature that writing needs and we lack. */
export function checkWritable(protocol: ProtocolAction, table: string): void {
  checkReadable(protocol, table);
  if (protocol.minWriterVersion <= 2) return;
  if (protocol.minWriterVersion < 7) throw lacking(table, `writer version ${protocol.minWriterVersion}`);
  for (const feature of protocol.writerFeatures ?? []) if (!WRITER_FEATURES.has(feature)) throw lacking(table, feature);
}

function lacking(table: string, feature: string): DataflowError {
  return new DataflowError('E_LAKE_FEATURE', `${table} uses the table feature ${feature}, which we cannot handle`);
}

/** Reader 1 / writer 2, unless a column is a timestamp without zone: that is a table feature. */
export function protocolFor(columns: readonly Column[]): ProtocolAction {
  const ntz = columns.some((column) => /\btimestamp(_s|_ms|_ns)?\b/.test(column.type.replace(/timestamptz/g, '')));
  if (!ntz) return { minReaderVersion: 1, minWriterVersion: 2 };
  return { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['timestampNtz'], writerFeatures: ['timestampNtz'] };
}

export function schemaString(columns: readonly Column[]): string {
  const fields = columns.map((column) => {
    const storage = storageOf(column.type, column.name);
    const metadata = storage.kept_as === undefined ? {} : { 'dataflow.type': storage.kept_as };
    return { name: column.name, type: storage.delta, nullable: true, metadata };
  });
  return JSON.stringify({ type: 'struct', fields });
}

export function columnsOf(schema: string, table: string): readonly Column[] {
  const parsed = JSON.parse(schema) as { fields?: readonly { name: string; type: unknown; nullable?: boolean }[] };
  if (!Array.isArray(parsed.fields)) throw new DataflowError('E_LAKE_CORRUPT', `${table} has an unreadable schema`);
  return parsed.fields.map((field) => ({ name: field.name, type: typeFromDelta(field.type), nullable: true }));
}

/** `add.stats`: JSON text as the protocol wants it. Column values without statistics are left out. */
export function statsText(stats: FileStats): string {
  const known = (values: Readonly<Record<string, StatValue>>): Record<string, StatValue> =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null && value !== undefined));
  return JSON.stringify({
    numRecords: stats.num_records,
    minValues: known(stats.min_values),
    maxValues: known(stats.max_values),
    nullCount: stats.null_count,
  });
}

/** Undefined when a writer left no statistics or unreadable ones: they are a help, never a must. */
export function parseStats(text: string | null | undefined): FileStats | undefined {
  if (text === null || text === undefined || text === '') return undefined;
  try {
    const raw = JSON.parse(text) as { numRecords?: number; minValues?: Record<string, StatValue>; maxValues?: Record<string, StatValue>; nullCount?: Record<string, number> };
    if (typeof raw.numRecords !== 'number') return undefined;
    return { num_records: raw.numRecords, min_values: raw.minValues ?? {}, max_values: raw.maxValues ?? {}, null_count: raw.nullCount ?? {} };
  } catch {
    return undefined;
  }
}
