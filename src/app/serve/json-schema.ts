import type { Column } from '../../core/model/table.ts';
import { parseType, type TypeNode } from '../../core/types/type-text.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Bits of whole numbers. */
const WHOLE: Readonly<Record<string, string>> = {
  tinyint: 'int32',
  smallint: 'int32',
  integer: 'int32',
  bigint: 'int64',
};

const PLAIN: Readonly<Record<string, JsonSchema>> = {
  float: { type: 'number', format: 'float' },
  double: { type: 'number', format: 'double' },
  boolean: { type: 'boolean' },
  varchar: { type: 'string' },
  date: { type: 'string', format: 'date' },
  timestamp: { type: 'string', description: 'A time without zone, such as 2024-01-31T12:00:00.000000' },
  timestamptz: { type: 'string', format: 'date-time' },
  blob: { type: 'string', contentEncoding: 'base64' },
};

/** What the rows of these columns look like as JSON. */
export function rowSchema(columns: readonly Column[]): JsonSchema {
  return {
    type: 'object',
    properties: Object.fromEntries(columns.map((column) => [column.name, columnSchema(column)])),
    required: columns.map((column) => column.name),
    additionalProperties: false,
  };
}

function columnSchema({ type, nullable, kept_as }: Column): JsonSchema {
  const schema = typeSchema(parseType(type));
  const told = kept_as === undefined ? schema : { ...schema, description: `kept as ${kept_as}` };
  // A number that JSON has no word for is null, whatever the table says.
  return nullable || type === 'double' || type === 'float' ? orNull(told) : told;
}

/** What a value of a type looks like. */
export function typeSchema(node: TypeNode): JsonSchema {
  switch (node.kind) {
    case 'plain': {
      const format = WHOLE[node.name];
      return format === undefined ? (PLAIN[node.name] ?? {}) : { type: 'integer', format };
    }
    case 'decimal':
      return node.scale === 0
        ? { type: 'integer' }
        : { type: 'number', description: `decimal(${node.precision},${node.scale})` };
    case 'enum':
      return { type: 'string', enum: node.values };
    case 'list':
      return { type: 'array', items: orNull(typeSchema(node.element)) };
    case 'map':
      return { type: 'object', additionalProperties: orNull(typeSchema(node.value)) };
    case 'struct':
      return {
        type: 'object',
        properties: Object.fromEntries(node.members.map(({ name, type }) => [name, orNull(typeSchema(type))])),
      };
  }
}

function orNull(schema: JsonSchema): JsonSchema {
  const { type, enum: values } = schema as { readonly type?: unknown; readonly enum?: readonly unknown[] };
  if (typeof type !== 'string') return schema;
  return { ...schema, type: [type, 'null'], ...(values === undefined ? {} : { enum: [...values, null] }) };
}

/** One of these names, or several separated by commas. */
export function listOf(names: readonly string[], before = ''): JsonSchema {
  const one = `${before}(${names.map((name) => name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|')})`;
  return { type: 'string', pattern: `^${one}(,${one})*$` };
}
