import { DataflowError } from '../core/errors/dataflow-error.ts';
import { type TableId, tableKey } from '../core/model/table.ts';
import type { DataFile, Snapshot } from '../core/ports/lake.ts';
import { type Action, type AddAction, checkReadable, columnsOf, type MetaDataAction, parseStats, type ProtocolAction, type RemoveAction, type TxnAction } from './delta-actions.ts';

/** The result of replaying a log up to one version (PROTOCOL.md, "Action Reconciliation"). Immutable: each version is a new state. */
export interface TableState {
  readonly version: number;
  readonly committed_at_ms: number;
  readonly protocol: ProtocolAction | undefined;
  readonly metaData: MetaDataAction | undefined;
  readonly txns: ReadonlyMap<string, TxnAction>;
  /** By decoded path, in the order they were added. */
  readonly adds: ReadonlyMap<string, { readonly action: AddAction; readonly version: number | undefined }>;
  /** Tombstones, for checkpoints. */
  readonly removes: ReadonlyMap<string, RemoveAction>;
}

export const EMPTY: TableState = {
  version: -1,
  committed_at_ms: 0,
  protocol: undefined,
  metaData: undefined,
  txns: new Map(),
  adds: new Map(),
  removes: new Map(),
};

/** Mutable while one replay goes on. */
interface Draft {
  protocol: ProtocolAction | undefined;
  metaData: MetaDataAction | undefined;
  committed_at_ms: number;
  readonly txns: Map<string, TxnAction>;
  readonly adds: Map<string, { readonly action: AddAction; readonly version: number | undefined }>;
  readonly removes: Map<string, RemoveAction>;
}

/** Applies log entries in order. `entries` with version undefined come from a checkpoint. */
export function replay(base: TableState, entries: readonly { readonly version: number | undefined; readonly actions: readonly Action[] }[], version: number): TableState {
  const draft: Draft = {
    protocol: base.protocol,
    metaData: base.metaData,
    committed_at_ms: base.committed_at_ms,
    txns: new Map(base.txns),
    adds: new Map(base.adds),
    removes: new Map(base.removes),
  };
  for (const entry of entries) for (const action of entry.actions) apply(draft, action, entry.version);
  return { ...draft, version };
}

function apply(draft: Draft, action: Action, version: number | undefined): void {
  if (action.protocol) draft.protocol = action.protocol;
  if (action.metaData) draft.metaData = action.metaData;
  if (action.txn) draft.txns.set(action.txn.appId, action.txn);
  if (action.commitInfo?.timestamp !== undefined) draft.committed_at_ms = action.commitInfo.timestamp;
  if (action.add) {
    const path = decodedPath(action.add.path);
    draft.adds.delete(path);
    draft.adds.set(path, { action: action.add, version });
    draft.removes.delete(path);
  }
  if (action.remove) {
    const path = decodedPath(action.remove.path);
    draft.adds.delete(path);
    draft.removes.set(path, action.remove);
  }
}

/**
 * A path of the log, decoded, and safe: relative, without `..` and control characters (case 35).
 * @throws DataflowError E_LAKE_CORRUPT for a path that leads elsewhere.
 */
export function decodedPath(path: string): string {
  let decoded = path;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    // Some writers do not encode a stray "%": then the path is what it says.
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (decoded.startsWith('/') || /^[a-z][a-z0-9+.-]*:/i.test(decoded) || decoded.split('/').includes('..') || /[\u0000-\u001f\\]/.test(decoded)) {
    throw new DataflowError('E_LAKE_CORRUPT', `a log names a file outside its table: ${JSON.stringify(path).slice(0, 200)}`, {
      hint: 'Only files inside the table’s own folder are read.',
    });
  }
  return decoded;
}

/** A path as the log holds it. */
export function encodedPath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

/** The state as the rest of the program sees it. `uriOf` turns a path inside the table into what engines open. */
export function snapshotOf(table: TableId, state: TableState, uriOf: (path: string) => string): Snapshot {
  const key = tableKey(table);
  if (state.protocol === undefined || state.metaData === undefined) throw new DataflowError('E_LAKE_CORRUPT', `${key} version ${state.version} lacks its protocol or metadata`);
  checkReadable(state.protocol, key);
  const files: DataFile[] = [...state.adds].map(([path, { action, version }]) => dataFile(path, action, version, uriOf));
  return {
    table,
    version: state.version,
    committed_at_ms: state.committed_at_ms,
    columns: columnsOf(state.metaData.schemaString, key),
    partition_by: state.metaData.partitionColumns,
    files,
    rows: files.reduce((sum, file) => sum + file.rows, 0),
    size_bytes: files.reduce((sum, file) => sum + file.size_bytes, 0),
    txns: new Map([...state.txns].map(([appId, txn]) => [appId, txn.version])),
  };
}

export function dataFile(path: string, action: AddAction, version: number | undefined, uriOf: (path: string) => string): DataFile {
  const stats = parseStats(action.stats);
  const sha256 = action.tags?.['dataflow.sha256'];
  return {
    path,
    uri: uriOf(path),
    rows: stats?.num_records ?? 0,
    size_bytes: action.size,
    partition_values: action.partitionValues,
    ...(stats === undefined ? {} : { stats }),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(version === undefined ? {} : { added_version: version }),
  };
}
