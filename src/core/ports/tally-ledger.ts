/** Ended runs of one status. */
export interface RunTally {
  /** As of a run. */
  readonly status: string;
  readonly runs: number;
  /** All of them together. */
  readonly seconds: number;
}

/** Ended steps of one table and one status; numbers of rows are sums over them. */
export interface StepTally {
  /** `silver.achats`. */
  readonly step: string;
  readonly status: string;
  readonly steps: number;
  readonly seconds: number;
  readonly rows_in: number;
  readonly rows_out: number;
  readonly quarantined: number;
  readonly deduplicated: number;
  readonly filtered: number;
}

/** Sums over everything that the ledger remembers. They only grow, until the ledger is made anew. */
export interface TallyLedger {
  runs(): readonly RunTally[];
  steps(): readonly StepTally[];
  /** The newest run that ended so. */
  newestRun(
    status: string,
  ): { readonly run_id: string; readonly started_at: string; readonly finished_at?: string } | undefined;
}
