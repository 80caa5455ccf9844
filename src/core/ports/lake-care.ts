import type { TableId } from '../model/table.ts';
import type { CommitNote, DataFile } from './lake.ts';

/** Both ends belong to it. */
export interface VersionRange {
  readonly from: number;
  readonly to: number;
}

/** A data file, and the versions that hold it. */
export interface PublishedFile extends DataFile {
  readonly versions: readonly VersionRange[];
}

/** One version as the log tells it. */
export interface LoggedVersion {
  readonly version: number;
  readonly committed_at_ms: number;
  readonly operation: string;
  readonly note?: CommitNote;
  /** Rows of the data files that the version added, removed, and has in all. */
  readonly rows_added: number;
  readonly rows_removed: number;
  readonly rows: number;
  /** False when files were only rearranged. */
  readonly data_change: boolean;
}

/** Something wrong with a log. A `difference` is between a checkpoint and the entries before it: one of them is damaged. */
export interface LogProblem {
  readonly kind: 'entry' | 'gap' | 'checkpoint' | 'difference' | 'pointer' | 'history';
  /** Relative to the lake. */
  readonly path: string;
  readonly version: number;
  readonly message: string;
}

/** A table's log, read from end to end: every entry and every checkpoint, also those that readers skip. */
export interface LogReport {
  readonly table: TableId;
  /** Folder of the table, relative to the lake. */
  readonly folder: string;
  /** Versions that can be read, ascending; what a damaged log leaves unreadable is missing. */
  readonly versions: readonly LoggedVersion[];
  /** Files of those versions. */
  readonly files: readonly PublishedFile[];
  /** The newest version’s `txn` actions: application id → version. */
  readonly txns: ReadonlyMap<string, number>;
  /** Versions whose entries went when they were old, or were about to. */
  readonly collected: ReadonlySet<number>;
  readonly problems: readonly LogProblem[];
  /** Files in the table's folder that no log entry or checkpoint names. */
  readonly orphans: readonly { readonly path: string; readonly size_bytes: number }[];
}

/** What is wrong with a data file on the disk. */
export interface FileProblem {
  readonly table: TableId;
  readonly file: PublishedFile;
  readonly kind: 'missing' | 'size' | 'hash' | 'rows' | 'unreadable';
  readonly expected: string;
  readonly actual: string;
}

/** What may be collected of a table. */
export interface CollectionRules {
  /** Versions that were replaced before this moment. */
  readonly replaced_before_ms: number;
  /** But none from this version on: some step has yet to compare with it. */
  readonly needed_from: number | undefined;
  /** And none of these: a release or a reader holds them. */
  readonly pins: ReadonlySet<number>;
}

export interface CollectionPlan {
  readonly table: TableId;
  /** This version and all after it stay, and the pinned ones before it. */
  readonly from: number;
  readonly pinned: readonly number[];
  /** Versions that go. */
  readonly versions: readonly number[];
  /** Files that only they hold, relative to the lake. */
  readonly files: readonly string[];
  readonly size_bytes: number;
}

/** What the removal of files came to. */
export interface Removed {
  readonly files: number;
  readonly size_bytes: number;
  /** Files that stay for now, since somebody may be reading them. */
  readonly waiting: number;
}

/**
 * A file of a table. `data` and `entry` never change once they are there; a `checkpoint` may be written again with other bytes that say the same, a
 * `hint` (`_last_checkpoint`, the history of collected versions) is written over.
 */
export interface LakeFile {
  /** Relative to the lake. */
  readonly path: string;
  readonly kind: 'data' | 'entry' | 'checkpoint' | 'hint';
  readonly size_bytes: number;
  /** As the log records it for data files; of the bytes as they are now for entries and hints. */
  readonly sha256?: string;
  /** For checkpoints: told apart by time, so that not each has to be read. */
  readonly modified_ms?: number;
}

/** What a copy of a table up to a version consists of. */
export interface TableFiles {
  readonly table: TableId;
  /** Folder of the table, relative to the lake. */
  readonly folder: string;
  readonly version: number;
  /** Versions up to this one that can be read, ascending. */
  readonly versions: readonly number[];
  /** Files of all those versions. */
  readonly data: readonly LakeFile[];
  /** Ascending. */
  readonly entries: readonly LakeFile[];
  readonly checkpoints: readonly LakeFile[];
  readonly hints: readonly LakeFile[];
}

/** Looking after the lake: proving that it is what the logs say, and taking away what nobody needs. */
export interface LakeCare {
  /** @throws DataflowError E_LAKE_IO; damage is in the report. */
  examineLog(table: TableId): Promise<LogReport>;
  /**
   * Holds data files against their log: size, row count of the Parquet footer, and (unless `quick`) the SHA-256 recorded when they
   * were published. Every file is looked at, whatever is found. `tell` hears of the bytes read.
   */
  checkFiles(
    tables: readonly { readonly table: TableId; readonly files: readonly PublishedFile[] }[],
    options: { readonly quick: boolean; readonly signal: AbortSignal; readonly tell: (bytes: number) => void },
  ): Promise<readonly FileProblem[]>;
  /** The files of a table up to a version, from its log alone. @throws DataflowError E_LAKE_NO_VERSION, E_LAKE_CORRUPT */
  tableFiles(table: TableId, version: number): Promise<TableFiles>;
  /** Where a file of the lake is on this machine. */
  fileOf(path: string): string;
  /** What may go; changes nothing. Undefined when the log is damaged: nothing of such a table is collected. */
  planCollection(table: TableId, rules: CollectionRules): Promise<CollectionPlan | undefined>;
  /** Makes the planned versions unreadable, and writes down which files are nobody's then. `fence` throws when the lock was lost. */
  hideVersions(plan: CollectionPlan, fence: () => void): Promise<void>;
  /** Removes the files written down, also by attempts that died, unless `blocked` says that a reader may be at them. */
  removeHidden(blocked: () => Promise<boolean>): Promise<Removed>;
}
