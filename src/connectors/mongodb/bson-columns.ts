import type { BSON as Bson } from 'mongodb';
import type { Column } from '../../core/model/table.ts';
import { parseType, renderType, type TypeNode } from '../../core/types/type-text.ts';
import { quoteIdent } from '../../kit/sql.ts';

type BsonLibrary = typeof Bson;

/** A value that BSON has no place for: its document is refused. */
export class Unfit extends Error {}

/** How a column of the lake becomes a field: what the engine is asked for, as JSON has it, and what is made of that. */
export interface BsonColumn {
  readonly name: string;
  /** Expression of the engine over the columns of the table. */
  readonly sql: string;
  /** @throws Unfit */
  readonly decode: (value: unknown) => unknown;
}

type Decode = (value: unknown) => unknown;

/**
 * Numbers keep their kind (int, long, double, Decimal128), days and instants become dates, bytes and UUIDs binary, lists arrays, structs and maps
 * documents, NULL null.
 */
export function bsonColumn(column: Column, bson: BsonLibrary): BsonColumn {
  const value = quoteIdent(column.name);
  const node = parseType(column.type);
  const of = (sql: string, decode: Decode): BsonColumn => ({
    name: column.name,
    sql,
    decode: (found) => (found === null || found === undefined ? null : decode(found)),
  });
  if (column.kept_as === 'uuid') return of(value, (text) => new bson.UUID(String(text)));
  if (node.kind === 'decimal') return of(`cast(${value} as varchar)`, (text) => decimal128(String(text), bson));
  if (node.kind !== 'plain') return of(`to_json(cast(${value} as ${textType(node)}))`, nestedDecode(node, bson));
  switch (node.name) {
    case 'bigint':
      return of(`cast(${value} as varchar)`, (text) => BigInt(text as string));
    case 'double':
    case 'float':
      return of(`cast(cast(${value} as double) as varchar)`, (text) => double(String(text), bson));
    case 'date':
      return of(whenFinite(value, `datediff('day', date '1970-01-01', ${value}) * 86400000::bigint`), dateOf);
    case 'timestamp':
    case 'timestamptz':
      return of(whenFinite(value, floorMs(value)), dateOf);
    case 'blob':
      return of(`base64(${value})`, (text) => new bson.Binary(Buffer.from(String(text), 'base64'), 0));
    default:
      return of(value, (found) => found);
  }
}

/** Beyond what dates can be, so that it is refused with the others that are. */
const NO_DATE = '9223372036854775807::bigint';
const DATE_MS_MAX = 8_640_000_000_000_000;

/** Downwards also before 1970, where `epoch_ms` goes up. */
function floorMs(value: string): string {
  return `(epoch_us(${value}) - ((epoch_us(${value}) % 1000) + 1000) % 1000) // 1000`;
}

function whenFinite(value: string, sql: string): string {
  return `case when ${value} is null then null when isfinite(${value}) then ${sql} else ${NO_DATE} end`;
}

function dateOf(ms: unknown): Date {
  const number = Number(ms);
  if (Math.abs(number) > DATE_MS_MAX) throw new Unfit('a date that is infinite, or beyond the year 275760');
  return new Date(number);
}

const INFINITE: Readonly<Record<string, number>> = {
  inf: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
  nan: Number.NaN,
};

/** A whole number would go out as an int, which it is not. */
function double(text: string, bson: BsonLibrary): unknown {
  const number = INFINITE[text] ?? Number(text);
  return Number.isInteger(number) ? new bson.Double(number) : number;
}

const COEFFICIENT_MAX = 10n ** 34n - 1n;
const EXPONENT_BIAS = 6176n;
const LOW = (1n << 64n) - 1n;

/** The decimal with the digits that are written, zeros at the end too. @throws Unfit for more than 34 digits. */
export function decimal128(text: string, bson: BsonLibrary): unknown {
  const negative = text.startsWith('-');
  const point = text.indexOf('.');
  let scale = point < 0 ? 0 : text.length - point - 1;
  const digits = (negative ? text.slice(1) : text).replace('.', '');
  let coefficient = BigInt(digits);
  while (coefficient > COEFFICIENT_MAX && coefficient % 10n === 0n) {
    coefficient /= 10n;
    scale -= 1;
  }
  if (coefficient > COEFFICIENT_MAX) throw new Unfit(`${text} has more than the 34 digits that a Decimal128 holds`);
  const bytes = Buffer.allocUnsafe(16);
  const high = (negative ? 1n << 63n : 0n) | ((EXPONENT_BIAS - BigInt(scale)) << 49n) | (coefficient >> 64n);
  bytes.writeBigUInt64LE(coefficient & LOW, 0);
  bytes.writeBigUInt64LE(high, 8);
  return new bson.Decimal128(bytes);
}

/** The type with the same shape in which every value is text: JSON would round large numbers. */
function textType(node: TypeNode): string {
  return renderType(asText(node));
}

function asText(node: TypeNode): TypeNode {
  switch (node.kind) {
    case 'list':
      return { kind: 'list', element: asText(node.element) };
    case 'map':
      return { kind: 'map', key: { kind: 'plain', name: 'varchar' }, value: asText(node.value) };
    case 'struct':
      return { kind: 'struct', members: node.members.map(({ name, type }) => ({ name, type: asText(type) })) };
    default:
      return { kind: 'plain', name: 'varchar' };
  }
}

function nestedDecode(node: TypeNode, bson: BsonLibrary): Decode {
  const inner = (part: TypeNode): Decode => {
    const decode = nestedDecode(part, bson);
    return (value) => (value === null || value === undefined ? null : decode(value));
  };
  switch (node.kind) {
    case 'list': {
      const element = inner(node.element);
      return (values) => (values as readonly unknown[]).map(element);
    }
    case 'map': {
      const value = inner(node.value);
      return (entries) =>
        Object.fromEntries(
          Object.entries(entries as Record<string, unknown>).map(([key, one]) => [fieldName(key), value(one)]),
        );
    }
    case 'struct': {
      const members = node.members.map(({ name, type }) => [name, inner(type)] as const);
      return (found) =>
        Object.fromEntries(members.map(([name, decode]) => [name, decode((found as Record<string, unknown>)[name])]));
    }
    default:
      return (text) => leaf(node, String(text), bson);
  }
}

/** The key of a map is data: nobody could name it otherwise. @throws Unfit */
function fieldName(key: string): string {
  if (key.startsWith('$') || key.includes('.') || key.includes('\0'))
    throw new Unfit(`the key ${JSON.stringify(key)} of a map, which would be a path or an operator`);
  return key;
}

/** A value inside a nested one, from the text that the engine makes of it. */
function leaf(node: TypeNode, text: string, bson: BsonLibrary): unknown {
  if (node.kind === 'decimal') return decimal128(text, bson);
  if (node.kind !== 'plain') return text;
  switch (node.name) {
    case 'tinyint':
    case 'smallint':
    case 'integer':
      return Number(text);
    case 'bigint':
      return BigInt(text);
    case 'double':
    case 'float':
      return double(text, bson);
    case 'boolean':
      return text === 'true';
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return dateOf(instantMs(text));
    case 'blob':
      return new bson.Binary(blobOf(text), 0);
    default:
      return text;
  }
}

const INSTANT = /^(\d{4,6})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?)?(?:\+00)?$/;

/** `2024-01-01 10:00:00.123456+00`; infinite for what dates cannot be. Finer digits than milliseconds are cut off downwards, as the engine does it. */
function instantMs(text: string): number {
  const found = INSTANT.exec(text);
  if (found === null) return Number.POSITIVE_INFINITY;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const ms = Number((found[7] ?? '').padEnd(3, '0').slice(0, 3));
  const at = new Date(0);
  at.setUTCFullYear(year, month - 1, day);
  at.setUTCHours(hour, minute, second, ms);
  return Number.isNaN(at.getTime()) ? Number.POSITIVE_INFINITY : at.getTime();
}

/** `a\x00b`: the engine's text of bytes, in which a backslash is one of them too. */
function blobOf(text: string): Buffer {
  return Buffer.concat(
    text
      .split(/(\\x[0-9A-Fa-f]{2})/)
      .map((part, index) => Buffer.from(index % 2 === 1 ? part.slice(2) : part, index % 2 === 1 ? 'hex' : 'latin1')),
  );
}

/** Columns whose values may have finer digits than a BSON date. */
export function finerThanDates(columns: readonly Column[]): readonly string[] {
  return columns.flatMap(({ name, type }) => (/\btimestamp/.test(type) ? [name] : []));
}

/** Why a table cannot become a collection with these names; undefined when it can. */
export function namesRefused(name: string, columns: readonly Column[], key: readonly string[]): string | undefined {
  if (name.startsWith('system.') || name.includes('$')) return `MongoDB has no place for a collection named ${name}`;
  for (const column of columns) {
    const odd = namesIn(column.name, parseType(column.type)).find((one) => one.startsWith('$') || one.includes('.'));
    if (odd !== undefined)
      return `MongoDB would read the field ${odd} as a path or an operator: give it another name with columns:`;
    if (column.name === '_id' && !(key.length === 1 && key[0] === '_id'))
      return 'the column _id is not the key: give it another name with columns:';
  }
  const nested = columns.find(
    (column) =>
      key.includes(column.name) && parseType(column.type).kind !== 'plain' && parseType(column.type).kind !== 'decimal',
  );
  return nested === undefined ? undefined : `the key ${nested.name} is of type ${nested.type}, which no _id can be`;
}

function namesIn(name: string, node: TypeNode): readonly string[] {
  switch (node.kind) {
    case 'list':
      return [name, ...namesIn('', node.element)];
    case 'map':
      return [name, ...namesIn('', node.value)];
    case 'struct':
      return [name, ...node.members.flatMap((member) => namesIn(member.name, member.type))];
    default:
      return [name];
  }
}
