import type { BalanceShape, GraphTable } from './pipeline.ts';

/** What the server tells of one table of the pipeline: `/api/v1/pipeline/tables/{layer}/{table}…`. Types alone, for the pages in `src/dashboard`. */

export interface CheckShape {
  readonly name: string;
  readonly check: string;
  /** A rule looks at each row, a test at the whole table. */
  readonly kind: 'rule' | 'test';
  readonly severity: 'fail' | 'warn';
  /** Rule: rows in quarantine because of it. */
  readonly quarantined: number | null;
  /** Test: how it ended last; null: it was not run yet. */
  readonly result: { readonly passed: boolean; readonly failures: number; readonly message: string } | null;
}

/** `GET /api/v1/pipeline/tables/{layer}/{table}` */
export interface TableShape extends GraphTable {
  readonly description: string | null;
  readonly children: readonly string[];
  readonly key: readonly string[];
  readonly partition_by: readonly string[];
  readonly columns: readonly {
    readonly name: string;
    readonly type: string;
    readonly nullable: boolean;
  }[];
  readonly checks: readonly CheckShape[];
  /** Of what is published. */
  readonly rows: number | null;
  readonly size_bytes: number | null;
  /** Of the step that made what is published. */
  readonly balance: BalanceShape | null;
  readonly balance_run_id: string | null;
  /** Whether its rows, and its rejected rows, are given out: `serve.tables` lists them and whoever asks may read them. */
  readonly rows_served: boolean;
  readonly rejects_served: boolean;
}

/** `GET /api/v1/pipeline/tables/{layer}/{table}/sample?limit=`: values as text; null is NULL. */
export interface SampleShape {
  readonly release_id: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly (string | null)[])[];
  readonly total: number;
}

export interface QuarantineGroupShape {
  readonly table: string;
  readonly rule: string;
  readonly file: string;
  readonly run_id: string;
  readonly rows: number;
  /** What sends these rows through again, as it is typed. */
  readonly replay: string;
}

export interface RejectedRow {
  readonly quarantine_id: string;
  readonly file: string | null;
  readonly line: number | null;
  readonly rule: string;
  readonly reason: string;
  /** The record as it came; null: the whole file was refused. */
  readonly raw: string | null;
}

/** `GET /api/v1/pipeline/tables/{layer}/{table}/quarantine?limit=` */
export interface TableQuarantine {
  readonly table: string;
  readonly rows: number;
  readonly replay: string;
  readonly groups: readonly QuarantineGroupShape[];
  readonly groups_truncated: boolean;
  /** Some of the rejected rows as of the newest release; null where they are not given out. */
  readonly rejected: readonly RejectedRow[] | null;
}

/** `GET /api/v1/pipeline/tables/{layer}/{table}/versions?limit=`, newest first. */
export interface VersionList {
  readonly table: string;
  readonly data: readonly {
    readonly version: number;
    readonly run_id: string;
    readonly finished_at: string;
    readonly reason: string;
    readonly mode: 'full' | 'incremental' | null;
    readonly balance: BalanceShape | null;
    /** The newest release that has this version; null: none that is known has it. */
    readonly release_id: string | null;
  }[];
}

/** `GET /api/v1/pipeline/tables/{layer}/{table}/diff?from=&to=` between two releases: what `release diff` gives. */
export interface DiffShape {
  readonly table: string;
  readonly from: { readonly release_id: string; readonly version: number | null };
  readonly to: { readonly release_id: string; readonly version: number | null };
  readonly key: readonly string[];
  readonly rows_added: number;
  readonly rows_removed: number;
  readonly rows_changed: number;
  readonly columns_changed: readonly { readonly column: string; readonly rows: number }[];
  readonly columns_added: readonly string[];
  readonly columns_removed: readonly string[];
  /** Some rows of each kind, values as text; null where rows are not given out. */
  readonly samples:
    | readonly {
        readonly kind: 'added' | 'removed' | 'changed';
        readonly row: Readonly<Record<string, string | null>>;
      }[]
    | null;
}

export interface ColumnOrigin {
  readonly table: string;
  readonly column: string;
  /** identity, transformation, aggregation; filter, join, group_by, sort, window, conditional */
  readonly way: string;
}

/** `GET /api/v1/pipeline/tables/{layer}/{table}/lineage` */
export interface LineageShape {
  readonly table: string;
  readonly columns: readonly {
    readonly name: string;
    readonly origins: readonly ColumnOrigin[];
    readonly used_by: readonly ColumnOrigin[];
  }[];
  /** Columns that decide which rows there are. */
  readonly rows: readonly ColumnOrigin[];
  /** Something could not be followed: origins may be missing. */
  readonly incomplete: boolean;
}
