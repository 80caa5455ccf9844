import { parseType, renderType, type TypeNode } from '../../../core/types/type-text.ts';
import { Refused } from './refusal.ts';
import { quoteName } from './words.ts';

/** An expression in Spark's dialect. Its type in Spark is {@link sparkType} of the type that DuckDB gives it: whoever prints one sees to that. */
export interface Sql {
  readonly text: string;
  /** What DuckDB says. */
  readonly type: TypeNode;
  /** The text holds together without parentheses. */
  readonly whole?: boolean;
}

/** DuckDB's type → Spark's. What is missing has no equal there, or one that computes otherwise. */
const PLAIN: ReadonlyMap<string, string> = new Map([
  ['tinyint', 'TINYINT'],
  ['smallint', 'SMALLINT'],
  ['integer', 'INT'],
  ['bigint', 'BIGINT'],
  // What sum() of whole numbers gives; the lake stores it as this decimal.
  ['hugeint', 'DECIMAL(38,0)'],
  ['double', 'DOUBLE'],
  ['float', 'FLOAT'],
  ['varchar', 'STRING'],
  ['boolean', 'BOOLEAN'],
  ['date', 'DATE'],
  ['timestamp', 'TIMESTAMP_NTZ'],
  ['timestamptz', 'TIMESTAMP'],
]);

/** Types of DuckDB that queries may have, for the guide. */
export const TRANSLATED_TYPES: readonly string[] = [...PLAIN.keys(), 'decimal(p,s)', 'lists', 'structs'];

/** @throws Refused for a type without an equal in Spark. */
export function sparkType(type: TypeNode): string {
  if (type.kind === 'decimal') return `DECIMAL(${type.precision},${type.scale})`;
  if (type.kind === 'list' && type.length === undefined) return `ARRAY<${sparkType(type.element)}>`;
  if (type.kind === 'struct')
    return `STRUCT<${type.members.map((one) => `${quoteName(one.name)}: ${sparkType(one.type)}`).join(', ')}>`;
  const plain = type.kind === 'plain' ? PLAIN.get(type.name) : undefined;
  if (plain === undefined) throw new Refused(`a value of type ${renderType(type)}`, typeRemedy(type));
  return plain;
}

function typeRemedy(type: TypeNode): string | undefined {
  if (type.kind === 'plain' && type.name === 'null') return 'Give NULL a type: cast(null as …).';
  if (type.kind === 'plain' && type.name.startsWith('u')) return 'Cast it to bigint or decimal(20,0).';
  return undefined;
}

export function plain(name: string): TypeNode {
  return { kind: 'plain', name };
}

/** Stands for the type of what was refused, so that what builds on it is not refused for its own sake. */
export const REFUSED_TYPE = plain('refused above');

export function typeOf(text: string): TypeNode {
  return parseType(text);
}

export function sameType(one: TypeNode, other: TypeNode): boolean {
  return renderType(one) === renderType(other);
}

const WHOLE_NUMBERS = new Set(['tinyint', 'smallint', 'integer', 'bigint']);

/** What kind of value a type has, as far as translating depends on it. */
export type Family =
  | 'null'
  | 'whole'
  | 'huge'
  | 'decimal'
  | 'double'
  | 'float'
  | 'text'
  | 'boolean'
  | 'date'
  | 'timestamp'
  | 'timestamptz'
  | 'interval'
  | 'list'
  | 'struct'
  | 'other';

const FAMILIES: Readonly<Record<string, Family>> = {
  null: 'null',
  hugeint: 'huge',
  double: 'double',
  float: 'float',
  varchar: 'text',
  boolean: 'boolean',
  date: 'date',
  timestamp: 'timestamp',
  timestamptz: 'timestamptz',
  interval: 'interval',
};

export function familyOf(type: TypeNode): Family {
  if (type.kind === 'decimal') return 'decimal';
  if (type.kind === 'list') return type.length === undefined ? 'list' : 'other';
  if (type.kind === 'struct') return 'struct';
  if (type.kind !== 'plain') return 'other';
  if (WHOLE_NUMBERS.has(type.name)) return 'whole';
  return FAMILIES[type.name] ?? 'other';
}

/** Whole numbers and decimals: exact, in Spark computed as decimals once they are mixed. */
export function isExact(type: TypeNode): boolean {
  return ['whole', 'huge', 'decimal'].includes(familyOf(type));
}

export function isNumber(type: TypeNode): boolean {
  return isExact(type) || familyOf(type) === 'double';
}

/** Digits of an exact number as Spark counts them. */
export function digitsOf(type: TypeNode): { readonly precision: number; readonly scale: number } {
  if (type.kind === 'decimal') return { precision: type.precision, scale: type.scale };
  const name = type.kind === 'plain' ? type.name : '';
  const precision = { tinyint: 3, smallint: 5, integer: 10, bigint: 20 }[name] ?? 38;
  return { precision, scale: 0 };
}
