import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { CheckpointCodec } from '../core/ports/checkpoint.ts';
import type { LakeStorage } from '../core/ports/storage.ts';
import { type Action, parseLog } from './delta-actions.ts';
import { EMPTY, replay, type TableState } from './table-state.ts';

const ENTRY = /^(\d{20})\.json$/;
const CHECKPOINT = /^(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10}))?\.parquet$/;
const V2_CHECKPOINT = /^(\d{20})\.checkpoint\.[0-9a-f-]{36}\.(json|parquet)$/;

export function entryName(version: number): string {
  return `${String(version).padStart(20, '0')}.json`;
}

/** The `_delta_log` of one table: listing, entries, checkpoints, and states kept between calls. */
export class LogReader {
  readonly #storage: LakeStorage;
  readonly #folder: string;
  readonly #codec: CheckpointCodec | undefined;
  #newest: TableState | undefined;

  constructor(storage: LakeStorage, table_folder: string, codec: CheckpointCodec | undefined) {
    this.#storage = storage;
    this.#folder = `${table_folder}/_delta_log`;
    this.#codec = codec;
  }

  /** Newest version, by one listing; undefined when there is no table. */
  async latestVersion(): Promise<number | undefined> {
    const { entries, checkpoints } = await this.#listing();
    const newest = Math.max(-1, ...entries.slice(-1), ...checkpoints.keys());
    return newest < 0 ? undefined : newest;
  }

  /** The state at a version (default: the newest). @throws DataflowError E_LAKE_NO_VERSION, E_LAKE_CORRUPT. */
  async state(version?: number): Promise<TableState | undefined> {
    const { entries, checkpoints } = await this.#listing();
    const newest = Math.max(-1, ...entries.slice(-1), ...checkpoints.keys());
    if (newest < 0) return undefined;
    const target = version ?? newest;
    if (target > newest || target < 0) throw this.#noVersion(target, newest);
    const base = await this.#base(target, entries, checkpoints);
    const wanted = entries.filter((entry) => entry > base.version && entry <= target);
    if (wanted.length !== target - base.version) throw this.#noVersion(target, newest);
    const read: { version: number; actions: readonly Action[] }[] = [];
    for (const entry of wanted) read.push({ version: entry, actions: await this.entry(entry) });
    const state = replay(base, read, target);
    if (target === newest) this.#newest = state;
    return state;
  }

  /** The actions of one log entry. */
  async entry(version: number): Promise<readonly Action[]> {
    const path = `${this.#folder}/${entryName(version)}`;
    const bytes = await this.#storage.read(path);
    if (bytes === undefined) throw new DataflowError('E_LAKE_NO_VERSION', `the log entry ${path} is gone`);
    return parseLog(Buffer.from(bytes).toString('utf8'), path);
  }

  /** Versions whose log entries still exist, ascending. */
  async versions(): Promise<readonly number[]> {
    return (await this.#listing()).entries;
  }

  /** What this process has just committed need not be read again. */
  advance(version: number, actions: readonly Action[]): void {
    if (this.#newest?.version === version - 1) this.#newest = replay(this.#newest, [{ version, actions }], version);
  }

  async #listing(): Promise<{ entries: readonly number[]; checkpoints: ReadonlyMap<number, readonly string[]> }> {
    const entries: number[] = [];
    const parts = new Map<number, { names: string[]; of: number }>();
    for (const name of await this.#storage.list(this.#folder)) {
      const entry = ENTRY.exec(name);
      if (entry) entries.push(Number(entry[1]));
      const checkpoint = CHECKPOINT.exec(name);
      if (checkpoint) {
        const known = parts.get(Number(checkpoint[1])) ?? { names: [], of: Number(checkpoint[3] ?? 1) };
        known.names.push(name);
        parts.set(Number(checkpoint[1]), known);
      }
      if (V2_CHECKPOINT.test(name)) throw new DataflowError('E_LAKE_FEATURE', `${this.#folder} uses the table feature v2Checkpoint, which we cannot handle`);
    }
    const whole = [...parts].filter(([, part]) => part.names.length === part.of);
    return { entries: entries.sort((a, b) => a - b), checkpoints: new Map(whole.map(([version, part]) => [version, part.names.sort()])) };
  }

  /** Where a replay starts: the state at hand, a checkpoint if entries before it are gone or it saves much reading, or nothing. */
  async #base(target: number, entries: readonly number[], checkpoints: ReadonlyMap<number, readonly string[]>): Promise<TableState> {
    if (this.#newest !== undefined && this.#newest.version <= target) return this.#newest;
    const usable = [...checkpoints.keys()].filter((version) => version <= target).sort((a, b) => b - a);
    const [nearest] = usable;
    const complete = entries.filter((entry) => entry <= target).length === target + 1;
    if (nearest === undefined || this.#codec === undefined || (complete && nearest < ENTRIES_READ_AT_ONCE)) return EMPTY;
    const names = checkpoints.get(nearest) ?? [];
    const actions = await this.#codec.read(names.map((name) => this.#storage.uri(`${this.#folder}/${name}`)));
    return replay(EMPTY, [{ version: undefined, actions: actions as readonly Action[] }], nearest);
  }

  #noVersion(version: number, newest: number): DataflowError {
    return new DataflowError('E_LAKE_NO_VERSION', `${this.#folder} has no version ${version} that can be read; the newest is ${newest}`);
  }
}

/** Reading this many JSON entries is cheaper than starting an engine for a checkpoint. */
const ENTRIES_READ_AT_ONCE = 500;
