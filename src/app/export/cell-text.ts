import type { Column } from '../../core/model/table.ts';
import { quoteIdent } from '../../kit/sql.ts';

/** First characters that make a spreadsheet run a cell as a formula. */
const FORMULA = /^[=+\-@\t\r]/;
const FORMULA_SQL = `'^[=+@\\-\\t\\r]'`;

/** How a column is written: by its value, or by a text that stands for it. */
export type CellKind = 'whole' | 'decimal' | 'floating' | 'boolean' | 'date' | 'instant' | 'text';

export function cellKind({ type }: Column): CellKind {
  if (/^(tiny|small|big)int$|^integer$/.test(type)) return 'whole';
  if (/^decimal\(/.test(type) && !type.endsWith(']')) return 'decimal';
  if (type === 'double' || type === 'float') return 'floating';
  if (type === 'boolean' || type === 'date') return type;
  return type === 'timestamp' || type === 'timestamptz' ? 'instant' : 'text';
}

/** A value as text: times in ISO 8601 (instants in UTC), bytes in base64, nested values as JSON. */
export function textSql(column: Column, formula_safe: boolean): string {
  const value = quoteIdent(column.name);
  const { type } = column;
  if (type === 'timestamptz') return `strftime(${value} at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')`;
  if (type === 'timestamp') return `strftime(${value}, '%Y-%m-%dT%H:%M:%S.%f')`;
  if (cellKind(column) !== 'text') return `cast(${value} as varchar)`;
  const text = type === 'varchar' ? value : type === 'blob' ? `base64(${value})` : `cast(to_json(${value}) as varchar)`;
  return formula_safe
    ? `case when regexp_matches(${text}, ${FORMULA_SQL}) then '''' || ${text} else ${text} end`
    : text;
}

/** A title, with an apostrophe before what a spreadsheet would run. */
export function titleText(name: string, formula_safe: boolean): string {
  return formula_safe && FORMULA.test(name) ? `'${name}` : name;
}

/** What the engine's CSV writer is given: it knows numbers, dates and booleans; the rest goes as text. */
export function csvSql(columns: readonly Column[], from: string, formula_safe: boolean): string {
  const items = columns.map((column) => {
    const kind = cellKind(column);
    const cell = kind === 'text' || kind === 'instant' ? textSql(column, formula_safe) : quoteIdent(column.name);
    return `${cell} as ${quoteIdent(titleText(column.name, formula_safe))}`;
  });
  return `select ${items.join(', ')} from ${from}`;
}
