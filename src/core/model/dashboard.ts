/** What `dashboard:` says: pages of filters and widgets over the tables of a release. */
export interface DashboardSpec {
  /** Absent: the name of the project. */
  readonly title?: string | undefined;
  /** Absent: as the browser prefers. */
  readonly language?: 'en' | 'fr' | undefined;
  readonly pages: readonly PageSpec[];
}

export interface PageSpec {
  /** Stands in the address of the page. */
  readonly id: string;
  readonly title: string;
  readonly description?: string | undefined;
  readonly filters: Readonly<Record<string, FilterSpec>>;
  readonly widgets: readonly WidgetSpec[];
}

/** A filter of a page: its value is bound in the queries of widgets that name it, and compared with columns of those that map it to one. */
export interface FilterSpec {
  readonly type: 'date_range' | 'choice' | 'text';
  readonly label?: string | undefined;
  /** Choice: several values at once. */
  readonly multiple: boolean;
  readonly values?: readonly string[] | undefined;
  /** What declared values are called, where that is declared too. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** The table and column that hold the values, or the days. */
  readonly table?: string | undefined;
  readonly column?: string | undefined;
  /** Choice: a query whose first column holds the values. */
  readonly sql?: string | undefined;
  readonly default?: string | undefined;
}

export const WIDGET_KINDS = [
  'metric',
  'line',
  'area',
  'bar',
  'pie',
  'treemap',
  'boxplot',
  'heatmap',
  'table',
  'text',
] as const;
export type WidgetKind = (typeof WIDGET_KINDS)[number];

export interface WidgetSpec {
  readonly id: string;
  readonly kind: WidgetKind;
  readonly label: string;
  readonly description?: string | undefined;
  /** Twelfths of the page. */
  readonly width: number;
  /** Spreadsheet pattern for values. */
  readonly format?: string | undefined;
  /** Absent for a text. */
  readonly source?: WidgetSource | undefined;
  readonly x?: string | undefined;
  /** Columns, or sums and the like over them. */
  readonly y?: readonly string[] | undefined;
  readonly series?: string | undefined;
  readonly stacked?: boolean | undefined;
  readonly horizontal?: boolean | undefined;
  /** Parts of a whole: their names. */
  readonly name?: string | undefined;
  /** A column, or an aggregate of one: the size of parts, the number of a metric, what a box plot or a heat map is of. */
  readonly value?: string | undefined;
  readonly box?: BoxColumns | undefined;
  readonly change?: ChangeSpec | undefined;
  readonly columns?: readonly WidgetColumn[] | undefined;
  readonly page_rows?: number | undefined;
  readonly text?: string | undefined;
}

/** Where the rows of a widget come from: a table or a query. */
export interface WidgetSource {
  readonly table?: string | undefined;
  readonly sql?: string | undefined;
  /** Condition in SQL that rows of the table have to meet. */
  readonly where?: string | undefined;
  /** Filter of the page → column of the table. */
  readonly filters: Readonly<Record<string, string>>;
  /** Columns; `-` in front: the greatest first. */
  readonly order: readonly string[];
  readonly limit?: number | undefined;
}

/** Columns that hold the five numbers of a box. */
export interface BoxColumns {
  readonly min: string;
  readonly q1: string;
  readonly median: string;
  readonly q3: string;
  readonly max: string;
}

export interface ChangeSpec {
  readonly label: string;
  readonly good: 'up' | 'down' | 'none';
  /** A query that gives the value before. Absent: the next row of the table in its order, or the column `previous` of the query. */
  readonly sql?: string | undefined;
}

export interface WidgetColumn {
  readonly name: string;
  readonly title: string;
  readonly format?: string | undefined;
}

/** A column, or an aggregate of one, as `y`, `value` and the like name it. */
export interface Measure {
  readonly aggregate?: (typeof AGGREGATES)[number] | undefined;
  /** `*` for `count(*)`. */
  readonly column: string;
}

export const AGGREGATES = ['sum', 'avg', 'min', 'max', 'median', 'count', 'count_distinct'] as const;

/** `sum(ca_total)` or `ca_total`. */
export function measureOf(text: string): Measure {
  const [, word, inner = ''] = /^\s*(\w+)\(\s*(.+?)\s*\)\s*$/.exec(text) ?? [];
  const aggregate = AGGREGATES.find((one) => one === word?.toLowerCase());
  return aggregate === undefined ? { column: text } : { aggregate, column: inner };
}

/** Names that the columns of measures have in the rows of a widget: those of the columns, as long as they tell the measures apart. */
export function measureNames(texts: readonly string[], taken: readonly (string | undefined)[]): readonly string[] {
  const measures = texts.map(measureOf);
  const plain = measures.map(({ aggregate, column }) => (column === '*' ? (aggregate ?? column) : column));
  const used = [...taken, ...plain].map((one) => one?.toLowerCase());
  return measures.map(({ aggregate }, i) => {
    const name = plain[i] ?? '';
    const once = used.filter((one) => one === name.toLowerCase()).length === 1;
    return once || aggregate === undefined ? name : `${aggregate}_${name}`;
  });
}

/** Names under which the value of a filter is bound in a query. */
export function paramsOfFilter(name: string, { type }: Pick<FilterSpec, 'type'>): readonly string[] {
  return type === 'date_range' ? [`${name}_from`, `${name}_to`] : [name];
}
