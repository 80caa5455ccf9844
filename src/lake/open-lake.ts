import { fileURLToPath } from 'node:url';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import { LAYERS, type Layer, TABLE_NAME, type TableId, tableKey } from '../core/model/table.ts';
import type {
  CommitRequest,
  CommitResult,
  DiscardOptions,
  HistoryEntry,
  Lake,
  RestorePreview,
  RestoreRequest,
  Snapshot,
  VersionChanges,
} from '../core/ports/lake.ts';
import type { ReleaseRecord } from '../core/ports/ledger.ts';
import type { LakeStorage } from '../core/ports/storage.ts';
import { faultPoint } from '../kit/fault.ts';
import { changesSince, isNeutral } from './changes.ts';
import { CHECKPOINT_EVERY, isCheckpointDue, writeCheckpoint } from './checkpoint/write-checkpoint.ts';
import { commitTo } from './commit.ts';
import { archivedHistory, historyOf } from './history-archive.ts';
import { findLeftovers } from './leftovers.ts';
import { lakePath } from './log-paths.ts';
import { LogReader } from './log-reader.ts';
import { layerFolder, tableFolder } from './places.ts';
import { appendRelease, pinRelease, storedReleases } from './release-log.ts';
import { restoreTable } from './restore.ts';
import { countRows } from './row-counts.ts';
import { discardStaged, stagedCandidates, stageFolder } from './staging.ts';
import { LocalStorage } from './storage-local.ts';
import { snapshotOf, type TableState } from './table-state.ts';

export interface LakeOptions {
  /** A folder or `file://` URL; for other schemes `storage` is given. */
  readonly url: string;
  /** Where the lake lies elsewhere. */
  readonly storage?: LakeStorage;
  readonly layers: Readonly<Record<Layer, string>>;
}

/** Opens the lake; touches nothing yet. @throws DataflowError E_CONFIG_INVALID for a URL scheme without driver. */
export async function openLake(options: LakeOptions): Promise<Lake> {
  return new DeltaLake(storageOf(options), options.layers);
}

/** The storage that is given, else the one of this machine. @throws DataflowError E_CONFIG_INVALID for another scheme. */
export function storageOf({ url, storage }: Pick<LakeOptions, 'url' | 'storage'>): LakeStorage {
  if (storage !== undefined) return storage;
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) return new LocalStorage(url);
  if (scheme === 'file') return new LocalStorage(fileURLToPath(url));
  throw new DataflowError('E_CONFIG_INVALID', `lake.url: there is no driver for ${scheme}:// in this version`, {
    hint: 'Use a local folder.',
  });
}

/** The folders of a table with more files are not listed for each version. */
const FILES_LOOKED_AT_ONCE = 10_000;

/** What is kept in memory of one table. */
interface OpenTable {
  readonly folder: string;
  readonly log: LogReader;
  /** Rows of files without statistics, by path. */
  readonly row_counts: Map<string, number>;
  snapshot?: { readonly state: TableState; readonly snapshot: Snapshot };
  /** The newest checkpoint as far as it is known, and how much had changed then since the state was read. */
  checkpoint?: { readonly version: number; readonly changes: number };
}

/** Delta tables on a storage: see the port for what each member promises. */
class DeltaLake implements Lake {
  readonly #storage: LakeStorage;
  readonly #layers: Readonly<Record<Layer, string>>;
  readonly #tables = new Map<string, OpenTable>();

  constructor(storage: LakeStorage, layers: Readonly<Record<Layer, string>>) {
    this.#storage = storage;
    this.#layers = layers;
  }

  async snapshot(
    table: TableId,
    at?: { readonly version: number } | { readonly as_of_ms: number },
  ): Promise<Snapshot | undefined> {
    const open = this.#open(table);
    const version =
      at === undefined
        ? undefined
        : 'version' in at
          ? at.version
          : await this.#versionAsOf(open.log, table, at.as_of_ms);
    if (version === -1) return undefined;
    const state = await open.log.state(version);
    if (state === undefined) return undefined;
    if (open.snapshot?.state === state) return open.snapshot.snapshot;
    await countRows(this.#storage, open.folder, state, open.row_counts);
    const few = state.adds.size <= FILES_LOOKED_AT_ONCE;
    const snapshot = snapshotOf(table, state, few ? this.#uriOf(open) : this.#checkedUriOf(open), open.row_counts);
    if (few) await this.#storage.refuseLinksOut(Array.from(state.adds.keys(), (path) => lakePath(open.folder, path)));
    open.snapshot = { state, snapshot };
    return snapshot;
  }

  async latestVersion(table: TableId): Promise<number | undefined> {
    const { newest } = await this.#open(table).log.listing();
    return newest < 0 ? undefined : newest;
  }

  async changes(table: TableId, from_version: number, to_version: number): Promise<VersionChanges> {
    const open = this.#open(table);
    const before = await open.log.state(from_version);
    if (before === undefined) throw new DataflowError('E_LAKE_NO_VERSION', `${tableKey(table)} does not exist`);
    const entries = await open.log.entries(range(from_version + 1, to_version));
    return changesSince(before, entries, open.log.resolve, this.#uriOf(open));
  }

  async onlyRearranged(table: TableId, from_version: number, to_version: number): Promise<boolean> {
    if (from_version >= to_version) return from_version === to_version;
    const { log } = this.#open(table);
    try {
      // Newest first: when the rows changed, the last entry mostly tells it.
      for (const version of range(from_version + 1, to_version).toReversed())
        if (!isNeutral((await log.entry(version)).actions)) return false;
      return true;
    } catch (error) {
      if (error instanceof DataflowError && error.code === 'E_LAKE_NO_VERSION') return false;
      throw error;
    }
  }

  async history(table: TableId, above = -1): Promise<readonly HistoryEntry[]> {
    const { folder, log } = this.#open(table);
    const versions = (await log.listing()).entries.filter((version) => version > above);
    const entries = await log.entries(versions);
    const present = new Set(versions);
    const whole = above >= 0 && versions[0] === above + 1;
    const archived = whole ? [] : await archivedHistory(this.#storage, folder);
    const older = archived.filter(({ version }) => version > above && !present.has(version));
    const all = [...older, ...entries.map(historyOf)];
    return all.sort((one, other) => one.version - other.version);
  }

  async tables(): Promise<readonly TableId[]> {
    const found: TableId[] = [];
    for (const table of await this.#candidates())
      if ((await this.latestVersion(table)) !== undefined) found.push(table);
    return found;
  }

  stage(run_id: string, step_id: string, part: string): Promise<string> {
    return stageFolder(this.#storage, run_id, step_id, part);
  }

  candidates(run_id: string, step_id: string): Promise<readonly string[]> {
    return stagedCandidates(this.#storage, run_id, step_id);
  }

  async commit(request: CommitRequest): Promise<CommitResult> {
    const open = this.#open(request.table);
    const result = await commitTo(this.#storage, open.folder, open.log, request);
    if (result.already_done) return result;
    faultPoint('after-publish');
    // The version is published whatever becomes of its checkpoint: that is tried again with the next commit.
    await this.#checkpoint(open, result.version).catch(() => undefined);
    return result;
  }

  async previewRestore(table: TableId, version: number): Promise<RestorePreview> {
    const { folder } = this.#open(table);
    const then = version < 0 ? undefined : await this.snapshot(table, { version });
    const now = await this.snapshot(table);
    const [files_then, files_now] = [then?.files ?? [], now?.files ?? []];
    const known = new Set(files_now.map((file) => file.path));
    const back = files_then.filter((file) => !known.has(file.path));
    const missing: string[] = [];
    for (const { path } of back)
      if ((await this.#storage.info(lakePath(folder, path))) === undefined) missing.push(lakePath(folder, path));
    const files_gone = files_now.length - (files_then.length - back.length);
    return { rows: then?.rows ?? 0, rows_before: now?.rows ?? 0, files_back: back.length, files_gone, missing };
  }

  async restore(request: RestoreRequest): Promise<CommitResult> {
    const open = this.#open(request.table);
    const result = await restoreTable(this.#storage, open.folder, open.log, request);
    faultPoint('after-publish');
    await this.#checkpoint(open, result.version).catch(() => undefined);
    return result;
  }

  recordRelease(release: ReleaseRecord): Promise<void> {
    return appendRelease(this.#storage, release);
  }

  releases(): Promise<readonly ReleaseRecord[]> {
    return storedReleases(this.#storage);
  }

  keepRelease(release_id: string, keep: boolean): Promise<void> {
    return pinRelease(this.#storage, release_id, keep);
  }

  async #checkpoint(open: OpenTable, version: number): Promise<void> {
    const since = version - (open.checkpoint?.version ?? 0);
    if (since >= 0 && since < CHECKPOINT_EVERY) return;
    const { checkpoints } = await open.log.listing();
    const newest = Math.max(0, ...checkpoints.keys());
    const changes = open.checkpoint?.changes ?? 0;
    open.checkpoint = { version: newest, changes };
    const state = version - newest < CHECKPOINT_EVERY ? undefined : await open.log.state(version);
    if (state === undefined || !isCheckpointDue(state, version - newest, state.adds.changes - changes)) return;
    await writeCheckpoint(this.#storage, open.folder, state);
    open.checkpoint = { version, changes: state.adds.changes };
  }

  discardStaging(run_id: string, step_id?: string, options?: DiscardOptions): Promise<void> {
    return discardStaged(this.#storage, run_id, step_id, options);
  }

  async leftovers(live_run_ids: ReadonlySet<string>, remove: boolean): Promise<readonly string[]> {
    const tables = (await this.#candidates()).map((table) => this.#open(table));
    const found = await findLeftovers(this.#storage, tables, live_run_ids);
    if (remove) for (const path of found) await this.#storage.remove(path);
    return found;
  }

  /** The newest version that was committed at or before a time; -1 when there is no table. */
  async #versionAsOf(log: LogReader, table: TableId, as_of_ms: number): Promise<number> {
    const { entries, newest } = await log.listing();
    if (newest < 0) return -1;
    for (const version of entries.toReversed())
      if ((await log.entry(version)).committed_at_ms <= as_of_ms) return version;
    throw new DataflowError(
      'E_LAKE_NO_VERSION',
      `${tableKey(table)} did not exist yet at ${new Date(as_of_ms).toISOString()}`,
    );
  }

  /** Folders that are, or were on the way to become, tables. */
  async #candidates(): Promise<readonly TableId[]> {
    const found: TableId[] = [];
    for (const layer of [...LAYERS, 'quarantine' as const]) {
      const names = await this.#storage.list(layerFolder(this.#layers, layer));
      for (const name of [...names].sort()) if (TABLE_NAME.test(name)) found.push({ layer, name });
    }
    return found;
  }

  #open(table: TableId): OpenTable {
    const folder = tableFolder(this.#layers, table);
    let open = this.#tables.get(folder);
    if (open === undefined) {
      open = { folder, log: new LogReader(this.#storage, folder), row_counts: new Map() };
      this.#tables.set(folder, open);
    }
    return open;
  }

  #uriOf(open: OpenTable): (path: string) => string {
    return (path) => this.#storage.uri(lakePath(open.folder, path));
  }

  /** Files of a large table are looked at one by one, when somebody wants to open them. */
  #checkedUriOf(open: OpenTable): (path: string) => string {
    return (path) => {
      const inside = lakePath(open.folder, path);
      this.#storage.refuseLinkOut(inside);
      return this.#storage.uri(inside);
    };
  }
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
}
