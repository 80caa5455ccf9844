import { plainText } from './table.ts';

const NEEDS_QUOTES = /[",\r\n]|^\s|\s$/;
/** First characters that make a spreadsheet run a cell as a formula. */
const FORMULA = /^[=+\-@\t\r]/;

/**
 * One CSV record (RFC 4180, but `\n` at its end, which the caller adds). NULL is an empty field and empty text is `""`, so that both
 * survive. `formula_safe` puts an apostrophe before text that a spreadsheet would run; numbers stay as they are.
 */
export function csvRecord(values: readonly unknown[], formula_safe: boolean): string {
  return values.map((value) => csvField(value, formula_safe)).join(',');
}

function csvField(value: unknown, formula_safe: boolean): string {
  if (value === null || value === undefined) return '';
  const plain = plainText(value);
  const text = formula_safe && typeof value === 'string' && FORMULA.test(plain) ? `'${plain}` : plain;
  return text === '' || NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
