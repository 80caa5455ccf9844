// What can be asked of Spark Connect: relations, commands, and the plans that hold them. Names and numbers are the protocol's.
import { bytes, encode, flag, inner, type Message, many, type Shape, text, whole } from './protobuf.ts';

const SQL = { query: text(1) } as const satisfies Shape;
const LOCAL_RELATION = { data: bytes(1) } as const satisfies Shape;

export const KEY_VALUE = { key: text(1), value: text(2) } as const satisfies Shape;
const DATA_SOURCE = {
  format: text(1),
  schema: text(2),
  options: many(inner(3, () => KEY_VALUE)),
  paths: many(text(4)),
} as const satisfies Shape;
const READ = { data_source: inner(2, () => DATA_SOURCE) } as const satisfies Shape;
const EXPRESSION_STRING = { expression: text(1) } as const satisfies Shape;
const EXPRESSION = { expression_string: inner(4, () => EXPRESSION_STRING) } as const satisfies Shape;
const PROJECT = { input: bytes(1), expressions: many(inner(3, () => EXPRESSION)) } as const satisfies Shape;
const SET_OPERATION = {
  left_input: bytes(1),
  right_input: bytes(2),
  set_op_type: whole(3),
  is_all: flag(4),
} as const satisfies Shape;

/** What can be asked for as rows. One that the server gave is sent back as it came, so plans hold relations as bytes. */
export const RELATION = {
  read: inner(2, () => READ),
  project: inner(3, () => PROJECT),
  set_op: inner(6, () => SET_OPERATION),
  sql: inner(10, () => SQL),
  local_relation: inner(11, () => LOCAL_RELATION),
} as const satisfies Shape;

const UNION = 2;
const ERROR_IF_EXISTS = 3;

/** `sql` is what Spark 3 knows, `input` what Spark 4 wants. */
const SQL_COMMAND = { sql: text(1), input: bytes(6) } as const satisfies Shape;
const WRITE_OPERATION = {
  input: bytes(1),
  source: text(2),
  path: text(3),
  mode: whole(5),
  partitioning_columns: many(text(7)),
  options: many(inner(9, () => KEY_VALUE)),
} as const satisfies Shape;
const CREATE_VIEW = { input: bytes(1), name: text(2), is_global: flag(3), replace: flag(4) } as const satisfies Shape;
const COMMAND = {
  write_operation: inner(2, () => WRITE_OPERATION),
  create_dataframe_view: inner(3, () => CREATE_VIEW),
  sql_command: inner(5, () => SQL_COMMAND),
} as const satisfies Shape;
export const PLAN = { root: bytes(1), command: inner(2, () => COMMAND) } as const satisfies Shape;

export type Plan = Message<typeof PLAN>;

/** Rows of a SELECT. */
export function queryPlan(sql: string): Plan {
  return { root: sqlRelation(sql) };
}

export function sqlRelation(sql: string): Uint8Array {
  return encode(RELATION, { sql: { query: sql } });
}

/** Rows of exactly these Parquet files. @param schema columns as Spark writes them. @param items of the select list. @param more options of the reader */
export function parquetRelation(
  paths: readonly string[],
  schema: string,
  items: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Uint8Array {
  return filesRelation({ format: 'parquet', schema, paths }, items, more);
}

/** A row for each of these files, whatever is in them: `content` and what is known of the file. */
export function binaryRelation(paths: readonly string[], items: readonly string[]): Uint8Array {
  return filesRelation({ format: 'binaryFile', paths }, items);
}

function filesRelation(
  source: Message<typeof DATA_SOURCE>,
  items: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Uint8Array {
  // Names are names, not patterns, and folders say nothing about columns.
  const options = pairs({ __globPaths__: 'false', recursiveFileLookup: 'true', ...more });
  const input = encode(RELATION, { read: { data_source: { ...source, options } } });
  const expressions = items.map((expression) => ({ expression_string: { expression } }));
  return encode(RELATION, { project: { input, expressions } });
}

/** All rows of two relations with the same columns. */
export function unionRelation(left_input: Uint8Array, right_input: Uint8Array): Uint8Array {
  return encode(RELATION, { set_op: { left_input, right_input, set_op_type: UNION, is_all: true } });
}

/** Makes a relation readable under a name, quoted where it has to be, until the session ends. */
export function viewPlan(name: string, input: Uint8Array): Plan {
  return { command: { create_dataframe_view: { input, name, is_global: false, replace: true } } };
}

/** Writes rows as Parquet into a folder that is not there yet. */
export function parquetPlan(
  input: Uint8Array,
  { path, partition_by }: { readonly path: string; readonly partition_by: readonly string[] },
  options: Readonly<Record<string, string>>,
): Plan {
  const write = { input, source: 'parquet', path, mode: ERROR_IF_EXISTS, partitioning_columns: partition_by };
  return { command: { write_operation: { ...write, options: pairs(options) } } };
}

function pairs(values: Readonly<Record<string, string>>): readonly Message<typeof KEY_VALUE>[] {
  return Object.entries(values).map(([key, value]) => ({ key, value }));
}

/** A statement that is run at once; of a SELECT only its relation comes back. */
export function commandPlan(sql: string, version: string): Plan {
  const old = version.startsWith('3.');
  return { command: { sql_command: old ? { sql } : { input: sqlRelation(sql) } } };
}
