import type { Column } from '../../core/model/table.ts';
import type { ReadTables } from '../../core/ports/read-engine.ts';
import { type BoundSql, countSql, csvLines, jsonLines, pageSql, type ReadPlan, typedRows } from './read-sql.ts';

/** How a row becomes a line of text. */
export interface LineForm {
  readonly format: 'json' | 'csv';
  readonly formula_safe: boolean;
}

/** Rows of plans, wherever they lie. */
export interface PlannedRows {
  /** A line a row, in batches. */
  lines(plan: ReadPlan, form: LineForm, signal: AbortSignal): AsyncIterable<readonly string[]>;
  /** The first row as JSON; undefined when there is none. */
  line(plan: ReadPlan, signal: AbortSignal): Promise<string | undefined>;
  /** An Arrow IPC stream. */
  arrow(plan: ReadPlan, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** How many there are without limit and offset. */
  count(plan: ReadPlan, signal: AbortSignal): Promise<number>;
}

/** Rows of the lake, which the engine reads. */
export class LakeRows implements PlannedRows {
  readonly #tables: ReadTables;

  constructor(tables: ReadTables) {
    this.#tables = tables;
  }

  lines(plan: ReadPlan, form: LineForm, signal: AbortSignal): AsyncIterable<readonly string[]> {
    return linesOf(this.#tables, plan.columns, pageSql(plan), form, signal);
  }

  line(plan: ReadPlan, signal: AbortSignal): Promise<string | undefined> {
    const page = pageSql({ ...plan, limit: 1 });
    return this.#tables.line({ sql: jsonLines(plan.columns, page.sql), params: page.params, signal });
  }

  arrow(plan: ReadPlan, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return arrowOf(this.#tables, plan.columns, pageSql(plan), signal);
  }

  async count(plan: ReadPlan, signal: AbortSignal): Promise<number> {
    const [row] = await this.#tables.rows({ ...countSql(plan), signal }, 1);
    return Number(row?.['n'] ?? 0);
  }
}

/** The rows of a page as lines, made by the engine. */
export function linesOf(
  tables: ReadTables,
  columns: readonly Column[],
  page: BoundSql,
  { format, formula_safe }: LineForm,
  signal: AbortSignal,
): AsyncIterable<readonly string[]> {
  const sql = format === 'csv' ? csvLines(columns, page.sql, formula_safe) : jsonLines(columns, page.sql);
  return tables.lines({ sql, params: page.params, signal });
}

export function arrowOf(
  tables: ReadTables,
  columns: readonly Column[],
  page: BoundSql,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  return tables.arrow({ sql: typedRows(columns, page.sql), params: page.params, signal }, columns);
}
