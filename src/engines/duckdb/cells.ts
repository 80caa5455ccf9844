import {
  DuckDBArrayType,
  type DuckDBConnection,
  DuckDBListType,
  DuckDBMapType,
  type DuckDBPreparedStatement,
  type DuckDBResultReader,
  DuckDBStructType,
  type DuckDBType,
  DuckDBTypeId,
  type Json,
} from '@duckdb/node-api';
import type { Cell, EngineColumn, Row } from '../../core/ports/engine.ts';

type RowSource = Pick<DuckDBResultReader, 'columnNames' | 'columnTypes'>;

export function resultColumns(result: {
  columnNames(): readonly string[];
  columnTypes(): readonly { toString(): string }[];
}): readonly EngineColumn[] {
  const types = result.columnTypes();
  return result.columnNames().map((name, index) => ({ name, type: typeText(types[index]?.toString() ?? 'VARCHAR') }));
}

/** The same, and of texts that the engine knows to be JSON that they are: it is stored as text, and destinations have a type for it. */
export async function describedColumns(connection: DuckDBConnection, sql: string): Promise<readonly EngineColumn[]> {
  const prepared = await connection.prepare(sql);
  try {
    return preparedColumns(prepared).map((column, index) =>
      prepared.columnType(index).alias === 'JSON' ? { ...column, kept_as: 'json' } : column,
    );
  } finally {
    prepared.destroySync();
  }
}

/** Columns of a query that is prepared and not run. */
export async function columnsOf(connection: DuckDBConnection, sql: string): Promise<readonly EngineColumn[]> {
  const prepared = await connection.prepare(sql);
  try {
    return preparedColumns(prepared);
  } finally {
    prepared.destroySync();
  }
}

function preparedColumns(prepared: DuckDBPreparedStatement): readonly EngineColumn[] {
  const indexes = Array.from({ length: prepared.columnCount }, (_, index) => index);
  return resultColumns({
    columnNames: () => indexes.map((index) => prepared.columnName(index)),
    columnTypes: () => indexes.map((index) => prepared.columnType(index)),
  });
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
 * JSON-like cells of a row: whole numbers within 2^53 as numbers and beyond as bigint, decimals as exact text, times in ISO form
 * (instants with Z), nested values as arrays and objects of the same.
 */
export function toRows(source: RowSource, rows: readonly (readonly Json[])[]): readonly Row[] {
  const names = source.columnNames();
  const types = source.columnTypes();
  return rows.map((values) => {
    const row: Record<string, Cell> = {};
    for (const [index, name] of names.entries()) row[name] = cell(values[index] ?? null, types[index]);
    return row;
  });
}

const WHOLE = new Set<DuckDBTypeId>([
  DuckDBTypeId.BIGINT,
  DuckDBTypeId.UBIGINT,
  DuckDBTypeId.HUGEINT,
  DuckDBTypeId.UHUGEINT,
]);

const NAIVE = new Set<DuckDBTypeId>([
  DuckDBTypeId.TIMESTAMP,
  DuckDBTypeId.TIMESTAMP_S,
  DuckDBTypeId.TIMESTAMP_MS,
  DuckDBTypeId.TIMESTAMP_NS,
]);

function cell(value: Json, type: DuckDBType | undefined): Cell {
  if (value === null || type === undefined) return value as Cell;
  if (Array.isArray(value))
    return type instanceof DuckDBMapType ? value.map((one) => entry(one, type)) : items(value, type);
  if (typeof value === 'object') return members(value, type);
  if (typeof value !== 'string') return value;
  if (WHOLE.has(type.typeId)) return whole(value);
  if (type.typeId === DuckDBTypeId.TIMESTAMP_TZ) return value.replace(' ', 'T').replace(/\+00(:00)?$/, 'Z');
  return NAIVE.has(type.typeId) ? value.replace(' ', 'T') : value;
}

function whole(text: string): number | bigint {
  const value = BigInt(text);
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value;
}

function items(values: readonly Json[], type: DuckDBType): Cell {
  const inner = type instanceof DuckDBListType || type instanceof DuckDBArrayType ? type.valueType : undefined;
  return values.map((one) => cell(one, inner));
}

/** A MAP comes as a list of key-value objects. */
function entry(value: Json, type: DuckDBMapType): Cell {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  return { key: cell(value['key'] ?? null, type.keyType), value: cell(value['value'] ?? null, type.valueType) };
}

function members(value: Readonly<Record<string, Json>>, type: DuckDBType): Cell {
  if (!(type instanceof DuckDBStructType)) return value as Cell;
  return Object.fromEntries(
    type.entryNames.map((name, index) => [name, cell(value[name] ?? null, type.entryTypes[index])]),
  );
}
