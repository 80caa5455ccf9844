import type { ReadTables } from '../../core/ports/read-engine.ts';
import type { LineFormat, RowFormat } from './formats.ts';
import { csvHeader, csvLines, jsonLines, pageSql, type ReadPlan, typedRows } from './read-sql.ts';

/** What stands around the rows of an answer. */
export interface Frame {
  readonly head: string;
  readonly between: string;
  /** @param more there are rows after these. */
  tail(more: boolean, rows: number): string;
}

const PIECE_CHARS = 65_536;

/**
 * The text of an answer, piece by piece as the engine computes it. One row more than asked for tells whether there are more; it is not
 * given out.
 */
export async function* pieces(
  tables: ReadTables,
  asked: {
    readonly plan: ReadPlan;
    readonly format: Exclude<RowFormat, 'arrow'>;
    readonly formula_safe: boolean;
    readonly frame: Frame;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<string, void, void> {
  const { plan, frame, signal } = asked;
  const page = pageSql({ ...plan, limit: plan.limit + 1 });
  const sql =
    asked.format === 'csv' ? csvLines(plan.columns, page.sql, asked.formula_safe) : jsonLines(plan.columns, page.sql);
  yield* framed(tables.lines({ sql, params: page.params, signal }), frame, plan.limit);
}

/** The lines up to a number of rows, in their frame. The one after it tells that there are more. */
export async function* framed(
  read: AsyncIterable<readonly string[]>,
  frame: Frame,
  rows_max: number,
): AsyncGenerator<string, void, void> {
  let text = frame.head;
  let rows = 0;
  for await (const lines of read) {
    for (const line of lines) {
      if (rows < rows_max) text += rows === 0 ? line : frame.between + line;
      rows += 1;
      if (text.length < PIECE_CHARS) continue;
      yield text;
      text = '';
    }
  }
  yield text + frame.tail(rows > rows_max, Math.min(rows, rows_max));
}

/** The rows of a plan as an Arrow IPC stream, a batch at a time. */
export function arrowPieces(tables: ReadTables, plan: ReadPlan, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const page = pageSql(plan);
  return tables.arrow({ sql: typedRows(plan.columns, page.sql), params: page.params, signal }, plan.columns);
}

/** NDJSON and CSV: a line a row, and nothing else. */
export function lineFrame(format: LineFormat, plan: ReadPlan, formula_safe: boolean): Frame {
  const head = format === 'csv' ? `${csvHeader(plan.columns, formula_safe)}\n` : '';
  return { head, between: '\n', tail: (_, rows) => (rows === 0 ? '' : '\n') };
}

/** The JSON text of the one row that a plan finds; undefined when there is none. */
export async function oneRow(tables: ReadTables, plan: ReadPlan, signal: AbortSignal): Promise<string | undefined> {
  const page = pageSql({ ...plan, limit: 1 });
  const sql = jsonLines(plan.columns, page.sql);
  for await (const lines of tables.lines({ sql, params: page.params, signal }))
    if (lines[0] !== undefined) return lines[0];
  return undefined;
}
