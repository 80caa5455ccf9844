import type { Project } from '../../core/model/project.ts';
import { type Column, parseTableKey } from '../../core/model/table.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { type Condition, columnNamed, conditionOf, type Order, orderOf, sortable } from './conditions.ts';
import { type Cursor, cursorOf, refuseOther } from './cursor.ts';
import { ParameterError } from './parameter-error.ts';
import type { ReadPlan } from './read-sql.ts';
import type { RequestWords } from './request-words.ts';
import { checkedValue } from './values.ts';

export const LIMIT_DEFAULT = 100;
/** Farther than this nobody counts rows off: a filter is asked for instead. */
export const OFFSET_MAX = 1_000_000_000;

/** Which release, and from where on: read before the columns are known. */
export interface Standpoint {
  readonly as_of?: string;
  readonly cursor?: Cursor & { readonly hash: string };
}

/** @throws ParameterError */
export function standpointOf(words: RequestWords): Standpoint {
  const as_of = words.take('as_of');
  const text = words.take('cursor');
  if (as_of === '') throw new ParameterError('as_of', 'it is empty', 'a release or a time');
  if (text === undefined) return as_of === undefined ? {} : { as_of };
  const cursor = cursorOf(text);
  if (as_of !== undefined) throw new ParameterError('as_of', 'a cursor has its own release', 'one of as_of and cursor');
  return { as_of: cursor.release_id, cursor };
}

/** What a request asks of a table. */
export interface TableRequest {
  readonly plan: ReadPlan;
  readonly with_count: boolean;
  /** What stays the same during a walk. */
  readonly question: string;
}

/** @throws ParameterError for every parameter that is wrong, unknown or given twice. */
export function tableRequest(
  words: RequestWords,
  table: { readonly key: string; readonly columns: readonly Column[]; readonly key_columns: readonly string[] },
  { cursor }: Standpoint,
  rows_max: number,
): TableRequest {
  const { columns } = table;
  const limit = words.takeWhole('limit', { min: 1, max: rows_max, fallback: Math.min(LIMIT_DEFAULT, rows_max) });
  const offset = words.takeWhole('offset', { min: 0, max: OFFSET_MAX, fallback: cursor?.offset ?? 0 });
  if (cursor !== undefined && offset !== cursor.offset)
    throw new ParameterError('offset', 'a cursor has its own place', 'one of offset and cursor');
  const with_count = words.takeFlag('count');
  const fields = words.take('fields');
  const sort = words.take('sort');
  const chosen =
    fields === undefined ? columns : [...new Set(fields.split(',').map((one) => columnNamed('fields', one, columns)))];
  const order = sort === undefined ? [] : orderOf('sort', sort.split(','), columns);
  const where: Condition[] = words.rest().map(([name, text]) => {
    words.take(name);
    return conditionOf(name, text, columns);
  });
  const question = JSON.stringify([table.key, fields ?? '', sort ?? '', where.map(wordsOf)]);
  if (cursor !== undefined) refuseOther(cursor.hash, question);
  const plan = {
    from: tableSql(table.key),
    table: table.key,
    where,
    order: settled(order, columns, table.key_columns),
    columns: chosen,
    limit,
    offset,
  };
  return { plan, with_count, question };
}

function wordsOf({ column, operator, values, wanted }: Condition): unknown {
  return [column.name, operator, wanted ?? null, values.map((one) => one.param.value)];
}

export function tableSql(key: string): string {
  return key.split('.').map(quoteIdent).join('.');
}

/** An order in which no two rows have the same place, as far as the table's columns tell them apart. */
export function settled(
  order: readonly Order[],
  columns: readonly Column[],
  key_columns: readonly string[],
): readonly Order[] {
  if (order.length === 0) return order;
  const rest = key_columns.length > 0 ? key_columns : sortable(columns);
  return orderOf('sort', [...order.map(worded), ...rest], columns);
}

function worded({ column, descending }: Order): string {
  return `${descending ? '-' : '+'}${column.name}`;
}

/** One row by its key: the values of its columns, separated by commas. @throws ParameterError */
export function keyRequest(
  text: string,
  table: { readonly key: string; readonly columns: readonly Column[]; readonly key_columns: readonly string[] },
): ReadPlan {
  const names = table.key_columns;
  const texts = names.length === 1 ? [text] : text.split(',');
  if (texts.length !== names.length)
    throw new ParameterError('key', `${texts.length} of ${names.length} values`, names.join(','));
  const where = names.map((name, i): Condition => {
    const column = columnNamed('key', name, table.columns);
    return { column, operator: 'eq', values: [checkedValue('key', column.type, texts[i] ?? '')] };
  });
  return { from: tableSql(table.key), table: table.key, where, order: [], columns: table.columns, limit: 2, offset: 0 };
}

/** Columns that tell the rows of a table apart; none for bronze, and where the project does not say. */
export function keyColumns(project: Pick<Project, 'silver' | 'gold'>, key: string): readonly string[] {
  const table = parseTableKey(key);
  if (table?.layer === 'silver') return project.silver[table.name]?.key ?? [];
  return table?.layer === 'gold' ? (project.gold[table.name]?.key ?? []) : [];
}
