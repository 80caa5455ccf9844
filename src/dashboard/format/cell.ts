import type { Cell } from '../../core/contract/dashboard.ts';
import type { Words } from '../words/en.ts';
import { formattedNumber } from './number.ts';
import { formattedDate, formattedInstant } from './time.ts';

/** How cells of one column are written. */
export interface CellStyle {
  /** The column's type, as the lake says it. */
  readonly type: string;
  readonly format?: string | undefined;
}

const NUMBERS = /^(tinyint|smallint|integer|bigint|hugeint|u\w+int\w*|float|double|real|decimal)/i;

const WHOLE = /^(tinyint|smallint|integer|bigint|hugeint|u\w+int\w*)/i;

export function isNumeric(type: string): boolean {
  return NUMBERS.test(type);
}

/** A cell for a reader of `language`. */
export function formattedCell(cell: Cell, style: CellStyle, language: string, words: Words): string {
  if (cell === null) return '–';
  if (typeof cell === 'boolean') return cell ? words.yes : words.no;
  // Whole numbers may be ids: they are not grouped unless a pattern says so.
  if (style.format === undefined && WHOLE.test(style.type)) return String(cell).replace('-', '−');
  if (isNumeric(style.type)) return formattedNumber(cell, style.format, language);
  if (typeof cell === 'number') return formattedNumber(cell, style.format, language);
  if (/^timestamp/i.test(style.type)) return formattedInstant(cell, language);
  return formattedDate(cell, language);
}
