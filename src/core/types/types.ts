import { closest } from '../../kit/closest.ts';
import { DataflowError } from '../errors/dataflow-error.ts';
import { parseType, renderType, type TypeNode } from './type-text.ts';

/** A Delta field type as the schema string holds it: a name, or an object for nested types. */
export type DeltaType = string | { readonly [member: string]: unknown };

/** How the lake keeps a type. */
export interface Storage {
  /** Canonical engine type that the value is cast to before it is written. */
  readonly column_type: string;
  readonly delta: DeltaType;
  /** The declared type in canonical form, when the stored one says less (`uuid` kept as text); goes into column metadata. */
  readonly kept_as?: string;
}

/**
 * Declared type → [stored engine type, Delta type]. Parquet as DuckDB writes it has no place for what is missing here, or a wrong
 * one: HUGEINT, which is what sum() of an integer gives, would become DOUBLE.
 */
const PLAIN: Readonly<Record<string, readonly [column_type: string, delta: string]>> = {
  bigint: ['bigint', 'long'],
  integer: ['integer', 'integer'],
  smallint: ['smallint', 'short'],
  tinyint: ['tinyint', 'byte'],
  utinyint: ['smallint', 'short'],
  usmallint: ['integer', 'integer'],
  uinteger: ['bigint', 'long'],
  ubigint: ['decimal(20,0)', 'decimal(20,0)'],
  hugeint: ['decimal(38,0)', 'decimal(38,0)'],
  uhugeint: ['decimal(38,0)', 'decimal(38,0)'],
  double: ['double', 'double'],
  float: ['float', 'float'],
  varchar: ['varchar', 'string'],
  boolean: ['boolean', 'boolean'],
  blob: ['blob', 'binary'],
  date: ['date', 'date'],
  timestamptz: ['timestamptz', 'timestamp'],
  timestamp: ['timestamp', 'timestamp_ntz'],
  timestamp_s: ['timestamp', 'timestamp_ntz'],
  timestamp_ms: ['timestamp', 'timestamp_ntz'],
  timestamp_ns: ['timestamp', 'timestamp_ntz'],
  time: ['varchar', 'string'],
  timetz: ['varchar', 'string'],
  uuid: ['varchar', 'string'],
  json: ['varchar', 'string'],
  null: ['varchar', 'string'],
};

const HINTS: ReadonlyMap<string, string> = new Map([
  ['interval', 'Cast it to a number of seconds, epoch(x), or to varchar.'],
  ['bit', 'Cast it to varchar, or to a boolean per bit.'],
]);
const HINT = 'Cast it to a type the lake stores, such as varchar, bigint, decimal(18,2), date or timestamptz.';

/**
 * One spelling for every type: lower case, synonyms resolved, blanks folded (`NUMERIC (12, 2)` → `decimal(12,2)`), struct members
 * quoted. The result of this function is its own canonical form.
 * @throws DataflowError E_TYPE_UNSUPPORTED for a text that is not a type.
 */
export function canonicalType(text: string): string {
  return renderType(parseType(text));
}

/**
 * How a type is stored. `column` is for the message: `silver.achats.montant`.
 * @throws DataflowError E_TYPE_UNSUPPORTED for INTERVAL, BIT and unknown types, with what to cast to.
 */
export function storageOf(type: string, column: string): Storage {
  const node = parseType(type);
  const [stored, delta] = storedNode(node, column);
  const [column_type, declared] = [renderType(stored), renderType(node)];
  return { column_type, delta, ...(column_type === declared || declared === 'null' ? {} : { kept_as: declared }) };
}

function storedNode(node: TypeNode, column: string): readonly [TypeNode, DeltaType] {
  switch (node.kind) {
    case 'plain':
      return storedPlain(node.name, column);
    case 'decimal':
      return [node, renderType(node)];
    case 'enum':
      return [{ kind: 'plain', name: 'varchar' }, 'string'];
    case 'list': {
      const [element, elementType] = storedNode(node.element, column);
      return [
        { kind: 'list', element },
        { type: 'array', elementType, containsNull: true },
      ];
    }
    case 'map': {
      const [key, keyType] = storedNode(node.key, column);
      const [value, valueType] = storedNode(node.value, column);
      return [
        { kind: 'map', key, value },
        { type: 'map', keyType, valueType, valueContainsNull: true },
      ];
    }
    case 'struct': {
      const stored = node.members.map(({ name, type }) => ({ name, type: storedNode(type, `${column}.${name}`) }));
      const fields = stored.map(({ name, type: [, delta] }) => ({ name, type: delta, nullable: true, metadata: {} }));
      return [
        { kind: 'struct', members: stored.map(({ name, type: [member] }) => ({ name, type: member })) },
        { type: 'struct', fields },
      ];
    }
  }
}

function storedPlain(name: string, column: string): readonly [TypeNode, DeltaType] {
  const known = Object.hasOwn(PLAIN, name) ? PLAIN[name] : undefined;
  if (known !== undefined) return [parseType(known[0]), known[1]];
  const near = closest(name, Object.keys(PLAIN));
  const hint = HINTS.get(name) ?? (near === undefined ? HINT : `Did you mean ${near}?`);
  throw new DataflowError('E_TYPE_UNSUPPORTED', `column ${column} has type ${name}, which the lake cannot store`, {
    hint,
  });
}

/** The reverse: what our reader calls a Delta type. Only types that {@link storageOf} stores as they are. */
const FROM_DELTA: ReadonlyMap<string, string> = new Map(
  Object.entries(PLAIN).flatMap(([name, [column_type, delta]]) => (name === column_type ? [[delta, name]] : [])),
);

const DEPTH_MAX = 32;

/** The canonical column type of a Delta field type. @throws DataflowError E_LAKE_FEATURE for a type we do not know. */
export function typeFromDelta(delta: unknown): string {
  return renderType(nodeFromDelta(delta, 0));
}

function nodeFromDelta(delta: unknown, depth: number): TypeNode {
  if (typeof delta === 'string') {
    const name = FROM_DELTA.get(delta);
    if (name !== undefined) return { kind: 'plain', name };
    if (/^decimal(\(\d+,\s*\d+\))?$/.test(delta)) return parseType(delta === 'decimal' ? 'decimal(10,0)' : delta);
  } else if (typeof delta === 'object' && delta !== null && depth < DEPTH_MAX) {
    const type = delta as {
      type?: unknown;
      elementType?: unknown;
      keyType?: unknown;
      valueType?: unknown;
      fields?: unknown;
    };
    if (type.type === 'array') return { kind: 'list', element: nodeFromDelta(type.elementType, depth + 1) };
    if (type.type === 'map')
      return {
        kind: 'map',
        key: nodeFromDelta(type.keyType, depth + 1),
        value: nodeFromDelta(type.valueType, depth + 1),
      };
    if (type.type === 'struct' && Array.isArray(type.fields) && type.fields.length > 0) {
      const fields: readonly { name?: unknown; type?: unknown }[] = type.fields;
      return {
        kind: 'struct',
        members: fields.map((field) => ({ name: String(field.name), type: nodeFromDelta(field.type, depth + 1) })),
      };
    }
  }
  throw new DataflowError(
    'E_LAKE_FEATURE',
    `the table has a column of type ${JSON.stringify(delta)?.slice(0, 200)}, which we cannot read`,
  );
}
