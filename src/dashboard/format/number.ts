import { format } from 'numfmt';
import type { Cell } from '../../core/contract/dashboard.ts';
import { numberFormat } from './intl.ts';

/** Beyond it patterns would round, as spreadsheets do. */
const PATTERN_BELOW = 1e15;
const NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;

/** A cell as a number to be drawn; undefined for what is none. Texts are numbers that a double does not hold exactly. */
export function numberOf(cell: Cell | undefined): number | undefined {
  if (typeof cell === 'number') return Number.isFinite(cell) ? cell : undefined;
  if (typeof cell === 'string' && NUMBER.test(cell)) return Number(cell);
  return undefined;
}

/** A number as a spreadsheet would show it by `pattern` (`#,##0.00 €`); without one, with the separators of the language. */
export function formattedNumber(cell: Cell, pattern: string | undefined, language: string): string {
  const value = numberOf(cell);
  if (value === undefined) return cell === null ? '–' : String(cell);
  if (pattern === undefined || Math.abs(value) >= PATTERN_BELOW) return plain(cell, value, language);
  try {
    return apartFromSign(format(pattern, value, { locale: language, throws: true }).replaceAll('-', '−'), language);
  } catch {
    return plain(cell, value, language);
  }
}

/** French sets a narrow space before the sign of percent. */
function apartFromSign(text: string, language: string): string {
  return language === 'fr' ? text.replace(/(?<=\d)%/, '\u202f%') : text;
}

function plain(cell: Cell, value: number, language: string): string {
  const digits = numberFormat(language, { maximumFractionDigits: 6 });
  // Intl reads decimal texts without rounding them to a double.
  return digits.format(typeof cell === 'string' ? (cell as `${number}`) : value);
}

/** A short form for axes: 1.2 M, 350 k. */
export function shortNumber(value: number, pattern: string | undefined, language: string): string {
  if (pattern?.includes('%') === true) return formattedNumber(value, '0%', language);
  const text = numberFormat(language, { notation: 'compact', maximumFractionDigits: 1 }).format(value);
  const unit = /[€$£¥]/.exec(pattern ?? '')?.[0];
  if (unit === undefined) return text;
  return pattern?.trim().startsWith(unit) === true ? `${unit}${text}` : `${text}\u00a0${unit}`;
}
