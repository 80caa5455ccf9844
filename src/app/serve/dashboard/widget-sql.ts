import { paramsNamedIn } from '../../../core/config/named-serve.ts';
import {
  type ChangeSpec,
  type FilterSpec,
  type Measure,
  measureNames,
  measureOf,
  type PageSpec,
  paramsOfFilter,
  type WidgetSource,
  type WidgetSpec,
} from '../../../core/model/dashboard.ts';
import type { Column } from '../../../core/model/table.ts';
import { tablesNamedIn } from '../../../core/planning/sql-refs.ts';
import { quoteIdent } from '../../../kit/sql.ts';
import { columnNamed } from '../conditions.ts';
import { tableSql } from '../table-request.ts';
import { type Chosen, isRange } from './filter-words.ts';

/** Tables that a widget reads. */
export function tablesOfWidget({ source, change }: WidgetSpec): readonly string[] {
  const texts = [source?.sql, source?.where, change?.sql].flatMap((one) => tablesNamedIn(one ?? ''));
  return [...new Set([...(source?.table === undefined ? [] : [source.table]), ...texts])];
}

/** Filters of the page that change what a widget shows. */
export function filtersOfWidget({ source, change }: WidgetSpec, page: PageSpec): readonly string[] {
  const named = [source?.sql, source?.where, change?.sql].flatMap((one) => paramsNamedIn(one ?? ''));
  return Object.entries(page.filters)
    .filter(
      ([name, filter]) =>
        paramsOfFilter(name, filter).some((one) => named.includes(one)) || source?.filters[name] !== undefined,
    )
    .map(([name]) => name);
}

/** What the rows of a widget are called: the names that the dashboard is told, too. */
export function namesOf({ y, value, x, series, name }: WidgetSpec): {
  readonly y: readonly string[] | undefined;
  readonly value: string | undefined;
} {
  return {
    y: y === undefined ? undefined : measureNames(y, [x, series]),
    value: value === undefined ? undefined : measureNames([value], [x, series, name])[0],
  };
}

/** Names of the five columns of a box plot that is computed. */
export const BOX = { min: 'min', q1: 'q1', median: 'median', q3: 'q3', max: 'max' } as const;

/**
 * The query of a widget. Names are those of the configuration, in quotes; values of filters stand in it as parameters.
 * @param columns of the table, where it reads one.
 */
export function widgetSql(
  widget: WidgetSpec,
  page: PageSpec,
  columns: readonly Column[],
  chosen: Readonly<Record<string, Chosen>>,
): string {
  const { source } = widget;
  if (source === undefined) return 'select null as value';
  if (source.table === undefined) return widget.kind === 'metric' ? metricOfQuery(widget) : ordered(source);
  const rows = rowsSql(source, page, columns, chosen);
  if (widget.kind === 'metric') return metricOfTable(widget, source, rows);
  if (widget.kind === 'boxplot' && widget.value !== undefined) return boxSql(widget, widget.value, source, rows);
  if (widget.kind === 'table')
    return `select ${shownColumns(widget)} from ${rows}${tailSql(source.order, source.limit)}`;
  return chartSql(widget, source, rows);
}

function shownColumns({ columns }: WidgetSpec): string {
  return columns === undefined ? '*' : columns.map(({ name }) => quoteIdent(name)).join(', ');
}

/** A query as it is, or ordered and cut. */
function ordered({ sql = '', order, limit }: WidgetSource): string {
  if (order.length === 0 && limit === undefined) return bare(sql);
  return `select * from (\n${bare(sql)}\n) as q${tailSql(order, limit)}`;
}

function bare(sql: string): string {
  return sql.replace(/[\s;]+$/, '');
}

/** The rows of a table that condition and filters leave, as something to select from. */
function rowsSql(
  { table = '', where, filters }: WidgetSource,
  page: PageSpec,
  columns: readonly Column[],
  chosen: Readonly<Record<string, Chosen>>,
): string {
  const conditions = Object.entries(filters).flatMap(([filter, name]) => {
    const spec = page.filters[filter];
    return spec === undefined
      ? []
      : conditionsOf(filter, spec, columnNamed(filter, name, columns), chosen[filter] ?? null);
  });
  if (where !== undefined) conditions.unshift(`(\n${where}\n)`);
  return `${tableSql(table)}${conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`}`;
}

/** Conditions on a column by what was chosen; the values are parameters. */
function conditionsOf(filter: string, spec: FilterSpec, column: Column, chosen: Chosen): readonly string[] {
  if (chosen === null || chosen === 'default') return [];
  if (isRange(chosen)) return dayConditions(filter, column, chosen);
  const name = quoteIdent(column.name);
  const text = column.type === 'varchar' ? name : `cast(${name} as varchar)`;
  if (spec.type === 'text') return [containsSql(text, `$${filter}`)];
  return [spec.multiple ? `list_contains($${filter}, ${text})` : `${text} = $${filter}`];
}

/** Whether a text holds another, whatever the case and the accents. */
export function containsSql(text: string, part: string): string {
  return `contains(strip_accents(lower(${text})), strip_accents(lower(${part})))`;
}

function dayConditions(
  filter: string,
  { name: plain, type }: Column,
  { from, to }: { from: string | null; to: string | null },
): readonly string[] {
  const name = quoteIdent(plain);
  const [lowest, highest] = [`$${filter}_from`, `$${filter}_to`];
  const both = (low: string, high: string): readonly string[] => [
    ...(from === null ? [] : [low]),
    ...(to === null ? [] : [high]),
  ];
  if (type === 'date') return both(`${name} >= ${lowest}`, `${name} <= ${highest}`);
  if (type.startsWith('timestamp')) return both(`${name} >= ${lowest}`, `${name} < ${highest} + interval 1 day`);
  // A month or a year as text (or a year as number) is compared with as much of the day.
  const text = `cast(${name} as varchar)`;
  const part = (day: string): string => `left(cast(${day} as varchar), length(${text}))`;
  return both(`${text} >= ${part(lowest)}`, `${text} <= ${part(highest)}`);
}

function tailSql(order: readonly string[], limit: number | undefined): string {
  const words = order.map(
    (one) => `${quoteIdent(one.replace(/^[-+]/, ''))} ${one.startsWith('-') ? 'desc' : 'asc'} nulls last`,
  );
  return `${words.length === 0 ? '' : ` order by ${words.join(', ')}`}${limit === undefined ? '' : ` limit ${limit}`}`;
}

const CALLS: Readonly<Record<NonNullable<Measure['aggregate']>, (column: string) => string>> = {
  sum: (column) => `sum(${column})`,
  avg: (column) => `avg(${column})`,
  min: (column) => `min(${column})`,
  max: (column) => `max(${column})`,
  median: (column) => `median(${column})`,
  count: (column) => `count(${column})`,
  count_distinct: (column) => `count(distinct ${column})`,
};

function measureSql(text: string): string {
  const { aggregate, column } = measureOf(text);
  const name = column === '*' ? '*' : quoteIdent(column);
  return aggregate === undefined ? name : CALLS[aggregate](name);
}

/** Columns along axes and names, and the values over them, summed where they are aggregates. */
function chartSql(widget: WidgetSpec, source: WidgetSource, rows: string): string {
  const { kind, x, series, name, value, y, box } = widget;
  const by = [x, series, name].filter((one) => one !== undefined);
  const told = namesOf(widget);
  const measures = y ?? (value === undefined ? [] : [value]);
  const names = told.y ?? (told.value === undefined ? [] : [told.value]);
  const columns = [
    ...by.map(quoteIdent),
    ...measures.map((one, i) => `${measureSql(one)} as ${quoteIdent(names[i] ?? '')}`),
    ...(box === undefined ? [] : [...new Set(Object.values(box))].map(quoteIdent)),
  ];
  const grouped = measures.some((one) => measureOf(one).aggregate !== undefined);
  const fallback = kind === 'pie' || kind === 'treemap' ? [`-${names[0]}`] : by;
  const order = source.order.length > 0 ? source.order : fallback;
  const group = grouped ? ` group by ${by.map(quoteIdent).join(', ')}` : '';
  return `select ${columns.join(', ')} from ${rows}${group}${tailSql(order, source.limit)}`;
}

function boxSql({ x = '' }: WidgetSpec, value: string, source: WidgetSource, rows: string): string {
  const [by, of] = [quoteIdent(x), quoteIdent(value)];
  const part = (share: number): string => `quantile_cont(${of}, ${share})`;
  const columns = `min(${of}) as min, ${part(0.25)} as q1, ${part(0.5)} as median, ${part(0.75)} as q3, max(${of}) as max`;
  const order = source.order.length > 0 ? source.order : [x];
  return `select ${by}, ${columns} from ${rows} group by ${by}${tailSql(order, source.limit)}`;
}

/** The first column is the value; the column `previous`, or another query, what it was before. */
function metricOfQuery({ source, change }: WidgetSpec): string {
  const first = `(select * from (\n${bare(source?.sql ?? '')}\n) limit 1) as v(value)`;
  if (change === undefined) return `select v.value from ${first}`;
  if (change.sql === undefined) return `select v.value, v.previous from ${first}`;
  return `select v.value, p.previous from ${first} left join ${before(change)} on true`;
}

function before({ sql = '' }: ChangeSpec): string {
  return `(select * from (\n${bare(sql)}\n) limit 1) as p(previous)`;
}

function metricOfTable({ value = '', change }: WidgetSpec, { order }: WidgetSource, rows: string): string {
  const row = (offset: number, name: string): string =>
    `select ${measureSql(value)} as ${name} from ${rows}${tailSql(order, 1)}${offset === 0 ? '' : ` offset ${offset}`}`;
  const grouped = measureOf(value).aggregate !== undefined;
  const one = grouped ? `(select ${measureSql(value)} as value from ${rows}) as v` : `(${row(0, 'value')}) as v`;
  if (change === undefined) return `select v.value from ${one}`;
  const previous = change.sql === undefined ? `(${row(1, 'previous')}) as p` : before(change);
  return `select v.value, p.previous from ${one} left join ${previous} on true`;
}
