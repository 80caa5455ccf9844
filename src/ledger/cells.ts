import type { SqlRow } from './sqlite.ts';

/** Reading cells of a STRICT table: a value of another type than the schema allows is damage, and is reported as such. */
export function text(row: SqlRow, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw mismatch(column, 'text', value);
  return value;
}

export function integer(row: SqlRow, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw mismatch(column, 'a number', value);
  return value;
}

export function optionalText(row: SqlRow, column: string): string | undefined {
  return row[column] === null ? undefined : text(row, column);
}

export function optionalInteger(row: SqlRow, column: string): number | undefined {
  return row[column] === null ? undefined : integer(row, column);
}

/** One of a closed list of words. */
export function word<W extends string>(row: SqlRow, column: string, words: readonly W[]): W {
  const value = text(row, column);
  const found = words.find((candidate) => candidate === value);
  if (found === undefined) throw mismatch(column, words.join(' | '), value);
  return found;
}

/** A property that is left out when it has no value, as `exactOptionalPropertyTypes` wants it. */
export function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: V });
}

function mismatch(column: string, expected: string, found: unknown): Error {
  return Object.assign(new Error(`column ${column} should hold ${expected}, found ${String(found).slice(0, 40)}`), {
    errcode: 11,
  });
}
