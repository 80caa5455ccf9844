import type { GeneratorKind } from '../core/model/generate.ts';

export type DataFormat = 'csv' | 'ndjson' | 'parquet';

/** How the values of one column are computed from the row's number. */
export type Maker =
  | { readonly kind: 'sequence' }
  | { readonly kind: 'reference'; readonly source: string; readonly column: string }
  | { readonly kind: 'values'; readonly values: readonly (string | number | boolean)[] }
  | { readonly kind: 'number'; readonly min: number; readonly max: number; readonly decimals: number }
  | { readonly kind: 'date' | 'timestamp'; readonly min: string; readonly max: string }
  | { readonly kind: 'boolean' | 'uuid' }
  | { readonly kind: 'vocabulary'; readonly words: VocabularyName };

/** Kinds that are chosen from words that a library of names knows. */
export type VocabularyName = Exclude<
  GeneratorKind,
  'sequence' | 'integer' | 'decimal' | 'boolean' | 'date' | 'timestamp' | 'uuid' | 'values'
>;

export interface ColumnPlan {
  readonly name: string;
  /** Declared type of the bronze column. */
  readonly type: string;
  readonly maker: Maker;
}

export const FAULT_KINDS = [
  'missing_value',
  'below_range',
  'above_range',
  'not_a_number',
  'bad_date',
  'future_date',
  'email_without_at',
  'unknown_value',
  'orphan_reference',
  'duplicate_key',
  'short_line',
  'untidy_text',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** One way in which a row may be wrong. A row has at most one. */
export interface Fault {
  readonly kind: FaultKind;
  /** The column concerned; the last one for a short line. */
  readonly column: string;
  /** The limit that is overstepped, for range faults. */
  readonly limit?: number;
  /** True: the record does not get into bronze, since it cannot be parsed or cast. */
  readonly unparsable: boolean;
  /** True: not a fault but something that cleaning makes good (blanks, upper case). */
  readonly harmless: boolean;
}

export interface SourcePlan {
  readonly name: string;
  readonly columns: readonly ColumnPlan[];
  /** Rows to make; undefined = what `per` yields. */
  readonly rows: number | undefined;
  /** A number of rows for each row of the parent. */
  readonly per:
    | { readonly source: string; readonly column: string; readonly min: number; readonly max: number }
    | undefined;
  /** Numbered from 1 in SQL. */
  readonly faults: readonly Fault[];
}

export interface DataPlan {
  readonly seed: number;
  /** Share of faulty rows, 0..1. */
  readonly bad_share: number;
  readonly format: DataFormat;
  /** Parents before children. */
  readonly sources: readonly SourcePlan[];
}
