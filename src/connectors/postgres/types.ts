import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { quoteIdent } from '../../kit/sql.ts';

/** A column as the database describes it; a domain is resolved to what it is made of. */
export interface PostgresType {
  /** Name in `pg_type`: `int8`, `numeric`, `timestamptz`, `mood`. */
  readonly name: string;
  /** `typtype`: b base, c composite, e enum, r range, m multirange. */
  readonly kind: string;
  /** True: an array of it. */
  readonly array: boolean;
  /** `atttypmod`; -1: none. */
  readonly modifier: number;
}

/** How a column is read. */
export interface ReadColumn {
  readonly name: string;
  /** Canonical type of the lake's column. */
  readonly type: string;
  /** Yields what COPY writes as the text that the engine casts exactly. */
  readonly expression: string;
}

const LENGTH = 4;
const DIGITS_MAX = 38;

/** Types whose own text is what the engine reads: no expression is needed. */
const AS_THEY_ARE: ReadonlyMap<string, string> = new Map([
  ['int2', 'smallint'],
  ['int4', 'integer'],
  ['int8', 'bigint'],
  ['oid', 'bigint'],
  ['float4', 'float'],
  ['float8', 'double'],
  ['uuid', 'uuid'],
  ['json', 'json'],
  ['jsonb', 'json'],
  ['date', 'date'],
  ['timestamp', 'timestamp'],
  ['timestamptz', 'timestamptz'],
  ['time', 'time'],
]);

/**
 * How one column is read: the table of types. What is not in it (interval, timetz, bit, inet, ranges, geometry, enums, …) comes as the text that
 * the database writes.
 * @throws DataflowError E_TYPE_UNSUPPORTED for money, whose text depends on the server's locale.
 */
export function readColumn(name: string, type: PostgresType, relation: string): ReadColumn {
  const column = `t.${quoteIdent(name)}`;
  const read = (lake: string, expression: string): ReadColumn => ({ name, type: lake, expression });
  if (type.array || type.kind === 'c') return read('json', `to_json(${column})::text`);
  const plain = AS_THEY_ARE.get(type.name);
  if (plain !== undefined) return read(plain, column);
  switch (type.name) {
    case 'bool':
      return read('boolean', `${column}::text`);
    case 'numeric':
      return read(decimalType(type.modifier), column);
    case 'bytea': // \xDEAD as the engine writes bytes: \xDE\xAD
      return read('blob', `regexp_replace(encode(${column}, 'hex'), '(..)', '\\x\\1', 'g')`);
    case 'money':
      throw new DataflowError(
        'E_TYPE_UNSUPPORTED',
        `column ${name} of ${relation} is money, whose text depends on the locale of the server`,
        { hint: `Use query: and cast it there: select …, ${name}::numeric(14,2) as ${name}` },
      );
    default:
      return read('varchar', column);
  }
}

/** numeric(p,s) as decimal(p,s); without a scale, or with more digits than the lake's decimals have, as the exact text. */
function decimalType(modifier: number): string {
  if (modifier < LENGTH) return 'varchar';
  const precision = ((modifier - LENGTH) >> 16) & 0xffff;
  const scale = (((modifier - LENGTH) & 0x7ff) ^ 1024) - 1024; // eleven bits with sign
  const digits = scale < 0 ? precision - scale : Math.max(precision, scale);
  return digits > DIGITS_MAX ? 'varchar' : `decimal(${digits},${Math.max(scale, 0)})`;
}
