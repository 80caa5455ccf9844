import type { BSON as Bson, Document } from 'mongodb';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Column } from '../../core/model/table.ts';
import type { StoreCondition, StoreFilter, StoreOperator, StoreQuestion } from '../../core/ports/store.ts';
import { decimal128 } from './bson-columns.ts';

type BsonLibrary = typeof Bson;

/** A value of a request as a document has it; where none is equal to it, the greatest below it that one can have. */
interface Bound {
  readonly value: unknown;
  readonly exact: boolean;
}

/** An order by a column, and whether some of its values stand elsewhere than in the lake: NULL, and NaN. */
export interface Sorted {
  readonly name: string;
  readonly descending: boolean;
  readonly float: boolean;
  readonly odd: boolean;
}

/** Documents that a filter leaves. Values are values in it, never names or operators. */
export function matchOf({ where }: StoreFilter, bson: BsonLibrary): Document {
  return where.length === 0 ? {} : { $and: where.map((one) => conditionOf(one, bson)) };
}

/** Which documents a column's own order would put elsewhere than the lake does; undefined: none. */
export function oddOf({ type }: Column, descending: boolean): readonly unknown[] | undefined {
  if (isFloat(type)) return [null, Number.NaN];
  return descending ? undefined : [null];
}

/** The stages of a page. */
export function pageStages(question: StoreQuestion, order: readonly Sorted[], bson: BsonLibrary): readonly Document[] {
  const { columns, limit, offset } = question;
  const taken = new Set([...columns, ...question.order.map(({ of }) => of)].map(({ name }) => name));
  let prefix = 'rank_';
  while ([...taken].some((name) => name.startsWith(prefix))) prefix = `_${prefix}`;
  const ranks: Document = {};
  const sort = new Map<string, number>();
  for (const [index, one] of order.entries()) {
    if (one.odd) {
      ranks[`${prefix}${index}`] = rankOf(one);
      sort.set(`${prefix}${index}`, 1);
    }
    if (!sort.has(one.name)) sort.set(one.name, one.descending ? -1 : 1);
  }
  // Otherwise rows that are alike come as they were loaded.
  if (!question.settled && !sort.has('_id')) sort.set('_id', 1);
  const fields = new Map<string, number>([['_id', 0]]);
  for (const { name } of columns) fields.set(name, 1);
  return [
    { $match: matchOf(question, bson) },
    ...(Object.keys(ranks).length === 0 ? [] : [{ $addFields: ranks }]),
    ...(sort.size === 0 ? [] : [{ $sort: sort }]),
    ...(offset === 0 ? [] : [{ $skip: offset }]),
    { $limit: limit },
    { $project: fields },
  ];
}

/** NULL comes last in either direction, NaN is the greatest number; by itself MongoDB takes both for the least. */
function rankOf({ name, descending, float }: Sorted): Document {
  const value = { $ifNull: [`$${name}`, null] };
  const number = descending ? 2 : 1;
  const rank = float ? { $cond: [{ $eq: [value, Number.NaN] }, 3 - number, number] } : number;
  return { $cond: [{ $eq: [value, null] }, 3, rank] };
}

export function isFloat(type: string): boolean {
  return type === 'double' || type === 'float';
}

function conditionOf({ of, operator, values, wanted }: StoreCondition, bson: BsonLibrary): Document {
  const { column, name } = of;
  if (operator === 'null') return { [name]: wanted === true ? null : { $ne: null } };
  if (column.kept_as === 'uuid') refuseParts(column, operator);
  const bounds = values.map((text) => boundOf(column, text, bson));
  const exact = bounds.flatMap((one) => (one.exact ? [one.value] : []));
  const [first = { value: null, exact: false }] = bounds;
  switch (operator) {
    case 'eq':
    case 'in':
      return { [name]: { $in: exact } };
    case 'ne':
      return { [name]: { $nin: [null, ...exact] } };
    case 'contains':
      return { $expr: { $gte: [placeOfText(name, first), 0] } };
    case 'starts':
      // The comparison lets an index be used.
      return { $and: [{ [name]: { $gte: first.value } }, { $expr: { $eq: [placeOfText(name, first), 0] } }] };
    case 'gt':
    case 'gte': {
      const above = { [name]: { [first.exact && operator === 'gte' ? '$gte' : '$gt']: first.value } };
      return isFloat(column.type) ? { $or: [above, { [name]: Number.NaN }] } : above;
    }
    case 'lt':
    case 'lte':
      return { [name]: { [first.exact && operator === 'lt' ? '$lt' : '$lte']: first.value } };
  }
}

function placeOfText(name: string, { value }: Bound): Document {
  return { $indexOfBytes: [`$${name}`, { $literal: value }] };
}

/** @throws DataflowError E_SERVE_PARAMETER */
function refuseParts({ name }: Column, operator: StoreOperator): void {
  if (['eq', 'ne', 'in'].includes(operator)) return;
  throw new DataflowError(
    'E_SERVE_PARAMETER',
    `${name}[${operator}]: the destination holds UUIDs as numbers, which are compared as a whole`,
    { hint: 'Allowed: eq, ne, in, null.' },
  );
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function boundOf({ type, kept_as }: Column, text: string, bson: BsonLibrary): Bound {
  if (kept_as === 'uuid') return UUID.test(text) ? whole(new bson.UUID(text)) : { value: null, exact: false };
  if (type.startsWith('decimal(')) return decimalBound(text, bson);
  switch (type) {
    case 'tinyint':
    case 'smallint':
    case 'integer':
    case 'bigint':
      return whole(bson.Long.fromString(text));
    case 'double':
    case 'float':
      return whole(new bson.Double(Number(text)));
    case 'boolean':
      return whole(text === 'true');
    case 'date':
      return whole(new Date(`${text}T00:00:00Z`));
    case 'timestamp':
    case 'timestamptz':
      return timeBound(text, type);
    default:
      return whole(text);
  }
}

function whole(value: unknown): Bound {
  return { value, exact: true };
}

/** Dates have milliseconds. */
function timeBound(text: string, type: string): Bound {
  const [, before = '', fraction = '', zone = ''] = /^(.{10}(?:[T ][\d:]+)?)(?:\.(\d+))?(.*)$/.exec(text) ?? [];
  const day_only = before.length === 10;
  const ms = fraction.slice(0, 3).padEnd(3, '0');
  const value = new Date(
    day_only
      ? `${before}T00:00:00Z`
      : `${before.replace(' ', 'T')}${before.length === 16 ? ':00' : ''}.${ms}${type === 'timestamp' ? 'Z' : zone}`,
  );
  return { value, exact: /^0*$/.test(fraction.slice(3)) };
}

const DIGITS_MAX = 34;

/** A Decimal128 has 34 digits, a request up to 38. */
function decimalBound(text: string, bson: BsonLibrary): Bound {
  const digits = text.replace(/^[+-]/, '').replace('.', '').replace(/^0+/, '');
  const beyond = digits.length - DIGITS_MAX;
  if (beyond <= 0 || /^0+$/.test(digits.slice(DIGITS_MAX))) return whole(decimal128(text.replace('+', ''), bson));
  const point = text.includes('.') ? text.length - text.indexOf('.') - 1 : 0;
  const negative = text.startsWith('-');
  const kept = BigInt(digits.slice(0, DIGITS_MAX)) + (negative ? 1n : 0n);
  return { value: bson.Decimal128.fromString(`${negative ? '-' : ''}${kept}E${beyond - point}`), exact: false };
}
