/**
 * What a step is at. `inspecting`: its files are hashed and counted. `pulling`: a source is asked. `reading`: the engine reads files of a source and writes
 * their rows. `computing`: a query whose rows stay with the engine. `writing`: a query whose rows are written.
 */
export type StepDoing = 'inspecting' | 'pulling' | 'reading' | 'computing' | 'writing';

/** How far a step at work is, as far as anybody knows. */
export interface StepProgress {
  readonly step: string;
  readonly started_at: string;
  readonly doing: StepDoing;
  /** Rows that were looked at, landed or written so far. Rows are written in groups of 122,880. Null: nobody knows. */
  readonly rows: number | null;
  /** Over the last seconds. */
  readonly rows_per_second: number | null;
  /** Bytes that were looked at, landed or written so far. */
  readonly bytes: number | null;
  /** Share, 0 to 100, of what `percent_of` names. */
  readonly percent: number | null;
  /** `bytes`: of all that are to be inspected. `statement`: the engine's own share of the statement that it works on; a step may have several. */
  readonly percent_of: 'bytes' | 'statement' | null;
  /** A guess, by the rate so far of what `left_by` names, or by what the step's last success took. */
  readonly left_ms: number | null;
  readonly left_by: 'bytes' | 'statement' | 'last_success' | null;
}

/** A run while it goes on: what it notes beside the ledger, about once a second, for whoever looks on from another process. */
export interface RunProgress {
  readonly run_id: string;
  /** When it was noted. */
  readonly at: string;
  readonly steps_total: number;
  readonly steps_ended: number;
  /** Those at work. */
  readonly steps: readonly StepProgress[];
}
