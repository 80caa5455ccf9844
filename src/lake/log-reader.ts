import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { LakeStorage } from '../core/ports/storage.ts';
import { readCheckpoint } from './checkpoint/reader.ts';
import { type Action, isAltered, parseLog } from './delta-actions.ts';
import { checkpointName, entryName, type LogListing, listLog } from './log-listing.ts';
import { resolvePath } from './log-paths.ts';
import { EMPTY, type LogEntry, type PathResolver, replay, stateOf, type TableState } from './table-state.ts';

/** Reading this many JSON entries is cheaper than loading what reads Parquet, unless they tell of very many files. */
const ENTRIES_WITHOUT_CHECKPOINT = 500;
/** A checkpoint of this size is read faster than the entries before it. */
const LARGE_CHECKPOINT_BYTES = 1024 * 1024;
/** Those that were read last are kept: older versions are asked for, too. */
const CHECKPOINTS_KEPT = 2;
const READS_AT_ONCE = 16;

/** A log entry of a known version. */
export type VersionEntry = LogEntry;

/** The `_delta_log` of one table: listing, entries, checkpoints. The newest state is kept, so that only new entries are read. */
export class LogReader {
  /** Resolved path of a path in this log. */
  readonly resolve: PathResolver;
  readonly #storage: LakeStorage;
  readonly #folder: string;
  #newest: TableState | undefined;
  /** What checkpoints told, by version: each is read once. */
  readonly #checkpoints = new Map<number, TableState>();

  constructor(storage: LakeStorage, table_folder: string) {
    this.#storage = storage;
    this.#folder = `${table_folder}/_delta_log`;
    this.resolve = (path) => resolvePath(storage, table_folder, path);
  }

  listing(): Promise<LogListing> {
    return listLog(this.#storage, this.#folder);
  }

  /** The state at a version (default: the newest); undefined when there is no table. @throws DataflowError E_LAKE_NO_VERSION, E_LAKE_CORRUPT. */
  async state(version?: number): Promise<TableState | undefined> {
    const listing = await this.listing();
    if (listing.newest < 0) return undefined;
    const target = version ?? listing.newest;
    if (target > listing.newest || target < 0) throw this.#noVersion(target, listing);
    // A log that went back was made anew by somebody: what we know belongs to the old one.
    if (this.#newest !== undefined && this.#newest.version > listing.newest) this.#forget();
    if (this.#newest?.version === target) return this.#newest;
    const base = await this.#base(target, listing);
    const wanted = listing.entries.filter((entry) => entry > base.version && entry <= target);
    if (wanted.length !== target - base.version) throw this.#noVersion(target, listing);
    const state = replay(base, await this.entries(wanted), target, this.resolve);
    if (target === listing.newest) this.#newest = state;
    return state;
  }

  /** The newest state, for a commit: two looks tell that nothing came since, however long the log is. */
  async head(): Promise<TableState | undefined> {
    const known = this.#newest;
    if (known === undefined) return await this.state();
    const [here, next] = [known.version, known.version + 1].map((one) => `${this.#folder}/${entryName(one)}`);
    const is_newest =
      (await this.#storage.info(here ?? '')) !== undefined && (await this.#storage.info(next ?? '')) === undefined;
    return is_newest ? known : await this.state();
  }

  /** Some log entries, in the order asked for. @throws DataflowError E_LAKE_NO_VERSION when one is gone, E_LAKE_CORRUPT. */
  async entries(versions: readonly number[]): Promise<readonly VersionEntry[]> {
    const read: VersionEntry[] = [];
    for (let at = 0; at < versions.length; at += READS_AT_ONCE) {
      read.push(...(await Promise.all(versions.slice(at, at + READS_AT_ONCE).map((version) => this.entry(version)))));
    }
    return read;
  }

  async entry(version: number): Promise<VersionEntry> {
    return this.#parsed(version, await this.#bytes(version));
  }

  /** An entry, and whether its bytes are others than those that were written. @throws DataflowError as {@link entry}. */
  async examined(version: number): Promise<{ readonly entry: VersionEntry; readonly altered: boolean }> {
    const bytes = await this.#bytes(version);
    return { entry: await this.#parsed(version, bytes), altered: isAltered(bytes) };
  }

  async #bytes(version: number): Promise<Uint8Array> {
    const path = `${this.#folder}/${entryName(version)}`;
    const bytes = await this.#storage.read(path);
    if (bytes === undefined) throw new DataflowError('E_LAKE_NO_VERSION', `the log entry ${path} is gone`);
    return bytes;
  }

  async #parsed(version: number, bytes: Uint8Array): Promise<VersionEntry> {
    const path = `${this.#folder}/${entryName(version)}`;
    const actions = parseLog(bytes, path);
    return { version, actions, committed_at_ms: await this.#commitTime(path, actions) };
  }

  /** What this process has just committed need not be read again. */
  advance(entry: VersionEntry): void {
    if ((this.#newest ?? EMPTY).version === entry.version - 1)
      this.#newest = replay(this.#newest ?? EMPTY, [entry], entry.version, this.resolve);
  }

  /** Where a replay starts: the state at hand, a checkpoint if entries before it are gone or it saves much reading, or nothing. */
  async #base(target: number, listing: LogListing): Promise<TableState> {
    const known = this.#known(target);
    const missing =
      listing.entries.filter((entry) => entry > known.version && entry <= target).length !== target - known.version;
    const checkpoints = [...listing.checkpoints.keys()].filter((one) => one <= target && one > known.version);
    checkpoints.sort((a, b) => b - a);
    const few = !missing && target - known.version <= ENTRIES_WITHOUT_CHECKPOINT;
    if (few && (known !== EMPTY || !(await this.#isLarge(checkpoints[0], listing)))) return known;
    let cause: unknown;
    for (const version of checkpoints) {
      try {
        const state = await this.#checkpoint(version, listing);
        this.#checkpoints.set(version, state);
        for (const [oldest] of this.#checkpoints)
          if (this.#checkpoints.size > CHECKPOINTS_KEPT) this.#checkpoints.delete(oldest);
        return state;
      } catch (error) {
        cause = error; // an older checkpoint, or the entries themselves, may do
      }
    }
    if (!missing || cause === undefined) return known;
    throw new DataflowError(
      'E_LAKE_CORRUPT',
      `no checkpoint in ${this.#folder} can be read, and the log entries before it are gone`,
      { cause },
    );
  }

  /** The newest state at hand that is not newer than a version. */
  #known(target: number): TableState {
    const states = [...(this.#newest === undefined ? [] : [this.#newest]), ...this.#checkpoints.values()];
    const usable = states.filter(({ version }) => version <= target);
    return usable.reduce((best, one) => (one.version > best.version ? one : best), EMPTY);
  }

  #forget(): void {
    this.#newest = undefined;
    this.#checkpoints.clear();
  }

  async #isLarge(version: number | undefined, listing: LogListing): Promise<boolean> {
    const [name] = (version === undefined ? undefined : listing.checkpoints.get(version)) ?? [];
    if (name === undefined) return false;
    return ((await this.#storage.info(`${this.#folder}/${name}`))?.size_bytes ?? 0) >= LARGE_CHECKPOINT_BYTES;
  }

  async #checkpoint(version: number, listing: LogListing): Promise<TableState> {
    const names = listing.checkpoints.get(version) ?? [];
    const paths = names.map((name) => `${this.#folder}/${name}`);
    const content = await readCheckpoint(this.#storage, paths, this.resolve);
    const entry = listing.entries.includes(version) ? await this.entry(version) : undefined;
    const committed_at_ms =
      entry?.committed_at_ms ??
      (await this.#storage.info(`${this.#folder}/${checkpointName(version)}`))?.modified_ms ??
      0;
    return stateOf(content, { version, committed_at_ms }, this.resolve);
  }

  /** As the protocol has it, without in-commit timestamps: what the commit says of itself, else the time of the file. */
  async #commitTime(path: string, actions: readonly Action[]): Promise<number> {
    const said = actions.find((action) => action.commitInfo)?.commitInfo?.timestamp;
    return said ?? (await this.#storage.info(path))?.modified_ms ?? 0;
  }

  #noVersion(version: number, listing: LogListing): DataflowError {
    return new DataflowError(
      'E_LAKE_NO_VERSION',
      `${this.#folder} has no version ${version} that can be read; the newest is ${listing.newest}`,
    );
  }
}
