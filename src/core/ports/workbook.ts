/** A sheet of a workbook whose rows are written already: a file of `<row>` elements of SpreadsheetML. */
export interface WorkbookSheet {
  /** At most 31 characters, none of `[]:*?/\`, and no other sheet's in another case. */
  readonly name: string;
  /** The first row, as text. */
  readonly header: readonly string[];
  readonly rows_file: string;
}

/** The cell styles that rows may name (`s="1"`). */
export const SHEET_STYLES = { date: 1, datetime: 2 } as const;

/** What Excel refuses to open beyond, the header counted. */
export const SHEET_ROWS_MAX = 1_048_576;
export const SHEET_COLUMNS_MAX = 16_384;
export const CELL_CHARS_MAX = 32_767;

/** `A` for 0, `AA` for 26. */
export function columnLetters(index: number): string {
  const last = String.fromCharCode(65 + (index % 26));
  return index < 26 ? last : columnLetters(Math.floor(index / 26) - 1) + last;
}

/** Puts sheets together to one `.xlsx` file, in memory that does not grow with them. An existing file is replaced. */
export type WriteWorkbook = (file: string, sheets: readonly WorkbookSheet[]) => Promise<void>;
