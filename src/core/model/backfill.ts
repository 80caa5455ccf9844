/** What a user asks for: a range of a table, to be computed again in windows. */
export interface BackfillRequest {
  /** `gold.kpi_ca_par_jour`, or the name alone. */
  readonly table: string;
  /** Inclusive. */
  readonly from: string;
  /** Exclusive. */
  readonly to: string;
  readonly window: string;
  /** The column that the windows are cut by; without it that of `refresh`, else the first of `partition_by`. */
  readonly by?: string;
}

/** A recomputation of a part of a table, window by window. All windows are computed from the same definition and input versions. */
export interface BackfillJob {
  readonly backfill_id: string;
  /** `gold.kpi_ca_par_jour`. */
  readonly step: string;
  /** The column that the windows are cut by. */
  readonly column: string;
  /** Inclusive. */
  readonly from: string;
  /** Exclusive. */
  readonly to: string;
  /** `1 month`, `7 days`, `1000`. */
  readonly window: string;
  /** How many windows there are. */
  readonly windows: number;
  readonly code_fingerprint: string;
  readonly inputs: Readonly<Record<string, number>>;
}

/** A window that was computed and published: recorded with the publish, so that a backfill goes on after it. */
export interface BackfillProgress {
  readonly job: BackfillJob;
  /** From 0, in the order of the windows. */
  readonly position: number;
}
