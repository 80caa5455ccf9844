import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { Column } from '../core/model/table.ts';
import { type DeltaType, storageOf } from '../core/types/types.ts';
import type { MetaDataAction, ProtocolAction } from './delta-actions.ts';
import { fieldsOf } from './delta-schema.ts';

const READER_FEATURES: ReadonlySet<string> = new Set(['timestampNtz']);
/** We respect these when we write, the last two by refusing where they are active. */
const WRITER_FEATURES: ReadonlySet<string> = new Set(['timestampNtz', 'appendOnly', 'invariants']);
/** What each writer version before table features brought (PROTOCOL.md, "Writer Version Requirements"). */
const LEGACY_WRITER: ReadonlyMap<number, string> = new Map([
  [3, 'checkConstraints'],
  [4, 'changeDataFeed and generatedColumns'],
  [5, 'columnMapping'],
  [6, 'identityColumns'],
]);

/** @throws DataflowError E_LAKE_FEATURE naming the table feature that reading needs and we lack. */
export function checkReadable(protocol: ProtocolAction, metaData: MetaDataAction, table: string): void {
  const { minReaderVersion } = protocol;
  if (minReaderVersion === 2) throw lacking(table, 'columnMapping');
  if (minReaderVersion > 3) throw lacking(table, `reader version ${minReaderVersion}`);
  for (const feature of protocol.readerFeatures ?? []) if (!READER_FEATURES.has(feature)) throw lacking(table, feature);
  const { provider } = metaData.format;
  if (provider !== undefined && provider !== 'parquet') throw lacking(table, `data format ${provider}`);
}

/** @throws DataflowError E_LAKE_FEATURE naming the table feature that writing needs and we lack. */
export function checkWritable(
  protocol: ProtocolAction,
  metaData: MetaDataAction,
  table: string,
  change: { readonly removes: boolean; readonly data_change: boolean },
): void {
  checkReadable(protocol, metaData, table);
  const { minWriterVersion } = protocol;
  if (minWriterVersion > 7) throw lacking(table, `writer version ${minWriterVersion}`);
  if (minWriterVersion > 2 && minWriterVersion < 7) throw lacking(table, LEGACY_WRITER.get(minWriterVersion) ?? '');
  for (const feature of protocol.writerFeatures ?? []) if (!WRITER_FEATURES.has(feature)) throw lacking(table, feature);
  if (change.removes && change.data_change && metaData.configuration['delta.appendOnly'] === 'true')
    throw lacking(table, 'appendOnly', 'and this change removes rows');
  for (const field of fieldsOf(metaData.schemaString, table)) {
    if (field.metadata?.['delta.invariants'] !== undefined)
      throw lacking(table, 'invariants', `on column ${field.name}`);
    if (field.nullable === false) throw lacking(table, 'invariants', `(column ${field.name} is NOT NULL)`);
  }
}

function lacking(table: string, feature: string, more = ''): DataflowError {
  return new DataflowError(
    'E_LAKE_FEATURE',
    `${table} uses the table feature ${feature}, which we cannot handle ${more}`.trim(),
  );
}

/**
 * The protocol action that a commit has to write: reader 1 / writer 2 for a new table, and the table feature `timestampNtz` only
 * for one with a timestamp without zone. Undefined when the table's own protocol does.
 */
export function protocolChange(
  known: ProtocolAction | undefined,
  columns: readonly Column[],
): ProtocolAction | undefined {
  if (!columns.some((column) => hasNtz(storageOf(column.type, column.name).delta)))
    return known === undefined ? { minReaderVersion: 1, minWriterVersion: 2 } : undefined;
  if (known?.readerFeatures?.includes('timestampNtz') === true) return undefined;
  // An older table may have used what its writer version allowed; the protocol wants these named then.
  const inherited = known === undefined ? [] : (known.writerFeatures ?? ['appendOnly', 'invariants']);
  return {
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures: [...(known?.readerFeatures ?? []), 'timestampNtz'],
    writerFeatures: [...new Set([...inherited, 'timestampNtz'])],
  };
}

function hasNtz(type: DeltaType): boolean {
  if (typeof type === 'string') return type === 'timestamp_ntz';
  return JSON.stringify(type, (key, value: unknown) => (key === 'name' ? undefined : value)).includes(
    '"timestamp_ntz"',
  );
}
