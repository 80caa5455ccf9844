import type { SchemaElement } from 'hyparquet';
import type { UnitField } from '../../core/ports/source.ts';

/** The top-level columns of a Parquet schema, with their types as far as they have a plain name here. */
export function fieldsOf(schema: readonly SchemaElement[]): readonly UnitField[] {
  const fields: UnitField[] = [];
  for (let at = 1; at < schema.length; ) {
    const element = schema[at] as SchemaElement;
    const type = typeOf(element);
    fields.push({ name: element.name, ...(type === undefined ? {} : { type }) });
    at = behind(schema, at);
  }
  return fields;
}

/** The place behind an element and everything in it. */
function behind(schema: readonly SchemaElement[], at: number): number {
  let next = at + 1;
  for (let children = schema[at]?.num_children ?? 0; children > 0 && next < schema.length; children--)
    next = behind(schema, next);
  return next;
}

const CONVERTED: Readonly<Record<string, string>> = {
  UTF8: 'varchar',
  ENUM: 'varchar',
  DATE: 'date',
  INT_8: 'tinyint',
  INT_16: 'smallint',
  INT_32: 'integer',
  INT_64: 'bigint',
};
const PHYSICAL: Readonly<Record<string, string>> = {
  BOOLEAN: 'boolean',
  INT32: 'integer',
  INT64: 'bigint',
  FLOAT: 'float',
  DOUBLE: 'double',
  BYTE_ARRAY: 'blob',
};

function typeOf(element: SchemaElement): string | undefined {
  if ((element.num_children ?? 0) > 0 || element.repetition_type === 'REPEATED') return undefined;
  const { converted_type: converted, logical_type: logical } = element;
  if (converted === 'DECIMAL' || logical?.type === 'DECIMAL')
    return `decimal(${element.precision ?? 0},${element.scale ?? 0})`;
  if (logical?.type === 'TIMESTAMP') return logical.isAdjustedToUTC ? 'timestamptz' : 'timestamp';
  if (converted !== undefined) return CONVERTED[converted];
  if (logical?.type === 'STRING') return 'varchar';
  return logical === undefined || logical.type === 'NULL' ? PHYSICAL[element.type ?? ''] : undefined;
}
