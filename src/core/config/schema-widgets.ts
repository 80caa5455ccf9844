import * as z from 'zod/mini';
import { AGGREGATES, measureOf, WIDGET_KINDS, type WidgetKind, type WidgetSpec } from '../model/dashboard.ts';
import { columnName, columnNames, sqlFragment } from './fields.ts';
import { kindsOf, widgetOf } from './written-widget.ts';

export const meta = (text: string, ...samples: unknown[]) =>
  z.meta({ description: text, ...(samples.length > 0 ? { samples } : {}) });

export const tableKey = z
  .string()
  .check(z.regex(/^(bronze|silver|gold)\.\w{1,63}$/, 'expected a table such as gold.dim_clients'));
export const sqlText = z.string().check(z.minLength(1), z.maxLength(20_000));
export const label = z.string().check(z.minLength(1), z.maxLength(200));
/** Names in addresses. */
export const slug = z
  .string()
  .check(z.regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'an id is small letters, digits and -, such as top-clients'));
export const filterName = z.string().check(
  z.refine((text) => /^[a-z]\w{0,40}$/.test(text), 'a filter is small letters, digits and _, and starts with a letter'),
  z.refine((text) => !RESERVED.includes(text), `these names are taken: ${'offset, limit, sort, q, format, as_of'}`),
);
const RESERVED = ['offset', 'limit', 'sort', 'q', 'format', 'as_of', 'cursor', 'formula_safe', 'constructor'];

const pattern = z
  .string()
  .check(z.minLength(1), z.maxLength(60), meta('Pattern of numbers, as in spreadsheets.', '#,##0.00 €'));

const measure = z
  .string()
  .check(
    z.minLength(1),
    z.maxLength(300),
    z.refine(isMeasure, `expected a column, or one of ${AGGREGATES.join(', ')} over one, such as sum(montant)`),
  );

function isMeasure(text: string): boolean {
  const { aggregate, column } = measureOf(text);
  if (aggregate === undefined) return !/[()*]/.test(column);
  return column !== '*' || aggregate === 'count';
}

/** A list of filters that are called like the columns, or filter → column. */
const mapped = z.pipe(
  z.union([z.array(filterName).check(z.maxLength(50)), z.record(filterName, columnName)]),
  z.transform(
    (value): Record<string, string> =>
      Array.isArray(value) ? Object.fromEntries(value.map((name) => [name, name])) : value,
  ),
);

const SOURCE = {
  table: z.optional(tableKey.check(meta('The table that it shows.', 'gold.kpi_ca_par_mois'))),
  sql: z.optional(sqlText.check(meta('The query that it shows; `$name` stands for the value of a filter.'))),
  where: z.optional(
    sqlFragment.check(meta('Condition that rows of the table have to meet; may name filters.', 'ca_total > 0')),
  ),
  filters: z
    ._default(mapped, {})
    .check(meta('Filters of the page that choose rows of the table; as a map: filter → column.', { periode: 'date' })),
  order: z
    ._default(columnNames, [])
    .check(meta('Columns that decide the order; `-` in front of one: the greatest first.', '-ca_total')),
  limit: z.optional(z.int().check(z.minimum(1), z.maximum(1_000_000), meta('Rows at most.', 10))),
};

interface Places {
  readonly table?: string | undefined;
  readonly sql?: string | undefined;
  readonly where?: string | undefined;
  readonly filters?: object | undefined;
}

const oneSource = z.refine<Places>(
  ({ table, sql, where, filters }) =>
    (table === undefined) !== (sql === undefined) &&
    (table !== undefined || (where === undefined && Object.keys(filters ?? {}).length === 0)),
  'give either table or sql; where and filters are for a table (a query names its filters as $name)',
);

const measures = z.pipe(
  z.union([measure, z.array(measure).check(z.minLength(1), z.maxLength(20))]),
  z.transform((value): readonly string[] => (typeof value === 'string' ? [value] : value)),
);
const uniform = z.refine<{ readonly y: unknown }>(
  ({ y }) => !Array.isArray(y) || new Set(y.map((one) => measureOf(String(one)).aggregate === undefined)).size === 1,
  { error: 'either all of y are columns, or all are aggregates', path: ['y'] },
);

/** Line, area, bar: values along an axis. */
function axisSchema(...more: ('stacked' | 'horizontal')[]) {
  const flags = {
    stacked: z.optional(z.boolean().check(meta('Series stand on each other.'))),
    horizontal: z.optional(
      z.boolean().check(meta('Bars lie. Default: where their names would not fit beside each other.')),
    ),
  };
  return z
    .strictObject({
      ...SOURCE,
      x: columnName.check(meta('Column along the axis.', 'mois')),
      y: measures.check(
        meta(`Columns of values, or aggregates by x: ${AGGREGATES.join(', ')}.`, 'ca_total', 'sum(montant)'),
      ),
      series: z.optional(columnName.check(meta('Column whose values make the series.', 'pays'))),
      ...Object.fromEntries(more.map((one) => [one, flags[one]])),
    })
    .check(oneSource, uniform);
}

const partsSchema = z
  .strictObject({
    ...SOURCE,
    name: columnName.check(meta('Column of the parts’ names.', 'produit')),
    value: measure.check(meta('Column of their sizes, or an aggregate by name.', 'nb_ventes')),
  })
  .check(oneSource);

const boxSchema = z
  .strictObject({
    ...SOURCE,
    x: columnName.check(meta('Column along the axis: a box for each of its values.', 'produit')),
    value: z.optional(columnName.check(meta('Column whose distribution is computed.', 'montant'))),
    min: z
      ._default(columnName, 'min')
      .check(meta('Column of the least value, where the distribution is there already.')),
    q1: z._default(columnName, 'q1').check(meta('Column of the first quartile.', '25%')),
    median: z._default(columnName, 'median').check(meta('Column of the median.', '50%')),
    q3: z._default(columnName, 'q3').check(meta('Column of the third quartile.', '75%')),
    max: z._default(columnName, 'max').check(meta('Column of the greatest value.')),
  })
  .check(oneSource);

const heatSchema = z
  .strictObject({
    ...SOURCE,
    x: columnName.check(meta('Column along the axis.', 'mois')),
    y: columnName.check(meta('Column whose values make the rows.', 'pays')),
    value: measure.check(meta('Column of the values, or an aggregate by x and y.', 'sum(montant)')),
  })
  .check(oneSource);

const metricSchema = z.union([
  sqlText,
  z
    .strictObject({
      ...SOURCE,
      value: z.optional(measure.check(meta('Column of the number, or an aggregate of all rows.', 'sum(ca_total)'))),
    })
    .check(
      oneSource,
      z.refine(
        ({ table, value }) => (table === undefined) === (value === undefined),
        'value is for a table, and needed there',
      ),
    ),
]);

const columnsShown = z.pipe(
  z.union([
    z.array(columnName).check(z.minLength(1), z.maxLength(200)),
    z.record(columnName, z.union([label, z.strictObject({ title: z.optional(label), format: z.optional(pattern) })])),
  ]),
  z.transform((value) =>
    Array.isArray(value)
      ? value.map((name) => ({ name, title: name }))
      : Object.entries(value).map(([name, told]) =>
          typeof told === 'string' ? { name, title: told } : { name, title: told.title ?? name, format: told.format },
        ),
  ),
);

const tableSchema = z.union([
  tableKey,
  z
    .strictObject({
      ...SOURCE,
      columns: z.optional(
        columnsShown.check(meta('Columns to show; as a map: column → title, or title and format.', ['nom', 'pays'])),
      ),
      page_rows: z
        ._default(z.int().check(z.minimum(1), z.maximum(500)), 25)
        .check(meta('Rows of one page of the table.')),
    })
    .check(oneSource),
]);

const changeSchema = z.strictObject({
  label: label.check(meta('With what the value is compared.', 'vs mois précédent')),
  good: z._default(z.enum(['up', 'down', 'none']), 'up').check(meta('Which way is good.')),
  sql: z.optional(
    sqlText.check(
      meta(
        'A query that gives the value before. Without it: the next row of the table in its `order`, or the column `previous` of the query.',
      ),
    ),
  ),
});

const KINDS: Readonly<Record<WidgetKind, z.ZodMiniType>> = {
  metric: metricSchema,
  line: axisSchema(),
  area: axisSchema('stacked'),
  bar: axisSchema('stacked', 'horizontal'),
  pie: partsSchema,
  treemap: partsSchema,
  boxplot: boxSchema,
  heatmap: heatSchema,
  table: tableSchema,
  text: z.string().check(z.minLength(1), z.maxLength(10_000)),
};

const TOLD: Readonly<Record<WidgetKind, string>> = {
  metric: 'One number: a query, or a value of a table.',
  line: 'Lines along an axis.',
  area: 'Areas along an axis.',
  bar: 'Bars along an axis.',
  pie: 'Parts of a whole, a few of them.',
  treemap: 'Parts of a whole, many of them.',
  boxplot: 'Distributions: least value, quartiles, greatest value.',
  heatmap: 'Values by two columns, as colours.',
  table: 'Rows to page through, to sort, search and export: a table, or what of it.',
  text: 'Paragraphs.',
};

/** One widget: what it is stands in the key that it has. */
export function widgetSchema(): z.ZodMiniType<WidgetSpec & { readonly id: string }> {
  const kinds = Object.fromEntries(WIDGET_KINDS.map((kind) => [kind, z.optional(KINDS[kind].check(meta(TOLD[kind])))]));
  const schema = z.pipe(
    z
      .strictObject({
        ...kinds,
        id: z.optional(slug.check(meta('Its name in addresses. Default: made of label or kind.', 'top-clients'))),
        label: z.optional(label.check(meta('What stands above it.', 'CA par mois'))),
        description: z.optional(z.string().check(z.maxLength(1000), meta('A sentence about it.'))),
        width: z.optional(z.int().check(z.minimum(1), z.maximum(12), meta('Twelfths of the page’s width.', 6))),
        format: z.optional(pattern),
        change: z.optional(changeSchema.check(meta('Metric: tell the change since the value before.'))),
      })
      .check(
        z.refine((one) => kindsOf(one).length === 1, `give exactly one of ${WIDGET_KINDS.join(', ')}`),
        z.refine((one) => one.change === undefined || kindsOf(one)[0] === 'metric', {
          error: 'change is for a metric',
          path: ['change'],
        }),
      ),
    z.transform(widgetOf),
  );
  return schema as unknown as z.ZodMiniType<WidgetSpec>;
}
