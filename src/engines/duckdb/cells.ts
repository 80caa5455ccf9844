import { type DuckDBResultReader, DuckDBTypeId, type Json } from '@duckdb/node-api';
import type { Cell, EngineColumn, Row } from '../../core/ports/engine.ts';

type RowSource = Pick<DuckDBResultReader, 'columnNames' | 'columnTypes'>;

export function resultColumns(result: {
  columnNames(): readonly string[];
  columnTypes(): readonly { toString(): string }[];
}): readonly EngineColumn[] {
  const types = result.columnTypes();
  return result.columnNames().map((name, index) => ({ name, type: typeText(types[index]?.toString() ?? 'VARCHAR') }));
}

/** The engine's spelling of a type in ours: lower case outside quotes. */
export function typeText(type: string): string {
  return type
    .split(/("(?:[^"]|"")*")/)
    .map((part, index) => (index % 2 === 1 ? part : part.toLowerCase()))
    .join('')
    .replace(/\btimestamp with time zone\b/g, 'timestamptz');
}

/**
 * JSON-like cells of a row: whole numbers within 2^53 as numbers and beyond as bigint, decimals and times as exact text, nested
 * values as arrays and objects.
 */
export function toRows(source: RowSource, rows: readonly (readonly Json[])[]): readonly Row[] {
  const names = source.columnNames();
  const types = source.columnTypes();
  return rows.map((values) => {
    const row: Record<string, Cell> = {};
    for (const [index, name] of names.entries()) row[name] = cell(values[index] ?? null, types[index]?.typeId);
    return row;
  });
}

const WHOLE = new Set<DuckDBTypeId>([
  DuckDBTypeId.BIGINT,
  DuckDBTypeId.UBIGINT,
  DuckDBTypeId.HUGEINT,
  DuckDBTypeId.UHUGEINT,
]);

function cell(value: Json, type: DuckDBTypeId | undefined): Cell {
  if (typeof value === 'string' && type !== undefined && WHOLE.has(type)) {
    const whole = BigInt(value);
    return whole >= -9007199254740991n && whole <= 9007199254740991n ? Number(whole) : whole;
  }
  if (typeof value === 'string' && type === DuckDBTypeId.TIMESTAMP_TZ)
    return value.replace(' ', 'T').replace(/\+00(:00)?$/, 'Z');
  return value as Cell;
}
