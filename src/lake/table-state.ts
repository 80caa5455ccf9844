import { DataflowError } from '../core/errors/dataflow-error.ts';
import { type TableId, tableKey } from '../core/model/table.ts';
import type { DataFile, Snapshot } from '../core/ports/lake.ts';
import {
  type Action,
  type AddAction,
  IN_PLACE_OF,
  type MetaDataAction,
  type ProtocolAction,
  type RemoveAction,
  type TxnAction,
} from './delta-actions.ts';
import { checkReadable } from './delta-protocol.ts';
import { columnsOf } from './delta-schema.ts';
import { parseStats } from './delta-stats.ts';

/** A live file: its action as the log has it, and the version that added it (a checkpoint does not say). */
export interface LiveFile {
  readonly action: AddAction;
  readonly version: number | undefined;
}

/** The result of replaying a log up to one version (PROTOCOL.md, "Action Reconciliation"). Immutable: each version is a new state. */
export interface TableState {
  readonly version: number;
  readonly committed_at_ms: number;
  readonly protocol: ProtocolAction | undefined;
  readonly metaData: MetaDataAction | undefined;
  readonly txns: ReadonlyMap<string, TxnAction>;
  /** By resolved path, in the order they were added. */
  readonly adds: ReadonlyMap<string, LiveFile>;
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

/** One log entry, or a checkpoint (`version` undefined). */
export interface LogEntry {
  readonly version: number | undefined;
  readonly committed_at_ms: number;
  readonly actions: readonly Action[];
}

/** Turns a path of the log into the key of a file; throws for one that leads out of the lake. */
export type PathResolver = (path: string) => string;

/** Mutable while one replay goes on. */
type Draft = { -readonly [member in keyof TableState]: TableState[member] } & {
  readonly txns: Map<string, TxnAction>;
  readonly adds: Map<string, LiveFile>;
  readonly removes: Map<string, RemoveAction>;
};

/** Applies log entries, in ascending order of versions. */
export function replay(
  base: TableState,
  entries: readonly LogEntry[],
  version: number,
  resolve: PathResolver,
): TableState {
  const draft: Draft = {
    ...base,
    version,
    txns: new Map(base.txns),
    adds: new Map(base.adds),
    removes: new Map(base.removes),
  };
  for (const entry of entries) {
    draft.committed_at_ms = entry.committed_at_ms;
    // Inside an entry the order means nothing: a file that is removed and added again is there.
    takePlaces(draft, entry, resolve);
    for (const action of entry.actions) if (action.remove) drop(draft, action.remove, resolve);
    for (const action of entry.actions) apply(draft, action, entry.version, resolve);
    for (const action of entry.actions)
      if (action.commitInfo?.dataflowFileOrder) reorder(draft, action.commitInfo.dataflowFileOrder);
  }
  return draft;
}

/** Files that come in place of others stand where those stood: the map is written anew with both side by side. */
function takePlaces(draft: Draft, entry: LogEntry, resolve: PathResolver): void {
  const heirs = new Map<string, [string, LiveFile][]>();
  for (const { add } of entry.actions) {
    const place = add?.tags?.[IN_PLACE_OF];
    if (add === undefined || place === undefined || !draft.adds.has(place)) continue;
    const live = { action: add, version: entry.version };
    heirs.set(place, [...(heirs.get(place) ?? []), [resolve(add.path), live]]);
  }
  if (heirs.size === 0) return;
  const before = [...draft.adds];
  draft.adds.clear();
  for (const [path, live] of before) {
    draft.adds.set(path, live);
    for (const [heir, file] of heirs.get(path) ?? []) draft.adds.set(heir, file);
  }
}

function drop(draft: Draft, remove: RemoveAction, resolve: PathResolver): void {
  const path = resolve(remove.path);
  draft.adds.delete(path);
  draft.removes.set(path, remove);
}

function apply(draft: Draft, action: Action, version: number | undefined, resolve: PathResolver): void {
  if (action.protocol) draft.protocol = action.protocol;
  if (action.metaData) draft.metaData = action.metaData;
  if (action.txn) draft.txns.set(action.txn.appId, action.txn);
  if (action.add) {
    const path = resolve(action.add.path);
    // Committing a file again renews its statistics; it keeps its place in the order.
    draft.adds.set(path, { action: action.add, version: draft.adds.get(path)?.version ?? version });
    draft.removes.delete(path);
  }
}

/** A version that was brought back has its files in their old order; files are otherwise in the order in which they were added. */
function reorder(draft: Draft, paths: readonly string[]): void {
  const before = new Map(draft.adds);
  draft.adds.clear();
  for (const path of paths) {
    const file = before.get(path);
    if (file !== undefined) draft.adds.set(path, file);
  }
  for (const [path, file] of before) if (!draft.adds.has(path)) draft.adds.set(path, file);
}

/**
 * The state as the rest of the program sees it. `uriOf` turns a resolved path into what engines open; `row_counts` has the rows of
 * files whose writer left no statistics.
 * @throws DataflowError E_LAKE_FEATURE, E_LAKE_CORRUPT.
 */
export function snapshotOf(
  table: TableId,
  state: TableState,
  uriOf: (path: string) => string,
  row_counts: ReadonlyMap<string, number>,
): Snapshot {
  const key = tableKey(table);
  const { metaData } = readableState(state, key);
  const files = [...state.adds].map(([path, live]): DataFile => {
    const file = dataFile(path, live, uriOf);
    const rows = row_counts.get(path);
    return rows === undefined ? file : { ...file, rows };
  });
  return {
    table,
    version: state.version,
    committed_at_ms: state.committed_at_ms,
    columns: columnsOf(metaData.schemaString, key),
    partition_by: metaData.partitionColumns,
    files,
    rows: files.reduce((sum, file) => sum + file.rows, 0),
    size_bytes: files.reduce((sum, file) => sum + file.size_bytes, 0),
    txns: new Map([...state.txns].map(([appId, txn]) => [appId, txn.version])),
  };
}

/** Protocol and metadata of a table that we may read. @throws DataflowError E_LAKE_FEATURE, E_LAKE_CORRUPT. */
export function readableState(
  state: TableState,
  key: string,
): { readonly protocol: ProtocolAction; readonly metaData: MetaDataAction } {
  const { protocol, metaData } = state;
  if (protocol === undefined || metaData === undefined)
    throw new DataflowError(
      'E_LAKE_CORRUPT',
      `${key} version ${state.version} lacks its ${protocol === undefined ? 'protocol' : 'metadata'}`,
    );
  checkReadable(protocol, metaData, key);
  for (const { action } of state.adds.values()) {
    if (action.deletionVector !== undefined && action.deletionVector !== null)
      throw new DataflowError(
        'E_LAKE_FEATURE',
        `${key} uses the table feature deletionVectors, which we cannot handle`,
      );
  }
  return { protocol, metaData };
}

export function dataFile(path: string, { action, version }: LiveFile, uriOf: (path: string) => string): DataFile {
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
