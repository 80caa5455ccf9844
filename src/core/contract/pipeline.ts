/**
 * What the server tells of the pipeline itself, at this moment and from the ledger: `/api/v1/pipeline/…`. Types alone, for the pages in `src/dashboard`.
 * Whoever may read some tables only is told of those; what is about all of them together is null for him.
 */

export type RunWord = 'running' | 'succeeded' | 'failed' | 'partial' | 'interrupted';
export type StepWord = 'running' | 'succeeded' | 'failed' | 'skipped' | 'up_to_date';
export type TableWord = 'running' | 'waits' | 'ok' | 'fresh' | 'failed' | 'skipped' | 'new';

/** What went wrong, and what to do about it. */
export interface FailureShape {
  readonly code: string;
  readonly message: string | null;
  readonly hint: string | null;
}

export interface RunShape {
  readonly run_id: string;
  readonly status: RunWord;
  readonly command: string | null;
  readonly started_at: string;
  readonly finished_at: string | null;
  /** From its start to its end; null while it goes on. */
  readonly wall_ms: number | null;
  readonly rows_in: number | null;
  readonly rows_out: number | null;
  readonly rows_quarantined: number | null;
  readonly money: number | null;
  readonly currency: string | null;
  readonly error: FailureShape | null;
}

/** `GET /api/v1/pipeline/runs?status=&limit=&before=`, newest first. */
export interface RunList {
  readonly data: readonly RunShape[];
  /** The value of `before` for the next page; null on the last. */
  readonly next: string | null;
}

export interface BalanceShape {
  readonly rows_in: number;
  readonly rows_out: number;
  readonly quarantined: number;
  readonly deduplicated: number;
  readonly filtered: number;
}

export interface TestShape {
  readonly test: string;
  readonly severity: 'fail' | 'warn';
  readonly passed: boolean;
  readonly failures: number;
  readonly message: string;
}

export interface StepShape {
  readonly step_id: string;
  readonly table: string;
  readonly status: StepWord;
  readonly reason: string;
  readonly mode: 'full' | 'incremental' | null;
  readonly started_at: string;
  readonly finished_at: string | null;
  readonly wall_ms: number | null;
  /** While it is at work: what its last success took. */
  readonly last_wall_ms: number | null;
  readonly version: number | null;
  readonly balance: BalanceShape | null;
  readonly tests: readonly TestShape[];
  readonly error: FailureShape | null;
}

/** What the run took and used. */
export interface ReceiptShape {
  readonly run_id: string;
  readonly wall_ms: number;
  readonly cpu_ms: number;
  readonly peak_memory_bytes: number;
  readonly rows_in: number;
  readonly rows_out: number;
  readonly rows_quarantined: number;
  readonly bytes_in: number;
  readonly bytes_out: number;
  readonly rows_per_second: number | null;
  readonly money: number | null;
  readonly currency: string | null;
  readonly over_budget: readonly { readonly limit: string; readonly allowed: number; readonly used: number }[];
}

/** `GET /api/v1/pipeline/runs/{run_id}`; `last` is the newest. */
export interface RunDetail extends RunShape {
  readonly dataflow_version: string;
  readonly steps: readonly StepShape[];
  readonly steps_truncated: boolean;
  /** Tables that the run has not come to yet. */
  readonly waiting: readonly string[];
  readonly receipt: ReceiptShape | null;
  /** A process of the server's machine works on it: it can be cancelled. */
  readonly alive_here: boolean;
}

export interface GraphTable {
  readonly table: string;
  readonly layer: 'bronze' | 'silver' | 'gold';
  readonly state: TableWord;
  readonly version: number | null;
  /** What its last step gave: of one that adds to the table not all of its rows. */
  readonly rows_out: number | null;
  readonly quarantined: number;
  readonly finished_at: string | null;
  readonly reason: string;
  readonly error: string | null;
  /** Tables that it reads. */
  readonly parents: readonly string[];
}

/** `GET /api/v1/pipeline/graph`: each table after those that it reads. */
export interface GraphShape {
  readonly project: string;
  readonly release: { readonly release_id: string; readonly created_at: string } | null;
  readonly run: { readonly run_id: string; readonly status: RunWord; readonly started_at: string } | null;
  readonly tables: readonly GraphTable[];
}

/** `GET /api/v1/pipeline/quarantine` */
export interface QuarantineOverview {
  readonly rows: number;
  readonly data: readonly {
    readonly table: string;
    readonly rule: string;
    readonly rows: number;
    readonly files: number;
    readonly replay: string;
  }[];
}

/** `GET /api/v1/pipeline/sources` */
export interface SourceList {
  readonly data: readonly {
    readonly source: string;
    readonly table: string;
    readonly type: string;
    readonly description: string | null;
    /** When a run looked at it last, and how that ended. */
    readonly looked_at: string | null;
    readonly status: StepWord | null;
    /** When rows came from it last. */
    readonly fresh_at: string | null;
    readonly rows_last: number | null;
    readonly units_loaded: number;
    readonly units_refused: number;
    readonly units_removed: number;
  }[];
}

/** `GET /api/v1/pipeline/destinations`: loads, mirrors and streams, as the ledger remembers them. */
export interface DestinationList {
  readonly data: readonly {
    readonly kind: 'load' | 'mirror' | 'stream';
    readonly name: string;
    readonly state: 'current' | 'behind' | 'empty';
    readonly holds: string | null;
    readonly at: string | null;
    readonly place: string | null;
    readonly releases_behind: number | null;
    /** How long there has been something newer than what it holds. */
    readonly lag_ms: number | null;
    /** From the publication in the lake to the end of the load; of a mirror what the sync took. */
    readonly refresh_ms: number | null;
    readonly rows: number | null;
    readonly size_bytes: number | null;
  }[];
}

/** `GET /api/v1/pipeline/receipts?limit=`, newest first. */
export interface ReceiptList {
  readonly data: readonly (ReceiptShape & { readonly started_at: string; readonly status: RunWord })[];
}

/** What an operator did from the pages. */
export interface ActionShape {
  readonly action_id: string;
  readonly kind: 'retry' | 'cancel' | 'replay';
  readonly by: string;
  readonly at: string;
  /** As one would type it. */
  readonly command: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly exit_status: number | null;
  /** The last lines that the command printed. */
  readonly lines: readonly string[];
}

/**
 * `GET /api/v1/pipeline/actions`, newest first, since the server was started. An operator makes one by `POST /api/v1/pipeline/runs/{run_id}/retry`,
 * `…/cancel` or `POST /api/v1/pipeline/tables/{layer}/{table}/replay?rule=`.
 */
export interface ActionList {
  readonly data: readonly ActionShape[];
}
