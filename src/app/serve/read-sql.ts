import type { Column } from '../../core/model/table.ts';
import type { ReadParam } from '../../core/ports/read-engine.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { textSql, titleText } from '../export/cell-text.ts';
import type { Condition, Operator, Order } from './conditions.ts';
import type { CheckedValue } from './values.ts';

/** What is read, after every part of it was checked. */
export interface ReadPlan {
  /** A table in quotes, or a query in brackets. */
  readonly from: string;
  /** The table alone that is read: `gold.dim_clients`; absent for a query. */
  readonly table?: string | undefined;
  /** Values that the query itself names. */
  readonly params?: Readonly<Record<string, ReadParam>>;
  readonly where: readonly Condition[];
  readonly order: readonly Order[];
  readonly columns: readonly Column[];
  readonly limit: number;
  readonly offset: number;
}

export interface BoundSql {
  readonly sql: string;
  readonly params: Readonly<Record<string, ReadParam>>;
}

/** The rows of the page. Values are bound, names are those of columns that the table has. */
export function pageSql(plan: ReadPlan): BoundSql {
  const { where, params } = whereSql(plan);
  const order = plan.order.map(
    ({ column, descending }) => `${quoteIdent(column.name)} ${descending ? 'desc' : 'asc'} nulls last`,
  );
  const columns = plan.columns.map((column) => quoteIdent(column.name)).join(', ');
  const parts = [
    `select ${columns} from ${plan.from}${where}`,
    ...(order.length === 0 ? [] : [`order by ${order.join(', ')}`]),
    'limit $_limit offset $_offset',
  ];
  const whole = (value: number): ReadParam => ({ type: 'bigint', value });
  return { sql: parts.join(' '), params: { ...params, _limit: whole(plan.limit), _offset: whole(plan.offset) } };
}

/** How many rows there are without limit and offset. */
export function countSql(plan: ReadPlan): BoundSql {
  const { where, params } = whereSql(plan);
  return { sql: `select count(*) as n from ${plan.from}${where}`, params };
}

const COMPARE: Readonly<Partial<Record<Operator, string>>> = {
  eq: '=',
  ne: '<>',
  gt: '>',
  gte: '>=',
  lt: '<',
  lte: '<=',
};

function whereSql(plan: ReadPlan): { readonly where: string; readonly params: Record<string, ReadParam> } {
  const params: Record<string, ReadParam> = { ...plan.params };
  let count = 0;
  const bind = ({ param, cast }: CheckedValue): string => {
    const name = `_${count++}`;
    params[name] = param;
    return cast === undefined ? `$${name}` : `cast($${name} as ${cast})`;
  };
  const conditions = plan.where.map(({ column, operator, values, wanted }) => {
    const name = quoteIdent(column.name);
    if (operator === 'null') return `${name} is ${wanted === true ? '' : 'not '}null`;
    const bound = values.map(bind);
    if (operator === 'in') return `${name} in (${bound.join(', ')})`;
    if (operator === 'contains') return `contains(${name}, ${bound[0]})`;
    if (operator === 'starts') return `starts_with(${name}, ${bound[0]})`;
    return `${name} ${COMPARE[operator]} ${bound[0]}`;
  });
  return { where: conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`, params };
}

/** Each row as the text of a JSON object, made by the engine. Numbers keep all their digits; what JSON has no number for is null. */
export function jsonLines(columns: readonly Column[], page: string): string {
  const members = columns.map((column) => `${quoteIdent(column.name)} := ${jsonCell(column)}`);
  return `select cast(to_json(struct_pack(${members.join(', ')})) as varchar) as line from (${page}) as page`;
}

function jsonCell(column: Column): string {
  const name = quoteIdent(column.name);
  if (column.type === 'double' || column.type === 'float') return `case when isfinite(${name}) then ${name} end`;
  return ['timestamp', 'timestamptz', 'blob'].includes(column.type) ? textSql(column, false) : name;
}

/** The rows in the types that the lake stores: a query may count in one that other systems do not have. */
export function typedRows(columns: readonly Column[], page: string): string {
  const cells = columns.map(({ name, type }) => `cast(${quoteIdent(name)} as ${type}) as ${quoteIdent(name)}`);
  return `select ${cells.join(', ')} from (${page}) as page`;
}

/** Each row as a line of CSV, made by the engine: NULL is nothing, an empty text is "". */
export function csvLines(columns: readonly Column[], page: string, formula_safe: boolean): string {
  const cells = columns.map((column) => {
    const text = textSql(column, formula_safe);
    return `coalesce(case when ${text} = '' or regexp_matches(${text}, '[",\\r\\n]|^\\s|\\s$') then '"' || replace(${text}, '"', '""') || '"' else ${text} end, '')`;
  });
  return `select ${cells.join(` || ',' || `)} as line from (${page}) as page`;
}

/** The first line of CSV. */
export function csvHeader(columns: readonly Column[], formula_safe: boolean): string {
  return columns
    .map(({ name }) => titleText(name, formula_safe))
    .map((name) => (/[",\r\n]|^\s|\s$/.test(name) || name === '' ? `"${name.replaceAll('"', '""')}"` : name))
    .join(',');
}
