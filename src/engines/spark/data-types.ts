import type { EngineColumn } from '../../core/ports/engine.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { decode, type Field, flag, inner, type Message, many, type Shape, text, whole } from './protobuf.ts';

/** A type as Spark Connect describes it: exactly one member is there. */
interface DataType extends Partial<Readonly<Record<PlainName, object | undefined>>> {
  readonly decimal?: { readonly scale?: number | undefined; readonly precision?: number | undefined } | undefined;
  readonly array?: { readonly element_type?: DataType | undefined } | undefined;
  readonly struct?: { readonly fields?: readonly StructField[] | undefined } | undefined;
  readonly map?: { readonly key_type?: DataType | undefined; readonly value_type?: DataType | undefined } | undefined;
  readonly udt?: { readonly sql_type?: DataType | undefined } | undefined;
  readonly unparsed?: { readonly data_type_string?: string | undefined } | undefined;
}

interface StructField {
  readonly name?: string | undefined;
  readonly data_type?: DataType | undefined;
  readonly nullable?: boolean | undefined;
}

/** Types without parts: number on the wire, and the name that they have here. */
const PLAIN = {
  null: [1, '"null"'],
  binary: [2, 'blob'],
  boolean: [3, 'boolean'],
  byte: [4, 'tinyint'],
  short: [5, 'smallint'],
  integer: [6, 'integer'],
  long: [7, 'bigint'],
  float: [8, 'float'],
  double: [9, 'double'],
  string: [11, 'varchar'],
  char: [12, 'varchar'],
  var_char: [13, 'varchar'],
  date: [14, 'date'],
  timestamp: [15, 'timestamptz'],
  timestamp_ntz: [16, 'timestamp'],
  calendar_interval: [17, 'interval'],
  year_month_interval: [18, 'interval'],
  day_time_interval: [19, 'interval'],
  variant: [25, 'variant'],
} as const;

type PlainName = keyof typeof PLAIN;

const dataType = (number: number): Field<DataType> => inner(number, () => DATA_TYPE) as Field<DataType>;

const STRUCT_FIELD = { name: text(1), data_type: dataType(2), nullable: flag(3) } as const satisfies Shape;

export const DATA_TYPE: Shape = {
  ...Object.fromEntries(Object.entries(PLAIN).map(([name, [number]]) => [name, inner(number, () => ({}))])),
  decimal: inner(10, () => ({ scale: whole(1), precision: whole(2) })),
  array: inner(20, () => ({ element_type: dataType(1) })),
  struct: inner(21, () => ({ fields: many(inner(1, () => STRUCT_FIELD) as Field<StructField>) })),
  map: inner(22, () => ({ key_type: dataType(1), value_type: dataType(2) })),
  udt: inner(23, () => ({ sql_type: dataType(5) })),
  unparsed: inner(24, () => ({ data_type_string: text(1) })),
};

/** The columns of a schema as it came, with the names of types that models are written in. */
export function schemaColumns(bytes: Uint8Array): readonly EngineColumn[] {
  const { struct } = decode(DATA_TYPE, bytes) as Message<typeof DATA_TYPE> as DataType;
  return (struct?.fields ?? []).map(({ name = '', data_type = {} }) => ({ name, type: typeText(data_type) }));
}

function typeText(type: DataType): string {
  // Of what is zero nothing is on the wire.
  if (type.decimal !== undefined) return `decimal(${type.decimal.precision ?? 10},${type.decimal.scale ?? 0})`;
  if (type.array !== undefined) return `${typeText(type.array.element_type ?? {})}[]`;
  if (type.map !== undefined)
    return `map(${typeText(type.map.key_type ?? {})}, ${typeText(type.map.value_type ?? {})})`;
  if (type.struct !== undefined) {
    const members = (type.struct.fields ?? []).map(
      ({ name = '', data_type = {} }) => `${quoteIdent(name)} ${typeText(data_type)}`,
    );
    return `struct(${members.join(', ')})`;
  }
  if (type.udt !== undefined) return typeText(type.udt.sql_type ?? {});
  const plain = (Object.keys(PLAIN) as PlainName[]).find((name) => type[name] !== undefined);
  return plain === undefined ? (type.unparsed?.data_type_string ?? 'unknown') : PLAIN[plain][1];
}
