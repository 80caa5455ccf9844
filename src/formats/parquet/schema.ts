import type { ColumnChunk, SchemaElement } from 'hyparquet';

/**
 * Why a Parquet schema cannot be what was written, or undefined when it is sound. Nothing in a footer is protected by a checksum; what
 * the format asks of a schema finds much of the damage that still parses.
 */
export function schemaProblem(schema: readonly SchemaElement[]): string | undefined {
  for (const [index, element] of schema.entries()) {
    if (index > 0 && typeof element.name !== 'string') return `column ${index} has no name`;
    if (element.name?.includes('\0')) return `column ${index} has a NUL in its name`;
    if (index > 0 && element.repetition_type === undefined)
      return `${element.name}: nothing says whether it has a value in every row`;
    const wrong = lostDigits(element) ?? twoTypes(element);
    if (wrong !== undefined) return `${element.name}: ${wrong}`;
  }
  const end = endOf(schema, 0, 0);
  return end === schema.length ? undefined : 'its columns do not add up to its schema';
}

/** A column that holds values. */
export interface Leaf {
  /** Its name and those of what it lies in. */
  readonly path: readonly string[];
  readonly type: string | undefined;
  /** Bytes of each value when every row has one and all are of one size: then a plain page is exactly as long as its values. */
  readonly value_bytes: number | undefined;
}

const VALUE_BYTES: Readonly<Record<string, number>> = { INT32: 4, INT64: 8, INT96: 12, FLOAT: 4, DOUBLE: 8 };

/** The columns of a sound schema that hold values, in the order in which row groups list them. */
export function leavesOf(schema: readonly SchemaElement[]): readonly Leaf[] {
  const leaves: Leaf[] = [];
  let next = 1;
  const visit = (above: readonly string[], always: boolean): void => {
    const element = schema[next++];
    if (element === undefined) return;
    const path = [...above, element.name];
    const there = always && element.repetition_type === 'REQUIRED';
    const children = element.num_children ?? 0;
    for (let child = 0; child < children; child++) visit(path, there);
    if (children > 0) return;
    const { type, type_length } = element;
    const bytes = type === 'FIXED_LEN_BYTE_ARRAY' ? type_length : VALUE_BYTES[type ?? ''];
    leaves.push({ path, type, value_bytes: there ? bytes : undefined });
  };
  for (let child = 0; child < (schema[0]?.num_children ?? 0); child++) visit([], true);
  return leaves;
}

/** Why the columns of a row group are not those of the schema; undefined when they are. */
export function groupProblem(leaves: readonly Leaf[], columns: readonly ColumnChunk[]): string | undefined {
  if (columns.length !== leaves.length) return `has ${columns.length} columns, the schema has ${leaves.length}`;
  for (const [index, { meta_data: meta }] of columns.entries()) {
    const leaf = leaves[index];
    if (meta === undefined || leaf === undefined) continue;
    const here = leaf.path.join('.');
    const there = Array.isArray(meta.path_in_schema) ? meta.path_in_schema.join('.') : undefined;
    if (there !== here) return `has a column ${there ?? 'without a name'} where the schema has ${here}`;
    if (meta.type !== leaf.type) return `has ${meta.type} in ${here} where the schema has ${leaf.type}`;
  }
  return undefined;
}

const DEPTH_MAX = 100;

/** The place behind an element and all that is in it; NaN when it has more children than there are elements. */
function endOf(schema: readonly SchemaElement[], at: number, depth: number): number {
  const element = schema[at];
  const children = element?.num_children ?? 0;
  if (element === undefined || !Number.isInteger(children) || children < 0 || depth > DEPTH_MAX) return Number.NaN;
  let next = at + 1;
  for (let child = 0; child < children && next <= schema.length; child++) next = endOf(schema, next, depth + 1);
  return next;
}

/** What the older of the two ways to name a type says in the newer one. */
const LOGICAL: Readonly<Record<string, string>> = {
  UTF8: 'STRING',
  ENUM: 'ENUM',
  JSON: 'JSON',
  BSON: 'BSON',
  DATE: 'DATE',
  DECIMAL: 'DECIMAL',
};

/** Writers name a type in both ways, so that old readers understand it: the two must agree. */
function twoTypes({ converted_type, logical_type, precision, scale = 0 }: SchemaElement): string | undefined {
  const expected = LOGICAL[converted_type ?? ''];
  if (expected === undefined || logical_type === undefined) return undefined;
  if (logical_type.type !== expected) return `it is ${converted_type} and ${logical_type.type} at once`;
  if (logical_type.type !== 'DECIMAL') return undefined;
  return logical_type.precision === precision && logical_type.scale === scale
    ? undefined
    : `it is a decimal(${precision},${scale}) and a decimal(${logical_type.precision},${logical_type.scale}) at once`;
}

const WHOLE_BYTES: Readonly<Record<string, number>> = { INT32: 4, INT64: 8 };

/** Decimals must have room for their digits (Parquet format, LogicalTypes: DECIMAL). */
function lostDigits(element: SchemaElement): string | undefined {
  const { type, type_length, precision = 0, scale = 0 } = element;
  if (element.converted_type !== 'DECIMAL' && element.logical_type?.type !== 'DECIMAL') return undefined;
  const bytes = type === 'FIXED_LEN_BYTE_ARRAY' ? (type_length ?? 0) : WHOLE_BYTES[type ?? ''];
  // Other types take as many bytes as a value needs.
  if (bytes !== undefined && precision > Math.floor(Math.log10(2) * (8 * bytes - 1)))
    return `${bytes} bytes have no room for decimals of ${precision} digits`;
  return scale < 0 || scale > precision
    ? `decimals of ${precision} digits cannot have ${scale} behind the point`
    : undefined;
}
