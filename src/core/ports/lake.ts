import type { Column, TableId } from '../model/table.ts';
import type { CandidateFile, InputFile, InputRelation } from './engine.ts';
import type { ReleaseRecord } from './ledger.ts';

/** A published data file. */
export interface DataFile extends InputFile {
  /** Path relative to the table's folder, as in the log but decoded. */
  readonly path: string;
  readonly stats?: import('../model/table.ts').FileStats | undefined;
  readonly sha256?: string | undefined;
  /** Version that added it, when known (a checkpoint does not say); files keep the order in which they were added. */
  readonly added_version?: number;
}

/** One whole version of a table. */
export interface Snapshot {
  readonly table: TableId;
  readonly version: number;
  /** Commit time in ms since the epoch, UTC. */
  readonly committed_at_ms: number;
  readonly columns: readonly Column[];
  readonly partition_by: readonly string[];
  /** In the order they were added. Made when it is asked for: a table may have a million of them. */
  readonly files: readonly DataFile[];
  readonly file_count: number;
  /** Files with fitting partition values, in order; no other one is looked at. */
  filesIn(fits: (partition_values: DataFile['partition_values']) => boolean): readonly DataFile[];
  readonly rows: number;
  readonly size_bytes: number;
  /** Set by whoever compares engines, never by the lake: only so many rows of 10,000 are read; see {@link InputRelation.sample}. */
  readonly sample?: InputRelation['sample'];
  /** `txn` actions: appId → version. */
  readonly txns: ReadonlyMap<string, number>;
}

/** What changed between two versions, by file. */
export interface VersionChanges {
  readonly added: readonly DataFile[];
  readonly removed: readonly DataFile[];
  readonly schema_changed: boolean;
}

/** What a commit says about itself under `commitInfo.dataflow`; the ledger is rebuilt from it. */
export interface CommitNote {
  readonly run_id: string;
  readonly step_id: string;
  /** `silver.achats`, or a maintenance verb such as `compact`. */
  readonly step: string;
  readonly code_fingerprint?: string;
  readonly inputs?: Readonly<Record<string, number>>;
  /** Anything else JSON: balance, tests, input files with hashes. */
  readonly [extra: string]: unknown;
}

export interface CommitRequest {
  readonly table: TableId;
  /** Version that the candidate was computed from; undefined = the table must not exist yet (or `mode: append`). */
  readonly read_version: number | undefined;
  /**
   * `append` adds files and survives other writers' appends (retried at the next version);
   * `rewrite` also removes files and fails with E_LAKE_CONFLICT when another writer changed the table meanwhile.
   */
  readonly mode: 'append' | 'rewrite';
  /** Nobody else may publish this step meanwhile: an append then fails with E_LAKE_CONFLICT when a commit of the same step by another run came first. */
  readonly sole?: true;
  readonly add: readonly CandidateFile[];
  readonly remove: readonly DataFile[];
  readonly columns: readonly Column[];
  readonly partition_by: readonly string[];
  /** Units of work that this commit completes. When all of them are in the table already nothing is written. */
  readonly txns: readonly { readonly app_id: string; readonly version: number }[];
  /** Units of work as the table must stand at this very moment (-1: never done): otherwise E_LAKE_CONFLICT, and nothing is written. */
  readonly expected_txns?: readonly { readonly app_id: string; readonly version: number }[];
  /** Input versions that the candidate was computed from: recorded as `txn` actions too, but never taken as "done already". */
  readonly positions?: readonly { readonly app_id: string; readonly version: number }[];
  readonly note: CommitNote;
  /** False for compaction: no row changed. */
  readonly data_change?: boolean;
  /** For compaction: candidate (URI) → path of the removed file whose place in the order of files it takes. */
  readonly places?: ReadonlyMap<string, string>;
  /** Called at the last moment before the exclusive create; throws when the lock was lost (fencing). */
  readonly fence: () => void;
}

export interface CommitResult {
  readonly version: number;
  readonly files: readonly DataFile[];
  /** True when every unit of work was there already (a crash came between lake and ledger). */
  readonly already_done: boolean;
  readonly bytes_written: number;
}

/** A commit that brings the rows, columns and files of an older version back, as a new version. */
export interface RestoreRequest {
  readonly table: TableId;
  /** The newest version; another one at the time of the commit is E_LAKE_CONFLICT. */
  readonly read_version: number;
  /** The version to go back to; -1: the table is emptied, as it was before its first version. */
  readonly version: number;
  readonly txns: readonly { readonly app_id: string; readonly version: number }[];
  readonly note: CommitNote;
  readonly fence: () => void;
}

/** What going back to an older version takes. */
export interface RestorePreview {
  readonly rows: number;
  readonly rows_before: number;
  /** Data files that would be part of the table again, and those that would leave it. */
  readonly files_back: number;
  readonly files_gone: number;
  /** Files of the older version that no longer lie in the lake: going back is impossible while there is one. */
  readonly missing: readonly string[];
}

export interface HistoryEntry {
  readonly version: number;
  readonly committed_at_ms: number;
  readonly operation: string;
  readonly note?: CommitNote;
  readonly files_added: number;
  readonly files_removed: number;
}

export interface DiscardOptions {
  /**
   * Folders without any candidate are left to the end of the run: between two commits, removing a folder waits until the file system's
   * journal is on the disk.
   */
  readonly spent_later?: boolean;
}

/** Tables of the lake: versions, commits, history. Storage (local, HDFS, S3) is its own matter. */
export interface Lake {
  /** Undefined when the table does not exist. `at` picks an older version, by number or by time. */
  snapshot(
    table: TableId,
    at?: { readonly version: number } | { readonly as_of_ms: number },
  ): Promise<Snapshot | undefined>;
  latestVersion(table: TableId): Promise<number | undefined>;
  changes(table: TableId, from_version: number, to_version: number): Promise<VersionChanges>;
  /**
   * True when the versions between hold the same rows and columns and only their files differ (compaction), or `from` is `to`. Reads the log
   * entries in between, nothing else; false when one of them is gone.
   */
  onlyRearranged(table: TableId, from_version: number, to_version: number): Promise<boolean>;
  /** Oldest first; only what came after version `above` when that is given, and then nothing else is read. */
  history(table: TableId, above?: number): Promise<readonly HistoryEntry[]>;
  /** All tables with a log, quarantine included. */
  tables(): Promise<readonly TableId[]>;
  /** A fresh hidden folder for candidates, mode 0700. */
  stage(run_id: string, step_id: string, part: string): Promise<string>;
  /** URIs of the staged data files (`data*` parts) of a step: the candidate of a failed step, for inspection. */
  candidates(run_id: string, step_id: string): Promise<readonly string[]>;
  /** Hash, fsync, move into the table's folder, fsync, exclusive create of the next log entry. */
  commit(request: CommitRequest): Promise<CommitResult>;
  /** @throws DataflowError E_LAKE_NO_VERSION when the log no longer tells of the version. */
  previewRestore(table: TableId, version: number): Promise<RestorePreview>;
  /** Files are not copied: those of the older version are named again. @throws DataflowError E_LAKE_CONFLICT, E_LAKE_IO, E_LAKE_FEATURE. */
  restore(request: RestoreRequest): Promise<CommitResult>;
  /** Writes a release down for good, as the newest one. */
  recordRelease(release: ReleaseRecord): Promise<void>;
  /** All releases that were written down, oldest first. */
  releases(): Promise<readonly ReleaseRecord[]>;
  /** Pins a release, or lets go of it. */
  keepRelease(release_id: string, keep: boolean): Promise<void>;
  /** Removes the staging folders of a run (or of one step). */
  discardStaging(run_id: string, step_id?: string, options?: DiscardOptions): Promise<void>;
  /** Staging folders and temp files that no live run owns. `remove` collects them. Returns their paths. */
  leftovers(live_run_ids: ReadonlySet<string>, remove: boolean): Promise<readonly string[]>;
}
