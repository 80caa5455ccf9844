import { cellWidth, cutToWidth, escapeControls, padToWidth, wrapToWidth } from '../kit/terminal-text.ts';

/** A column of printed data. `name` is the key in the rows and in JSON and CSV; the rest concerns the table only. */
export interface PrintColumn {
  readonly name: string;
  readonly title?: string;
  /** Without it columns of numbers stand right, others left. */
  readonly align?: 'left' | 'right';
  /** The text of a value in a table. */
  readonly format?: (value: unknown) => string;
  /** Cut before the others where the table is too wide: the beginning tells enough (an id, a long command). */
  readonly give_way?: boolean;
  /** In such rows a text that is too long goes on in further lines instead of being cut. */
  readonly wrap?: (row: Readonly<Record<string, unknown>>) => boolean;
}

export interface PrintData {
  readonly columns: readonly (string | PrintColumn)[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** How NULL looks in a table; by default an empty cell. */
  readonly null_text?: string;
}

/** A table whose widths are settled: prints its head once and then rows, as they come. */
export interface TableLayout {
  /** The columns do not fit, however narrow. */
  readonly too_wide: boolean;
  head(): readonly string[];
  lines(rows: PrintData['rows']): readonly string[];
}

const GAP = '  ';
/** Text columns give way down to this width before the table is allowed to be too wide. */
const COLUMN_CELLS_MIN = 8;

/** Measures the rows and fits the columns into `width` cells. Numbers are never cut: half a number is a wrong number. */
export function layoutTable(data: PrintData, width: number): TableLayout {
  const columns = data.columns.map(asColumn);
  const text = (column: PrintColumn, value: unknown): string => cellText(column, value, data.null_text ?? '');
  const right = columns.map(
    (column) => (column.align ?? (isNumeric(column, data.rows) ? 'right' : 'left')) === 'right',
  );
  const natural = columns.map((column) =>
    data.rows.reduce(
      (most, row) => Math.max(most, cellWidth(text(column, row[column.name]))),
      cellWidth(titleOf(column)),
    ),
  );
  const rigid = columns.map((column, i) => right[i] === true || column.give_way !== true);
  const widths = fitWidths(fitWidths(natural, rigid, width), right, width);
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => {
        const cells_max = widths[i] ?? 0;
        return padToWidth(
          right[i] === true ? cell : cutToWidth(cell, cells_max),
          cells_max,
          right[i] === true ? 'right' : 'left',
        );
      })
      .join(GAP)
      .trimEnd();
  return {
    too_wide: lineCells(widths) > width,
    head: () => [line(columns.map(titleOf)), widths.map((cells) => '-'.repeat(cells)).join(GAP)],
    lines: (rows) =>
      rows.flatMap((row) => {
        const cells = columns.map((column, i) => {
          const whole = text(column, row[column.name]);
          return column.wrap?.(row) === true && right[i] !== true ? wrapToWidth(whole, widths[i] ?? 0) : [whole];
        });
        const height = Math.max(1, ...cells.map((parts) => parts.length));
        return Array.from({ length: height }, (_, at) => line(cells.map((parts) => parts[at] ?? '')));
      }),
  };
}

/** Rows one below the other, a line for each column: for more columns than fit beside each other. Nothing is cut. */
export function layoutRecords(data: Omit<PrintData, 'rows'>, width: number): TableLayout {
  const columns = data.columns.map(asColumn);
  const name_cells = Math.max(0, ...columns.map((column) => cellWidth(titleOf(column))));
  const value_cells = Math.max(COLUMN_CELLS_MIN, width - GAP.length * 2 - name_cells);
  let number = 0;
  const linesOf = (row: PrintData['rows'][number]): readonly string[] =>
    columns.flatMap((column) =>
      wrapToWidth(cellText(column, row[column.name], data.null_text ?? ''), value_cells).map((part, i) =>
        `${GAP}${padToWidth(i === 0 ? titleOf(column) : '', name_cells, 'left')}${GAP}${part}`.trimEnd(),
      ),
    );
  return {
    too_wide: false,
    head: () => [],
    lines: (rows) => rows.flatMap((row) => [`row ${++number}`, ...linesOf(row)]),
  };
}

export function asColumn(column: string | PrintColumn): PrintColumn {
  return typeof column === 'string' ? { name: column } : column;
}

function titleOf(column: PrintColumn): string {
  return escapeControls(column.title ?? column.name);
}

function cellText(column: PrintColumn, value: unknown, null_text: string): string {
  if (value === null || value === undefined) return null_text;
  if (column.format !== undefined) return escapeControls(column.format(value));
  return escapeControls(plainText(value));
}

/** A value as one line of text: nested values as JSON, dates in ISO form. */
export function plainText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? toJson(value) : String(value);
}

/** JSON that also takes bigint: as a number while a double holds it exactly, else as text. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? exact(one) : one), indent) ?? 'null';
}

function exact(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

function isNumeric(column: PrintColumn, rows: PrintData['rows']): boolean {
  let seen = false;
  for (const row of rows) {
    const value = row[column.name];
    if (value === null || value === undefined) continue;
    if (typeof value !== 'number' && typeof value !== 'bigint') return false;
    seen = true;
  }
  return seen;
}

function fitWidths(natural: readonly number[], rigid: readonly boolean[], width: number): readonly number[] {
  const widths = [...natural];
  let excess = lineCells(widths) - width;
  while (excess > 0) {
    const widest = widestText(widths, rigid);
    if (widest === undefined) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess -= 1;
  }
  return widths;
}

function lineCells(widths: readonly number[]): number {
  return widths.reduce((sum, cells) => sum + cells, GAP.length * Math.max(0, widths.length - 1));
}

function widestText(widths: readonly number[], rigid: readonly boolean[]): number | undefined {
  let widest: number | undefined;
  for (const [i, cells] of widths.entries()) {
    if (rigid[i] !== true && cells > COLUMN_CELLS_MIN && cells > (widest === undefined ? 0 : (widths[widest] ?? 0)))
      widest = i;
  }
  return widest;
}
