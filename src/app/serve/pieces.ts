import type { LineFormat, RowFormat } from './formats.ts';
import type { PlannedRows } from './planned-rows.ts';
import { csvHeader, type ReadPlan } from './read-sql.ts';

/** Text, or bytes of a form that is none. */
export type Piece = string | Uint8Array;

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
  rows: PlannedRows,
  asked: {
    readonly plan: ReadPlan;
    readonly format: Exclude<RowFormat, 'arrow'>;
    readonly formula_safe: boolean;
    readonly frame: Frame;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<string, void, void> {
  const { plan, frame, formula_safe, signal } = asked;
  const format = asked.format === 'csv' ? 'csv' : 'json';
  yield* framed(rows.lines({ ...plan, limit: plan.limit + 1 }, { format, formula_safe }, signal), frame, plan.limit);
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

/** NDJSON and CSV: a line a row, and nothing else. */
export function lineFrame(format: LineFormat, plan: ReadPlan, formula_safe: boolean): Frame {
  const head = format === 'csv' ? `${csvHeader(plan.columns, formula_safe)}\n` : '';
  return { head, between: '\n', tail: (_, rows) => (rows === 0 ? '' : '\n') };
}
