import type { $ZodType } from 'zod/v4/core';

/** A condition on single rows, compiled to SQL over the row's columns. */
export interface RowCondition {
  /** SQL boolean, true when the row breaks the rule. Must never be NULL (wrap with coalesce). */
  readonly broken: string;
  /** SQL text expression: the reason, with the offending value cut to 80 characters. */
  readonly reason: string;
  /** Columns that the rule looks at. */
  readonly columns: readonly string[];
  /** A table that the row refers to; the row builder joins it and `broken` may use `{alias}` for "no match found". */
  readonly reference?: { readonly table: string; readonly on: string; readonly column: string };
  /** True when a row that broke it may pass later although it did not change (reference arrives, time goes by). */
  readonly retryable: boolean;
}

/** A question to a whole candidate table, compiled to SQL over `this` (and other tables by name). */
export interface TableCondition {
  /** Query whose rows are the failures; 0 rows = passed. Runs with a limit, so it may be large. */
  readonly failures: string;
  /** Query with one row and the columns `failures` (count) and optionally `observed` (text for the message). */
  readonly count: string;
  readonly summary: string;
}

export interface CheckContext {
  /** Columns of the row or table, in lower-case-insensitive lookup order. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** Rows of the published version (undefined when there is none): for `row_count: drop_max_pct`. */
  readonly rows_before?: number;
  /** The run's clock, fixed at its start: `2026-11-21T06:30:00Z`. */
  readonly now_iso: string;
}

/**
 * A rule (row by row, in silver) and/or a test (whole table, before publishing). One file per component in `rules/`;
 * its zod schema gives validation, editor schema and reference docs.
 */
export interface CheckComponent<P = unknown> {
  readonly name: string;
  readonly summary: string;
  readonly schema: $ZodType<P>;
  /** Example of use in YAML, for the docs: `{ not_null: [id] }`. */
  readonly example: string;
  /** Default name of an instance, e.g. `not_null_id_nom`. */
  instanceName(params: P): string;
  /** Columns that it names, so that a misspelt one is found before anything runs. */
  columns?(params: P): readonly string[];
  /** Present when it can be a rule. */
  row?(params: P, context: CheckContext): readonly RowCondition[];
  /** Present when it can be a test. */
  table?(params: P, context: CheckContext): TableCondition;
  /** Tables that it reads besides its own (`silver.pays`), for the graph. */
  reads?(params: P): readonly string[];
}
