import type { Column } from '../../core/model/table.ts';
import type { StoreColumn, StoreCondition, StoreFilter, StoreOperator, StoreQuestion } from '../../core/ports/store.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { pgType } from './sink-types.ts';

/** A statement, and the values that it binds, in order. */
export interface BoundStatement {
  readonly sql: string;
  readonly values: readonly string[];
}

const COMPARE: Readonly<Partial<Record<StoreOperator, string>>> = {
  eq: '=',
  ne: '<>',
  gt: '>',
  gte: '>=',
  lt: '<',
  lte: '<=',
};

export function countStatement(schema: string, filter: StoreFilter): BoundStatement {
  const values: string[] = [];
  return { sql: `select count(*)::text as n from ${fromWhere(schema, filter, values)}`, values };
}

/** The rows of a page, each as a JSON array of texts: one column, `line`. */
export function pageStatement(schema: string, question: StoreQuestion): BoundStatement {
  const values: string[] = [];
  const from = fromWhere(schema, question, values);
  const order = question.order.map(
    ({ of, descending }) => `${orderedSql(of)} ${descending ? 'desc' : 'asc'} nulls last`,
  );
  // Within one release rows stay where they lie.
  if (!question.settled) order.push('ctid');
  values.push(String(question.limit), String(question.offset));
  const cells = question.columns.map(cellText).join(', ');
  const sql = [
    `select to_json(array[${cells}]::text[])::text as line from ${from}`,
    ...(order.length === 0 ? [] : [`order by ${order.join(', ')}`]),
    `limit $${values.length - 1}::bigint offset $${values.length}::bigint`,
  ];
  return { sql: sql.join(' '), values };
}

function fromWhere(schema: string, { table, where }: StoreFilter, values: string[]): string {
  const from = `${quoteIdent(schema)}.${quoteIdent(table)}`;
  const conditions = where.map((one) => conditionSql(one, values));
  return conditions.length === 0 ? from : `${from} where ${conditions.join(' and ')}`;
}

function conditionSql({ of, operator, values: texts, wanted }: StoreCondition, values: string[]): string {
  const cell = comparedSql(of);
  if (operator === 'null') return `${quoteIdent(of.name)} is ${wanted === true ? '' : 'not '}null`;
  const type = valueType(of.column);
  const bound = texts.map((text) => `$${values.push(valueText(type, text))}::${type}`);
  if (operator === 'in') return `${cell} in (${bound.join(', ')})`;
  if (operator === 'contains') return `strpos(${cell}, ${bound[0]}) > 0`;
  if (operator === 'starts') return `starts_with(${cell}, ${bound[0]})`;
  const equality = operator === 'eq' || operator === 'ne';
  return `${equality ? cell : orderedSql(of)} ${COMPARE[operator]} ${bound[0]}`;
}

/** The lake keeps some types as text: they are compared as such. */
function comparedSql({ column, name }: StoreColumn): string {
  const cell = quoteIdent(name);
  return column.type === 'varchar' && pgType(column) !== 'text' ? `${cell}::text` : cell;
}

/** Texts in the order of the lake, whatever the language of the database. */
function orderedSql(of: StoreColumn): string {
  return of.column.type === 'varchar' ? `${comparedSql(of)} collate "C"` : comparedSql(of);
}

/** What a bound value is compared as; it holds all values of the column's type. */
function valueType({ type }: Column): string {
  if (type.startsWith('decimal(')) return 'numeric';
  if (['tinyint', 'smallint', 'integer', 'bigint'].includes(type)) return 'bigint';
  if (type === 'double' || type === 'float') return 'float8';
  return ['boolean', 'date', 'timestamp', 'timestamptz'].includes(type) ? type : 'text';
}

/** The year before the first is 0000 to the lake, and 1 BC to PostgreSQL. */
function valueText(type: string, text: string): string {
  const dated = type === 'date' || type === 'timestamp' || type === 'timestamptz';
  return dated && text.startsWith('0000-') ? `0001-${text.slice(5)} BC` : text;
}

function cellText({ column, name }: StoreColumn): string {
  const cell = quoteIdent(name);
  switch (pgType(column)) {
    case 'bytea':
      return `encode(${cell}, 'hex')`;
    case 'date':
    case 'timestamp without time zone':
    case 'timestamp with time zone':
      return `regexp_replace(${cell}::text, '^(\\S+)( .*)? BC$', '\\1 (BC)\\2')`;
    default:
      return `${cell}::text`;
  }
}
