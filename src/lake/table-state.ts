import { DataflowError } from '../core/errors/dataflow-error.ts';
import { type TableId, tableKey } from '../core/model/table.ts';
import type { DataFile, Snapshot } from '../core/ports/lake.ts';
import { LayeredMap } from '../kit/layered-map.ts';
import type { LiveFile } from './checkpoint/packed-files.ts';
import type { CheckpointContent } from './checkpoint/reader.ts';
import {
  type Action,
  IN_PLACE_OF,
  type MetaDataAction,
  type ProtocolAction,
  type RemoveAction,
  type TxnAction,
} from './delta-actions.ts';
import { checkReadable } from './delta-protocol.ts';
import { columnsOf } from './delta-schema.ts';
import { parseStats } from './delta-stats.ts';
import { LiveFiles } from './live-files.ts';

/** The result of replaying a log up to one version (PROTOCOL.md, "Action Reconciliation"). Immutable: each version is a new state. */
export interface TableState {
  readonly version: number;
  readonly committed_at_ms: number;
  readonly protocol: ProtocolAction | undefined;
  readonly metaData: MetaDataAction | undefined;
  readonly txns: Pick<LayeredMap<string, TxnAction>, 'get' | 'size' | 'copy' | typeof Symbol.iterator>;
  /** By resolved path, in the order they were added. */
  readonly adds: Omit<LiveFiles, 'set' | 'delete' | 'insertAfter' | 'reorder'>;
  /** Tombstones, for checkpoints. */
  readonly removes: Pick<LayeredMap<string, RemoveAction>, 'has' | 'copy' | typeof Symbol.iterator>;
}

export const EMPTY: TableState = {
  version: -1,
  committed_at_ms: 0,
  protocol: undefined,
  metaData: undefined,
  txns: new LayeredMap(),
  adds: new LiveFiles(),
  removes: new LayeredMap(),
};

/** One log entry. */
export interface LogEntry {
  readonly version: number;
  readonly committed_at_ms: number;
  readonly actions: readonly Action[];
}

/** Turns a path of the log into the key of a file; throws for one that leads out of the lake. */
export type PathResolver = (path: string) => string;

/** Mutable while one replay goes on. */
type Draft = { -readonly [member in keyof TableState]: TableState[member] } & {
  readonly txns: LayeredMap<string, TxnAction>;
  readonly adds: LiveFiles;
  readonly removes: LayeredMap<string, RemoveAction>;
};

/** What a checkpoint tells of its version. */
export function stateOf(
  { protocol, metaData, txns, removes, files }: CheckpointContent,
  at: Pick<TableState, 'version' | 'committed_at_ms'>,
  resolve: PathResolver,
): TableState {
  const gone = removes.map((remove): [string, RemoveAction] => [resolve(remove.path), remove]);
  return {
    ...at,
    protocol,
    metaData,
    txns: new LayeredMap(new Map(txns.map((txn) => [txn.appId, txn]))),
    adds: new LiveFiles(files),
    removes: new LayeredMap(new Map(gone.filter(([path]) => files.indexOf(path) === undefined))),
  };
}

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
    txns: base.txns.copy(),
    adds: base.adds.copy(),
    removes: base.removes.copy(),
  };
  for (const entry of entries) {
    draft.committed_at_ms = entry.committed_at_ms;
    // Inside an entry the order means nothing: a file that is removed and added again is there.
    takePlaces(draft, entry, resolve);
    for (const action of entry.actions) if (action.remove) drop(draft, action.remove, resolve);
    for (const action of entry.actions) apply(draft, action, entry.version, resolve);
    for (const action of entry.actions)
      if (action.commitInfo?.dataflowFileOrder) draft.adds.reorder(action.commitInfo.dataflowFileOrder);
  }
  return draft;
}

/** Files that come in place of others stand where those stood. */
function takePlaces(draft: Draft, entry: LogEntry, resolve: PathResolver): void {
  const heirs = new Map<string, [string, LiveFile][]>();
  for (const { add } of entry.actions) {
    const place = add?.tags?.[IN_PLACE_OF];
    if (add === undefined || place === undefined || !draft.adds.has(place)) continue;
    const live = { action: add, version: entry.version };
    heirs.set(place, [...(heirs.get(place) ?? []), [resolve(add.path), live]]);
  }
  if (heirs.size > 0) draft.adds.insertAfter(heirs);
}

function drop(draft: Draft, remove: RemoveAction, resolve: PathResolver): void {
  const path = resolve(remove.path);
  draft.adds.delete(path);
  draft.removes.set(path, remove);
}

function apply(draft: Draft, action: Action, version: number, resolve: PathResolver): void {
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
  const fileOf = ([path, live]: readonly [string, LiveFile]): DataFile => dataFile(path, live, uriOf, row_counts);
  let files: readonly DataFile[] | undefined;
  let rows: number | undefined;
  let txns: ReadonlyMap<string, number> | undefined;
  return {
    table,
    version: state.version,
    committed_at_ms: state.committed_at_ms,
    columns: columnsOf(metaData.schemaString, key),
    partition_by: metaData.partitionColumns,
    file_count: state.adds.size,
    size_bytes: state.adds.size_bytes,
    get files() {
      files ??= Array.from(state.adds, fileOf);
      return files;
    },
    filesIn: (fits) => Array.from(state.adds.inPartitions(fits), fileOf),
    get rows() {
      rows ??= rowsOf(state, row_counts);
      return rows;
    },
    get txns() {
      txns ??= new Map(Array.from(state.txns, ([app_id, { version }]) => [app_id, version]));
      return txns;
    },
  };
}

function rowsOf({ adds }: TableState, row_counts: ReadonlyMap<string, number>): number {
  let rows = adds.rows;
  for (const [path] of adds.silent()) rows += row_counts.get(path) ?? 0;
  return rows;
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
  if (state.adds.hasDeletionVectors())
    throw new DataflowError('E_LAKE_FEATURE', `${key} uses the table feature deletionVectors, which we cannot handle`);
  return { protocol, metaData };
}

/**
 * A file of the log; what is told by its statistics and tags is read when somebody asks. `row_counts` has the rows of files whose writer left
 * no statistics.
 */
export function dataFile(
  path: string,
  { action, version }: LiveFile,
  uriOf: (path: string) => string,
  row_counts?: ReadonlyMap<string, number>,
): DataFile {
  let parsed: { readonly stats: DataFile['stats'] } | undefined;
  const statsOf = (): DataFile['stats'] => {
    parsed ??= { stats: parseStats(action.stats) };
    return parsed.stats;
  };
  return {
    path,
    get uri() {
      return uriOf(path);
    },
    get rows() {
      return row_counts?.get(path) ?? statsOf()?.num_records ?? 0;
    },
    size_bytes: action.size,
    partition_values: action.partitionValues,
    get stats() {
      return statsOf();
    },
    get sha256() {
      return action.tags?.['dataflow.sha256'];
    },
    ...(version === undefined ? {} : { added_version: version }),
  };
}
