import type { Row } from '../ports/engine.ts';
import type { Destination } from './destination.ts';

/** Rows of one table on a trace. */
export interface TraceLevel {
  /** `silver.achats`. */
  readonly table: string;
  readonly version: number;
  /** How many rows are on the trace. */
  readonly rows: number;
  /** How many of them are sure to have gone in; the others may have (a window function or a condition looked at them). */
  readonly sure_rows: number;
  /** The first of them. */
  readonly sample: readonly Row[];
  /** Tables of the trace whose rows these rows were made of (leading back) or went into (leading forward). */
  readonly next: readonly string[];
  /** Why rows are here that may not have gone in. */
  readonly at_most: readonly string[];
  readonly notes: readonly string[];
}

/** A source file on a trace. */
export interface TracedFile {
  readonly path: string;
  readonly source: string;
  /** Empty when the ledger does not know it. */
  readonly sha256: string;
  readonly size_bytes: number | null;
  /** The run that loaded it, and the bronze version that it came with. */
  readonly run_id: string | null;
  readonly bronze_version: number | null;
  readonly rows: number;
  readonly sure_rows: number;
  /** Lines of the first rows; fewer where records span lines. */
  readonly lines: readonly number[];
}

/** Where rows came from. */
export interface BackwardTrace {
  readonly direction: 'backward';
  readonly table: string;
  readonly version: number;
  readonly where: string | null;
  /** The table itself first, bronze last. */
  readonly levels: readonly TraceLevel[];
  readonly files: readonly TracedFile[];
}

/** What became of a file as a whole. */
export type FileState = 'loaded' | 'duplicate' | 'quarantined' | 'undone' | 'removed' | 'unknown';

/** What became of one line, when a line was asked for. */
export type LineState = 'record' | 'rejected' | 'before_records' | 'beyond_end' | 'not_located';

/** Bronze rows that met the same fate on the way into a silver table. */
export interface TracedFate {
  readonly table: string;
  readonly fate: 'kept' | 'deduplicated' | 'quarantined' | 'discarded' | 'filtered' | 'not_read_yet';
  readonly rule: string | null;
  /** The reason of the first of them. */
  readonly reason: string | null;
  readonly rows: number;
  /** Its entry in the quarantine, when a single line was asked for. */
  readonly quarantine_id: string | null;
  /** For duplicates: where the first row that was kept instead stands. */
  readonly instead: { readonly file: string; readonly line: number | null } | null;
}

/** Where a file, or a line of it, went. */
export interface ForwardTrace {
  readonly direction: 'forward';
  readonly file: {
    readonly path: string;
    readonly source: string | null;
    readonly state: FileState;
    readonly sha256: string;
    readonly size_bytes: number | null;
    readonly run_id: string | null;
    readonly bronze_version: number | null;
    readonly records: number | null;
    readonly rejected: number | null;
    readonly same_as: string | null;
    readonly rule: string | null;
    readonly reason: string | null;
  };
  readonly line: { readonly number: number; readonly state: LineState; readonly detail: string | null } | null;
  readonly fates: readonly TracedFate[];
  /** Bronze first. */
  readonly levels: readonly TraceLevel[];
  /** Releases whose bronze version holds the file's rows, newest first. */
  readonly releases: readonly { readonly release_id: string; readonly created_at: string }[];
  /** Where the tables that were reached go. */
  readonly destinations: readonly Destination[];
}
