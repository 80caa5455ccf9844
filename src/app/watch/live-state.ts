import type { StepProgress } from '../../core/model/step-progress.ts';
import type { Layer } from '../../core/model/table.ts';

/** How a table stands at this moment: `waits` for its turn in the run that goes on; `new`: no run has touched it. */
export type LiveTableState = 'running' | 'waits' | 'ok' | 'fresh' | 'failed' | 'skipped' | 'new';

/** One table of the project, with what the newest run does to it. */
export interface LiveTable {
  /** `silver.achats`. */
  readonly key: string;
  readonly layer: Layer;
  readonly state: LiveTableState;
  readonly version: number | null;
  readonly rows_in: number | null;
  readonly rows_out: number | null;
  readonly deduplicated: number | null;
  readonly filtered: number | null;
  /** Rows of it that lie in quarantine now. */
  readonly quarantined: number;
  readonly finished_at: string | null;
  readonly reason: string;
  readonly error: string | null;
  /** Tables that it reads, and tables that read it. */
  readonly parents: readonly string[];
  readonly children: readonly string[];
  /** Present while a step works on it. */
  readonly work?: LiveWork;
}

/** What is known of a step at work. */
export interface LiveWork {
  readonly started_at: string;
  /** What its last success took. */
  readonly last_wall_ms: number | null;
  /** What the run noted of it some moments ago. */
  readonly progress?: StepProgress;
}

export interface LiveRun {
  readonly run_id: string;
  readonly status: 'running' | 'succeeded' | 'failed' | 'partial' | 'interrupted';
  readonly command: string;
  readonly started_at: string;
  readonly finished_at: string | null;
  readonly pid: number;
  readonly host: string;
  /** A process of this machine that is known to be alive: it can be sent a signal. */
  readonly alive_here: boolean;
  readonly error: string | null;
  /** Steps that it is about, and those that have ended; null where the ledger does not tell. */
  readonly steps_total: number | null;
  readonly steps_ended: number;
}

export interface LiveQuarantine {
  readonly table: string;
  readonly rule: string;
  readonly rows: number;
  readonly files: number;
}

/** A place that releases go to, as the ledger remembers it. */
export interface LiveDestination {
  readonly kind: 'load' | 'mirror' | 'stream';
  readonly name: string;
  readonly state: 'current' | 'behind' | 'empty';
  readonly holds: string | null;
  readonly at: string | null;
  readonly place: string;
}

export interface LiveLogLine {
  readonly at: string;
  readonly tone: 'plain' | 'good' | 'bad' | 'warn';
  readonly text: string;
}

/** All that the terminal view shows, read from the ledger at one moment. */
export interface LiveState {
  readonly project: string;
  readonly release: { readonly release_id: string; readonly created_at: string } | null;
  /** By layer, each after what it reads. */
  readonly tables: readonly LiveTable[];
  /** Newest first. */
  readonly runs: readonly LiveRun[];
  readonly quarantine: readonly LiveQuarantine[];
  readonly destinations: readonly LiveDestination[];
  /** Oldest first. */
  readonly log: readonly LiveLogLine[];
}

/** What is shown of one table beside its line. */
export interface TableDetail {
  readonly key: string;
  readonly columns: readonly { readonly name: string; readonly type: string; readonly nullable: boolean }[];
  /** Newest first. */
  readonly versions: readonly {
    readonly version: number;
    readonly at: string;
    readonly run_id: string;
    readonly rows_out: number | null;
    readonly reason: string;
  }[];
  /** Some of the rows in quarantine. */
  readonly rejected: readonly {
    readonly file: string;
    readonly line: string;
    readonly rule: string;
    readonly reason: string;
  }[];
}
