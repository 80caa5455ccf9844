import type { DialectRefusal } from '../ports/dialect.ts';

/** What came of computing one table by two engines. `refused`: the other engine cannot be asked; `not_comparable`: neither can, as things are. */
export type ParityResult = 'equal' | 'different' | 'refused' | 'not_comparable';

/** What the ledger keeps of the newest comparison of a table with an engine. */
export interface ParityRecord {
  /** `gold.kpi_ca_par_mois`. */
  readonly table: string;
  /** The engine beside the embedded one: `spark`. */
  readonly engine: string;
  readonly result: ParityResult;
  /** Of the definition that both engines computed. */
  readonly code_fingerprint: string;
  /** Input table → version that both engines read. */
  readonly inputs: Readonly<Record<string, number>>;
  /** Percent of the input rows; absent when all were taken. */
  readonly sample_percent?: number;
  readonly checked_at: string;
}

/** How two sides of rows compare, as multisets. */
export interface ComparedRows {
  /** Rows of each side. */
  readonly here: number;
  readonly there: number;
  readonly only_here: number;
  readonly only_there: number;
  /** Rows that were matched, by key or by their exact columns, and differ in others. */
  readonly changed: number;
  /** Matched rows whose doubles are not the same, but within the tolerance. */
  readonly nearly: number;
}

/** A column that the sides have otherwise; null = a side does not have it. */
export interface ColumnParity {
  readonly column: string;
  readonly here: string | null;
  readonly there: string | null;
}

export type Texts = Readonly<Record<string, string | null>>;

/** Where a row comes from: rows of an input, or of a file. */
export interface ParityOrigin {
  /** A table, or the path of a file. */
  readonly name: string;
  readonly kind: 'table' | 'file';
  readonly rows: number;
  /** Of a file: lines of the first rows. */
  readonly lines: readonly number[];
}

/** One row that differs. */
export interface ParityExample {
  readonly kind: 'only_here' | 'only_there' | 'changed';
  /** Its values as text, of the side that has it; of a changed row: what it was matched by. */
  readonly row: Texts;
  /** Of a changed row: its columns that differ, on both sides. */
  readonly differs: readonly ColumnParity[];
  readonly origins: readonly ParityOrigin[];
  /** What is not certain about the origins. */
  readonly notes: readonly string[];
}

/** One set of rows by both engines: those of a table, or those that it rejected. */
export interface RowsParity {
  /** What rows were matched by; empty: by all columns that are compared exactly. */
  readonly key: readonly string[];
  readonly columns: readonly ColumnParity[];
  readonly rows: ComparedRows;
  readonly examples: readonly ParityExample[];
}

/** One table by both engines. */
export interface TableParity {
  readonly table: string;
  readonly result: ParityResult;
  /** Why it was not compared, or what the other engine failed at. */
  readonly why: string | null;
  readonly refusals: readonly DialectRefusal[];
  readonly inputs: Readonly<Record<string, number>>;
  /** Null when all input rows were taken. */
  readonly sample_percent: number | null;
  readonly accepted: RowsParity | null;
  /** Rows that broke a rule; null for tables without rules. */
  readonly rejected: RowsParity | null;
}
