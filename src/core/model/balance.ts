/**
 * What became of the rows of one step. Decision 5: rows are conserved, so
 * `rows_in = rows_out + quarantined + deduplicated + filtered`, or the step fails.
 *
 * `rows_in` comes from our own count (the file scan, the input tables), never from the writer.
 * For a merge, and for a table that is refreshed by value, `rows_out` is the net growth of the table: an older row in whose place a newer
 * one came counts as `deduplicated`.
 */
export interface Balance {
  readonly rows_in: number;
  readonly rows_out: number;
  readonly quarantined: number;
  readonly deduplicated: number;
  readonly filtered: number;
}

/** How many rows are unaccounted for: 0 when the balance holds, positive when rows were lost, negative when some appeared. */
export function imbalance(b: Balance): number {
  return b.rows_in - b.rows_out - b.quarantined - b.deduplicated - b.filtered;
}
