import { DataflowError } from '../errors/dataflow-error.ts';

/** A Delta field type as the schema string holds it: a name, or an object for nested types. */
export type DeltaType = string | { readonly [member: string]: unknown };

/** How the lake keeps a type. */
export interface Storage {
  /** Engine type that the value is cast to before it is written. */
  readonly type: string;
  readonly delta: DeltaType;
  /** The declared type, when the stored one says less (`uuid` kept as text). */
  readonly kept_as?: string;
}

const SYNONYMS: Readonly<Record<string, string>> = {
  int8: 'bigint', long: 'bigint', int64: 'bigint',
  int: 'integer', int4: 'integer', signed: 'integer', int32: 'integer',
  int2: 'smallint', short: 'smallint', int16: 'smallint',
  int1: 'tinyint', byte: 'tinyint',
  text: 'varchar', string: 'varchar', char: 'varchar', bpchar: 'varchar', nvarchar: 'varchar',
  bool: 'boolean', logical: 'boolean',
  float8: 'double', 'double precision': 'double', float64: 'double',
  float4: 'float', real: 'float', float32: 'float',
  bytea: 'blob', binary: 'blob', varbinary: 'blob',
  datetime: 'timestamp', 'timestamp without time zone': 'timestamp', timestamp_us: 'timestamp',
  'timestamp with time zone': 'timestamptz', instant: 'timestamptz',
  numeric: 'decimal(18,3)', decimal: 'decimal(18,3)', dec: 'decimal(18,3)',
};

const PLAIN: Readonly<Record<string, Storage>> = {
  bigint: { type: 'bigint', delta: 'long' },
  integer: { type: 'integer', delta: 'integer' },
  smallint: { type: 'smallint', delta: 'short' },
  tinyint: { type: 'tinyint', delta: 'byte' },
  utinyint: { type: 'smallint', delta: 'short', kept_as: 'utinyint' },
  usmallint: { type: 'integer', delta: 'integer', kept_as: 'usmallint' },
  uinteger: { type: 'bigint', delta: 'long', kept_as: 'uinteger' },
  ubigint: { type: 'decimal(20,0)', delta: 'decimal(20,0)', kept_as: 'ubigint' },
  hugeint: { type: 'decimal(38,0)', delta: 'decimal(38,0)', kept_as: 'hugeint' },
  uhugeint: { type: 'decimal(38,0)', delta: 'decimal(38,0)', kept_as: 'uhugeint' },
  double: { type: 'double', delta: 'double' },
  float: { type: 'float', delta: 'float' },
  varchar: { type: 'varchar', delta: 'string' },
  boolean: { type: 'boolean', delta: 'boolean' },
  blob: { type: 'blob', delta: 'binary' },
  date: { type: 'date', delta: 'date' },
  timestamptz: { type: 'timestamptz', delta: 'timestamp' },
  timestamp: { type: 'timestamp', delta: 'timestamp_ntz' },
  timestamp_s: { type: 'timestamp', delta: 'timestamp_ntz', kept_as: 'timestamp_s' },
  timestamp_ms: { type: 'timestamp', delta: 'timestamp_ntz', kept_as: 'timestamp_ms' },
  timestamp_ns: { type: 'timestamp', delta: 'timestamp_ntz', kept_as: 'timestamp_ns' },
  time: { type: 'varchar', delta: 'string', kept_as: 'time' },
  uuid: { type: 'varchar', delta: 'string', kept_as: 'uuid' },
  json: { type: 'varchar', delta: 'string', kept_as: 'json' },
  '"null"': { type: 'varchar', delta: 'string', kept_as: 'null' },
  null: { type: 'varchar', delta: 'string', kept_as: 'null' },
};

/** One spelling for every type: lower case, synonyms resolved, blanks folded (`NUMERIC (12, 2)` → `decimal(12,2)`). Field names of structs keep their case. */
export function canonicalType(text: string): string {
  const trimmed = text.trim().replace(/\s+/g, ' ');
  const list = /^(.*)\[\]$/s.exec(trimmed);
  if (list?.[1] !== undefined) return `${canonicalType(list[1])}[]`;
  const nested = /^(struct|map)\s*\((.*)\)$/is.exec(trimmed);
  if (nested?.[1] !== undefined) return canonicalNested(nested[1].toLowerCase(), nested[2] ?? '');
  const lower = trimmed.toLowerCase();
  const decimal = /^(?:decimal|numeric|dec)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)$/.exec(lower);
  if (decimal) return `decimal(${decimal[1]},${decimal[2] ?? 0})`;
  if (/^(var)?char\s*\(\s*\d+\s*\)$/.test(lower)) return 'varchar';
  if (/^enum\s*\(/.test(lower)) return `enum${trimmed.slice(4).trim()}`;
  return SYNONYMS[lower] ?? lower;
}

function canonicalNested(kind: string, inner: string): string {
  const parts = splitTop(inner);
  if (kind === 'map') return `map(${parts.map(canonicalType).join(', ')})`;
  return `struct(${parts.map((part) => structMember(part)).map(([name, type]) => `${name} ${canonicalType(type)}`).join(', ')})`;
}

function structMember(text: string): [string, string] {
  const match = /^("(?:[^"]|"")*"|[^\s]+)\s+(.*)$/s.exec(text.trim());
  return [match?.[1] ?? text.trim(), match?.[2] ?? 'varchar'];
}

/** Splits at commas that are outside brackets and quotes. */
function splitTop(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let quoted = false;
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"') quoted = !quoted;
    else if (!quoted && (c === '(' || c === '[')) depth++;
    else if (!quoted && (c === ')' || c === ']')) depth--;
    else if (!quoted && depth === 0 && c === ',') {
      parts.push(text.slice(from, i));
      from = i + 1;
    }
  }
  parts.push(text.slice(from));
  return parts.map((part) => part.trim());
}

/**
 * How a type is stored. @throws DataflowError E_TYPE_UNSUPPORTED for INTERVAL, BIT and unknown types, with what to cast to.
 */
export function storageOf(type: string, column: string): Storage {
  const canonical = canonicalType(type);
  const plain = PLAIN[canonical];
  if (plain !== undefined) return plain;
  const decimal = /^decimal\((\d+),(\d+)\)$/.exec(canonical);
  if (decimal && Number(decimal[1]) >= 1 && Number(decimal[1]) <= 38 && Number(decimal[2]) <= Number(decimal[1])) return { type: canonical, delta: canonical };
  if (canonical.startsWith('enum(')) return { type: 'varchar', delta: 'string', kept_as: canonical };
  if (canonical.endsWith('[]')) return listStorage(canonical, column);
  if (canonical.startsWith('struct(')) return structStorage(canonical, column);
  if (canonical.startsWith('map(')) return mapStorage(canonical, column);
  const hint = canonical === 'interval' ? 'Cast it to a number of seconds (epoch(x)) or to varchar.' : 'Cast it to a type the lake stores, such as varchar, bigint, decimal(18,2), date or timestamptz.';
  throw new DataflowError('E_TYPE_UNSUPPORTED', `column ${column} has type ${canonical}, which the lake cannot store`, { hint });
}

function listStorage(canonical: string, column: string): Storage {
  const element = storageOf(canonical.slice(0, -2), column);
  return { type: `${element.type}[]`, delta: { type: 'array', elementType: element.delta, containsNull: true } };
}

function structStorage(canonical: string, column: string): Storage {
  const members = splitTop(canonical.slice('struct('.length, -1)).map(structMember);
  const stored = members.map(([name, type]) => ({ name, storage: storageOf(type, `${column}.${name}`) }));
  return {
    type: `struct(${stored.map((one) => `${one.name} ${one.storage.type}`).join(', ')})`,
    delta: {
      type: 'struct',
      fields: stored.map((one) => ({ name: one.name.replace(/^"(.*)"$/s, '$1').replaceAll('""', '"'), type: one.storage.delta, nullable: true, metadata: {} })),
    },
  };
}

function mapStorage(canonical: string, column: string): Storage {
  const [key = 'varchar', value = 'varchar'] = splitTop(canonical.slice('map('.length, -1));
  const [k, v] = [storageOf(key, column), storageOf(value, column)];
  return { type: `map(${k.type}, ${v.type})`, delta: { type: 'map', keyType: k.delta, valueType: v.delta, valueContainsNull: true } };
}

const FROM_DELTA: Readonly<Record<string, string>> = {
  long: 'bigint', integer: 'integer', short: 'smallint', byte: 'tinyint', double: 'double', float: 'float', string: 'varchar',
  boolean: 'boolean', binary: 'blob', date: 'date', timestamp: 'timestamptz', timestamp_ntz: 'timestamp',
};

/** The column type of a Delta field type. @throws DataflowError E_LAKE_FEATURE for a type we do not know. */
export function typeFromDelta(delta: unknown): string {
  if (typeof delta === 'string') {
    const known = FROM_DELTA[delta] ?? (/^decimal\(\d+,\s*\d+\)$/.test(delta) ? delta.replace(/\s/g, '') : undefined);
    if (known !== undefined) return known;
  } else if (typeof delta === 'object' && delta !== null) {
    const nested = delta as { type?: unknown; elementType?: unknown; keyType?: unknown; valueType?: unknown; fields?: unknown };
    if (nested.type === 'array') return `${typeFromDelta(nested.elementType)}[]`;
    if (nested.type === 'map') return `map(${typeFromDelta(nested.keyType)}, ${typeFromDelta(nested.valueType)})`;
    if (nested.type === 'struct' && Array.isArray(nested.fields)) {
      const fields = nested.fields as readonly { name: string; type: unknown }[];
      return `struct(${fields.map((field) => `"${field.name.replaceAll('"', '""')}" ${typeFromDelta(field.type)}`).join(', ')})`;
    }
  }
  throw new DataflowError('E_LAKE_FEATURE', `the table has a column of type ${JSON.stringify(delta)}, which we cannot read`);
}
