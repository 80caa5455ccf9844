import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { CheckContext, RowCondition, TableCondition } from '../../core/ports/rule.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import type { Bound } from './fields.ts';

/** Characters of an offending value that a reason quotes. */
const VALUE_CHARS_MAX = 80;

/** SQL text expression: the column's value as a reason shows it. */
export function shownValue(column: string): string {
  return `left(coalesce(cast(${quoteIdent(column)} as varchar), 'NULL'), ${VALUE_CHARS_MAX})`;
}

/** SQL text expression: `montant = -3 is not above 0`. */
export function reasonFor(column: string, complaint: string): string {
  return `${quoteText(`${column} = `)} || ${shownValue(column)} || ${quoteText(` ${complaint}`)}`;
}

/** Broken when there is a value and `good` is not true of it; a missing value is `not_null`'s matter. */
export function brokenUnless(column: string, good: string): string {
  return `(${quoteIdent(column)} is not null and not coalesce((${good}), false))`;
}

/** The same conditions asked of a whole table: its failures are the rows that break one. */
export function tableFromRows(conditions: readonly RowCondition[], summary: string): TableCondition {
  const broken = conditions.map((condition) => condition.broken).join(' or ');
  return {
    failures: `select * from this where ${broken}`,
    count: `select count(*) as failures from this where ${broken}`,
    summary,
  };
}

/** `failures` and how many they are. */
export function tableFromQuery(failures: string, summary: string): TableCondition {
  return { failures, count: `select count(*) as failures from (${failures}\n) as failed`, summary };
}

/** Name of an instance, made of its parts: letters, digits and `_`, at most 63 characters. */
export function instanceNameOf(...parts: readonly string[]): string {
  const name = parts
    .join('_')
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[^A-Za-z0-9]+/g, '_');
  return name.replace(/^_+|_+$/g, '').slice(0, 63);
}

export type TypeFamily = 'number' | 'float' | 'text' | 'date' | 'timestamp' | 'timestamptz' | 'other' | 'unknown';

/** What kind of values a column holds; `unknown` when the context does not know the column. */
export function typeFamily(column: string, context: CheckContext): TypeFamily {
  const type = context.columns.find((known) => known.name.toLowerCase() === column.toLowerCase())?.type.toLowerCase();
  if (type === undefined) return 'unknown';
  if (/^(tinyint|smallint|integer|int|bigint|hugeint|u\w*int\w*|decimal|numeric)\b/.test(type) && !type.endsWith(']'))
    return 'number';
  if (/^(double|float|real)$/.test(type)) return 'float';
  if (/^(varchar|text|string|char|json|enum|uuid)\b/.test(type) && !type.endsWith(']')) return 'text';
  if (type === 'date') return 'date';
  if (type === 'timestamptz' || type === 'timestamp with time zone') return 'timestamptz';
  if (type.startsWith('timestamp') && !type.endsWith(']')) return 'timestamp';
  return 'other';
}

const NUMBER_TEXT = /^[+-]?\d+(\.\d+)?$/;
const DATE_TEXT = /^\d{4}-\d{2}-\d{2}$/;
const TIME_TEXT = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}(:?\d{2})?)?)?$/;

/** The two sides of a comparison between a column and a limit, with casts so that no value can make the engine fail. */
export interface Comparison {
  readonly value: string;
  readonly limit: string;
}

/**
 * @throws DataflowError E_CONFIG_INVALID when the limit cannot be compared with a column of this type.
 */
export function comparison(column: string, limit: Bound, context: CheckContext): Comparison {
  const family = typeFamily(column, context);
  const value = quoteIdent(column);
  const isNumber = typeof limit === 'number' || NUMBER_TEXT.test(limit);
  const text = String(limit);
  const refuse = (kind: string): never => {
    throw new DataflowError(
      'E_CONFIG_INVALID',
      `${column} holds ${kind}, it cannot be compared with ${JSON.stringify(limit)}`,
    );
  };
  switch (family) {
    case 'number':
    case 'float':
      return isNumber ? { value, limit: text } : refuse('numbers');
    case 'text':
      return typeof limit === 'number'
        ? { value: `try_cast(${value} as double)`, limit: text }
        : { value, limit: quoteText(limit) };
    case 'date':
      return DATE_TEXT.test(text) ? { value, limit: `cast(${quoteText(text)} as date)` } : refuse('dates');
    case 'timestamp':
    case 'timestamptz':
      return TIME_TEXT.test(text) ? { value, limit: `cast(${quoteText(text)} as ${family})` } : refuse('times');
    default:
      return { value, limit: typeof limit === 'number' ? text : quoteText(limit) };
  }
}
