import { randomUUID } from 'node:crypto';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import { tableKey } from '../core/model/table.ts';
import type { CommitRequest, DataFile } from '../core/ports/lake.ts';
import type { Action, AddAction, MetaDataAction, RemoveAction } from './delta-actions.ts';
import { checkWritable, protocolChange } from './delta-protocol.ts';
import { columnsOf, fieldsOf, sameColumns, schemaString } from './delta-schema.ts';
import { decodedPath, encodedPath } from './log-paths.ts';
import { readableState, type TableState } from './table-state.ts';

/** The log entry of a commit on top of `state`. At most one action of each kind per path and unit of work, as the protocol demands. */
export function commitActions(
  state: TableState,
  request: CommitRequest,
  adds: readonly AddAction[],
  now_ms: number,
): readonly Action[] {
  const data_change = request.data_change ?? true;
  const units = new Map<string, number>();
  for (const { app_id, version } of request.txns) units.set(app_id, Math.max(version, units.get(app_id) ?? version));
  const protocol = protocolChange(state.protocol, request.columns);
  const metaData = metaDataChange(state, request, now_ms);
  return [
    {
      commitInfo: {
        timestamp: now_ms,
        operation: operationOf(request),
        engineInfo: 'dataflow',
        dataflow: request.note,
        ...fileOrder(state, request, adds),
      },
    },
    ...(protocol === undefined ? [] : [{ protocol }]),
    ...(metaData === undefined ? [] : [{ metaData }]),
    ...[...units].map(([appId, version]) => ({ txn: { appId, version, lastUpdated: now_ms } })),
    ...request.remove.map((file) => ({ remove: removal(state, file, now_ms, data_change) })),
    ...adds.map((add) => ({ add })),
  ];
}

/** Readers of ours keep files in the order of arrival; the log, where it differs from the order in which they were added, says so. */
function fileOrder(
  state: TableState,
  { places, add, remove }: CommitRequest,
  adds: readonly AddAction[],
): { readonly dataflowFileOrder?: readonly string[] } {
  if (places === undefined) return {};
  const gone = new Set(remove.map((file) => file.path));
  const made = new Map<string, string>();
  for (const [index, { uri }] of add.entries()) {
    const place = places.get(uri);
    const path = adds[index]?.path;
    if (place !== undefined && path !== undefined) made.set(place, decodedPath(path));
  }
  const order = [...state.adds.keys()].flatMap((path) => made.get(path) ?? (gone.has(path) ? [] : [path]));
  return { dataflowFileOrder: order };
}

function operationOf(request: CommitRequest): string {
  if (request.data_change === false) return 'OPTIMIZE';
  return request.mode === 'append' ? 'WRITE' : 'MERGE';
}

/** Undefined when the table says already what the request wants. */
function metaDataChange(state: TableState, request: CommitRequest, now_ms: number): MetaDataAction | undefined {
  const known = state.metaData;
  const key = tableKey(request.table);
  if (known !== undefined && sameColumns(known.schemaString, request.columns, key) && samePartitions(known, request))
    return undefined;
  return {
    ...known,
    id: known?.id ?? randomUUID(),
    format: known?.format ?? { provider: 'parquet', options: {} },
    schemaString: schemaString(request.columns, known === undefined ? [] : fieldsOf(known.schemaString, key)),
    partitionColumns: request.partition_by,
    configuration: known?.configuration ?? {},
    createdTime: known?.createdTime ?? now_ms,
  };
}

function samePartitions(known: MetaDataAction, request: CommitRequest): boolean {
  return JSON.stringify(known.partitionColumns) === JSON.stringify(request.partition_by);
}

/** The path must be, to the letter, the one that the log added. */
function removal(state: TableState, file: DataFile, now_ms: number, dataChange: boolean): RemoveAction {
  const path = state.adds.get(file.path)?.action.path ?? encodedPath(file.path);
  return {
    path,
    deletionTimestamp: now_ms,
    dataChange,
    extendedFileMetadata: true,
    partitionValues: file.partition_values,
    size: file.size_bytes,
  };
}

/**
 * Whether this request can be written on top of `state` at all.
 * @throws DataflowError E_LAKE_FEATURE; E_LAKE_CONFLICT when somebody changed the columns meanwhile or a file to remove is gone;
 * E_SCHEMA_CHANGED when files that stay hold a column in another type or are partitioned otherwise.
 */
export function refuseUnwritable(state: TableState, request: CommitRequest): void {
  if (state.version < 0) return;
  const key = tableKey(request.table);
  const { protocol, metaData } = readableState(state, key);
  checkWritable(protocol, metaData, key, {
    removes: request.remove.length > 0,
    data_change: request.data_change ?? true,
  });
  for (const file of request.remove) {
    if (!state.adds.has(file.path))
      throw new DataflowError(
        'E_LAKE_CONFLICT',
        `${key} no longer has the file ${file.path}, which this commit replaces`,
      );
  }
  const same = sameColumns(metaData.schemaString, request.columns, key) && samePartitions(metaData, request);
  if (same) return;
  if (state.version !== (request.read_version ?? -1)) {
    throw new DataflowError('E_LAKE_CONFLICT', `the columns of ${key} changed while the candidate was computed`, {
      kept: 'the candidate was not published',
    });
  }
  if (state.adds.size > request.remove.length) refuseMixedFiles(metaData, request, key);
}

/** Files that stay must fit the new definition: new columns are NULL in them, everything else must be as before. */
function refuseMixedFiles(metaData: MetaDataAction, request: CommitRequest, key: string): void {
  const hint = 'Compute the table as a whole.';
  const kept = 'every published version stays as it is';
  if (!samePartitions(metaData, request)) {
    const now = request.partition_by.join(', ') || 'nothing';
    throw new DataflowError(
      'E_SCHEMA_CHANGED',
      `${key} is to be partitioned by ${now}, but some of its files are not`,
      { hint, kept },
    );
  }
  const before = new Map(columnsOf(metaData.schemaString, key).map((column) => [column.name.toLowerCase(), column]));
  for (const column of request.columns) {
    const old = before.get(column.name.toLowerCase());
    if (old !== undefined && (old.type !== storedType(column.type, column.name) || old.name !== column.name)) {
      throw new DataflowError(
        'E_SCHEMA_CHANGED',
        `column ${column.name} of ${key} is to be ${column.type}, but some of its files hold ${old.name} ${old.type}`,
        { hint, kept },
      );
    }
  }
}

function storedType(type: string, name: string): string {
  return columnsOf(schemaString([{ name, type, nullable: true }]), name)[0]?.type ?? type;
}
