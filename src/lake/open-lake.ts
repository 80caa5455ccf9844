import { DataflowError } from '../core/errors/dataflow-error.ts';
import { LAYERS, type Layer, type TableId, tableKey, TABLE_NAME } from '../core/model/table.ts';
import type { CheckpointCodec } from '../core/ports/checkpoint.ts';
import type { CommitRequest, CommitResult, DataFile, HistoryEntry, Lake, Snapshot, VersionChanges } from '../core/ports/lake.ts';
import type { LakeStorage } from '../core/ports/storage.ts';
import { writeCheckpoint } from './checkpoint.ts';
import { commitTo } from './commit.ts';
import { LogReader } from './log-reader.ts';
import { LocalStorage } from './storage-local.ts';
import { dataFile, decodedPath, snapshotOf } from './table-state.ts';

export interface LakeOptions {
  /** A folder; other schemes have no driver yet. */
  readonly url: string;
  readonly layers: Readonly<Record<Layer, string>>;
  /** Reads and writes checkpoints; without it none are written, and tables that need one cannot be read. */
  readonly checkpoints?: CheckpointCodec;
}

const STAGING = '_dataflow/staging';
/** The protocol's usual distance between checkpoints. */
const CHECKPOINT_EVERY = 10;

/** Opens the lake. @throws DataflowError E_CONFIG_INVALID for a URL scheme without driver. */
export async function openLake(options: LakeOptions): Promise<Lake> {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(options.url)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'file') {
    throw new DataflowError('E_CONFIG_INVALID', `lake.url: there is no driver for ${scheme}:// in this version`, { hint: 'Use a local folder.' });
  }
  const root = scheme === 'file' ? decodeURIComponent(new URL(options.url).pathname) : options.url;
  return new DeltaLake(new LocalStorage(root), options);
}

/** Delta tables on a storage: see the port for what each member promises. */
class DeltaLake implements Lake {
  readonly #storage: LakeStorage;
  readonly #options: LakeOptions;
  readonly #logs = new Map<string, LogReader>();

  constructor(storage: LakeStorage, options: LakeOptions) {
    this.#storage = storage;
    this.#options = options;
  }

  async snapshot(table: TableId, at?: { readonly version: number } | { readonly as_of_ms: number }): Promise<Snapshot | undefined> {
    const log = this.#log(table);
    const version = at === undefined ? undefined : 'version' in at ? at.version : await this.#versionAsOf(log, table, at.as_of_ms);
    const state = await log.state(version);
    return state === undefined ? undefined : snapshotOf(table, state, (path) => this.#uri(table, path));
  }

  latestVersion(table: TableId): Promise<number | undefined> {
    return this.#log(table).latestVersion();
  }

  async changes(table: TableId, from_version: number, to_version: number): Promise<VersionChanges> {
    const log = this.#log(table);
    const added = new Map<string, DataFile>();
    const removed = new Map<string, DataFile>();
    let schema_changed = false;
    const before = await log.state(from_version);
    for (let version = from_version + 1; version <= to_version; version++) {
      for (const action of await log.entry(version)) {
        if (action.metaData) schema_changed = true;
        if (action.add?.dataChange === true) {
          const path = decodedPath(action.add.path);
          added.set(path, dataFile(path, action.add, version, (name) => this.#uri(table, name)));
        }
        if (action.remove?.dataChange === true) this.#noteRemoval(table, decodedPath(action.remove.path), before, added, removed);
      }
    }
    return { added: [...added.values()], removed: [...removed.values()], schema_changed };
  }

  #noteRemoval(table: TableId, path: string, before: Awaited<ReturnType<LogReader['state']>>, added: Map<string, DataFile>, removed: Map<string, DataFile>): void {
    if (added.delete(path)) return;
    const known = before?.adds.get(path);
    if (known !== undefined) removed.set(path, dataFile(path, known.action, known.version, (name) => this.#uri(table, name)));
  }

  async history(table: TableId): Promise<readonly HistoryEntry[]> {
    const log = this.#log(table);
    const entries: HistoryEntry[] = [];
    for (const version of await log.versions()) {
      const actions = await log.entry(version);
      const info = actions.find((action) => action.commitInfo)?.commitInfo;
      entries.push({
        version,
        committed_at_ms: info?.timestamp ?? 0,
        operation: info?.operation ?? 'UNKNOWN',
        ...(info?.dataflow === undefined ? {} : { note: info.dataflow }),
        files_added: actions.filter((action) => action.add).length,
        files_removed: actions.filter((action) => action.remove).length,
      });
    }
    return entries;
  }

  async tables(): Promise<readonly TableId[]> {
    const found: TableId[] = [];
    const folders = [...LAYERS.map((layer) => ({ layer, folder: this.#options.layers[layer] })), { layer: 'quarantine' as const, folder: 'quarantine' }];
    for (const { layer, folder } of folders) {
      for (const name of await this.#storage.list(folder)) {
        if (!TABLE_NAME.test(name)) continue;
        if ((await this.latestVersion({ layer, name })) !== undefined) found.push({ layer, name });
      }
    }
    return found;
  }

  async stage(run_id: string, step_id: string, part: string): Promise<string> {
    const folder = `${STAGING}/${run_id}/${step_id}/${part}`;
    await this.#storage.makeFolder(folder, { private: true });
    return this.#storage.uri(folder);
  }

  async candidates(run_id: string, step_id: string): Promise<readonly string[]> {
    const folder = `${STAGING}/${run_id}/${step_id}`;
    const uris: string[] = [];
    for (const part of await this.#storage.list(folder)) {
      if (!part.startsWith('data')) continue;
      for (const name of await this.#storage.list(`${folder}/${part}`)) {
        if (name.endsWith('.parquet')) uris.push(this.#storage.uri(`${folder}/${part}/${name}`));
      }
    }
    return uris.sort();
  }

  async commit(request: CommitRequest): Promise<CommitResult> {
    const log = this.#log(request.table);
    const folder = this.#folder(request.table);
    const result = await commitTo(this.#storage, folder, log, request);
    const { checkpoints } = this.#options;
    if (checkpoints !== undefined && !result.already_done && result.version > 0 && result.version % CHECKPOINT_EVERY === 0) {
      await writeCheckpoint(this.#storage, checkpoints, folder, await log.state(result.version));
    }
    return result;
  }

  async discardStaging(run_id: string, step_id?: string): Promise<void> {
    await this.#storage.remove(step_id === undefined ? `${STAGING}/${run_id}` : `${STAGING}/${run_id}/${step_id}`);
    if (step_id !== undefined && (await this.#storage.list(`${STAGING}/${run_id}`)).length === 0) await this.#storage.remove(`${STAGING}/${run_id}`);
  }

  async leftovers(live_run_ids: ReadonlySet<string>, remove: boolean): Promise<readonly string[]> {
    const found: string[] = [];
    for (const run of await this.#storage.list(STAGING)) if (!live_run_ids.has(run)) found.push(`${STAGING}/${run}`);
    for (const run of await this.#storage.list('_dataflow/tmp')) if (!live_run_ids.has(run)) found.push(`_dataflow/tmp/${run}`);
    for (const table of await this.tables()) {
      const folder = `${this.#folder(table)}/_delta_log`;
      for (const name of await this.#storage.list(folder)) if (/^\.[0-9a-f]{16}\.tmp$/.test(name)) found.push(`${folder}/${name}`);
    }
    if (remove) for (const path of found) await this.#storage.remove(path);
    return found;
  }

  async #versionAsOf(log: LogReader, table: TableId, as_of_ms: number): Promise<number> {
    let best: number | undefined;
    for (const version of await log.versions()) {
      const info = (await log.entry(version)).find((action) => action.commitInfo)?.commitInfo;
      if ((info?.timestamp ?? 0) <= as_of_ms) best = version;
    }
    if (best === undefined) throw new DataflowError('E_LAKE_NO_VERSION', `${tableKey(table)} did not exist yet at ${new Date(as_of_ms).toISOString()}`);
    return best;
  }

  #log(table: TableId): LogReader {
    const folder = this.#folder(table);
    let log = this.#logs.get(folder);
    if (log === undefined) {
      log = new LogReader(this.#storage, folder, this.#options.checkpoints);
      this.#logs.set(folder, log);
    }
    return log;
  }

  #folder(table: TableId): string {
    if (!TABLE_NAME.test(table.name)) throw new DataflowError('E_LAKE_NO_TABLE', `${JSON.stringify(table.name)} is not a table name`);
    return `${table.layer === 'quarantine' ? 'quarantine' : this.#options.layers[table.layer]}/${table.name}`;
  }

  #uri(table: TableId, path: string): string {
    return this.#storage.uri(`${this.#folder(table)}/${path}`);
  }
}
