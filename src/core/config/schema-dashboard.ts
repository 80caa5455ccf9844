import * as z from 'zod/mini';
import type { DashboardSpec, FilterSpec, PageSpec, WidgetSpec } from '../model/dashboard.ts';
import { columnName } from './fields.ts';
import { filterName, label, meta, slug, sqlText, tableKey, widgetSchema } from './schema-widgets.ts';

const scalar = z.pipe(
  z.union([z.string().check(z.maxLength(1000)), z.number(), z.boolean()]),
  z.transform((value) => String(value)),
);

const RANGE = /^(\d{4}-\d\d-\d\d)?\.\.(\d{4}-\d\d-\d\d)?$|^\d{4}-\d\d-\d\d$/;

/** Values as they may be written: a list, or each with what it is called. */
interface WrittenFilter extends Omit<FilterSpec, 'values' | 'labels'> {
  readonly values?: string[] | Record<string, string> | undefined;
}

function filterSchema() {
  return z.pipe(writtenFilterSchema(), z.transform(filterOf));
}

function filterOf({ values, ...rest }: WrittenFilter): FilterSpec {
  if (values === undefined || isList(values)) return { ...rest, values };
  return { ...rest, values: Object.keys(values), labels: values };
}

function isList(values: NonNullable<WrittenFilter['values']>): values is string[] {
  return Array.isArray(values);
}

function writtenFilterSchema() {
  return z
    .strictObject({
      type: z
        .enum(['date_range', 'choice', 'text'])
        .check(meta('`date_range`: `$name_from` and `$name_to` in queries; `choice` and `text`: `$name`.')),
      label: z.optional(label.check(meta('What stands beside it. Default: its name.', 'Période'))),
      multiple: z
        ._default(z.boolean(), false)
        .check(meta('Choice: several values at once; `$name` is a list then: `list_contains($pays, pays)`.')),
      values: z.optional(
        z
          .union([
            z.array(scalar).check(z.minLength(1), z.maxLength(1000)),
            z
              .record(z.string().check(z.minLength(1), z.maxLength(1000)), label)
              .check(z.refine((labels) => Object.keys(labels).length > 0, 'name at least one value')),
          ])
          .check(
            meta('Choice: the only values, as a list or each with what it is called.', {
              mois: 'Mois',
              annee: 'Année',
            }),
          ),
      ),
      table: z.optional(tableKey.check(meta('Table whose column holds the values, or the days.', 'gold.dim_clients'))),
      column: z.optional(columnName.check(meta('Column of that table.', 'pays'))),
      sql: z.optional(sqlText.check(meta('Choice: a query whose first column holds the values.'))),
      default: z.optional(
        scalar.check(
          meta(
            'What holds when nothing is chosen. `latest`: the greatest value of the column, or its last day; for days also `30d`: so many up to the last, or `2024-01-01..2024-12-31`.',
            'latest',
          ),
        ),
      ),
    })
    .check(
      z.refine(
        ({ table, column }) => (table === undefined) === (column === undefined),
        'table and column belong together',
      ),
      z.refine(
        ({ type, values, table, sql }) =>
          [values, table, sql].filter((one) => one !== undefined).length === 1 || type !== 'choice',
        'a choice needs one of values, sql, and table with column',
      ),
      z.refine(
        ({ type, values, sql, multiple }) =>
          type === 'choice' || (values === undefined && sql === undefined && !multiple),
        'values, sql and multiple are for a choice',
      ),
      z.refine(({ type, table }) => type !== 'text' || table === undefined, 'a text needs no table'),
      z.refine(knownDefault, { error: 'the default is none of what can be chosen', path: ['default'] }),
    );
}

function knownDefault({ type, values, table, sql, default: fallback }: Partial<WrittenFilter>): boolean {
  if (fallback === undefined || type === 'text') return true;
  const looked = table !== undefined || sql !== undefined;
  if (type === 'date_range') return RANGE.test(fallback) || (looked && /^(latest|\d{1,5}d)$/.test(fallback));
  return values === undefined || (isList(values) ? values : Object.keys(values)).includes(fallback);
}

function pageSchema(): z.ZodMiniType<WrittenPage> {
  const schema = z.strictObject({
    id: z.optional(slug.check(meta('Its name in addresses. Default: made of the title.', 'clients'))),
    title: label.check(meta('Title of the page.', 'Clients')),
    description: z.optional(z.string().check(z.maxLength(1000), meta('A sentence about the page.'))),
    filters: z
      ._default(z.record(filterName, filterSchema()), {})
      .check(meta('What whoever looks at the page may choose.', { periode: { type: 'date_range' } })),
    widgets: z
      .array(widgetSchema())
      .check(z.minLength(1), z.maxLength(60), meta('What the page shows, in this order.')),
  });
  return schema as unknown as z.ZodMiniType<WrittenPage>;
}

/** `dashboard:` */
export function dashboardSchema(): z.ZodMiniType<DashboardSpec | undefined> {
  const schema = z.optional(
    z
      .pipe(
        z.strictObject({
          title: z.optional(label.check(meta('Title of the dashboard. Default: the name of the project.', 'Retail'))),
          language: z.optional(
            z.enum(['en', 'fr']).check(meta('Language of its own words. Default: as the browser prefers.')),
          ),
          pages: z.array(pageSchema()).check(z.minLength(1), z.maxLength(50), meta('Pages, in the order of the menu.')),
        }),
        z.transform(withIds),
      )
      .check(meta('Pages of figures and charts over the published release, shown by `dataflow serve`.')),
  );
  return schema as unknown as z.ZodMiniType<DashboardSpec | undefined>;
}

interface WrittenPage extends Omit<PageSpec, 'id'> {
  readonly id?: string | undefined;
}

/** Pages and widgets get the names that they were not given. */
function withIds(written: Omit<DashboardSpec, 'pages'> & { pages: WrittenPage[] }): DashboardSpec {
  const pages = named(written.pages, ({ id, title }) => id ?? slugOf(title, 'page')).map((page) => ({
    ...page,
    widgets: named(page.widgets, ({ id, label: told, kind }) => (id === '' ? slugOf(told, kind) : id)).map(titled),
  }));
  return { ...written, pages };
}

/** A name that was made is made different from those before it; one that was given stays, and is refused elsewhere when it occurs twice. */
function named<T extends { readonly id?: string | undefined }>(
  list: readonly T[],
  nameOf: (one: T) => string,
): readonly (T & { readonly id: string })[] {
  const taken = new Set(list.flatMap(({ id }) => (id === undefined || id === '' ? [] : [id])));
  return list.map((one) => {
    const base = nameOf(one);
    if (one.id !== undefined && one.id !== '') return { ...one, id: one.id };
    let id = base;
    for (let n = 2; taken.has(id); n++) id = `${base}-${n}`;
    taken.add(id);
    return { ...one, id };
  });
}

function slugOf(text: string, fallback: string): string {
  const plain = text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase();
  const words = plain.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, '');
  return words === '' ? fallback : words.slice(0, 60).replace(/-+$/, '');
}

/** What stands above a widget that was given no label. */
function titled(widget: WidgetSpec): WidgetSpec {
  if (widget.label !== '' || widget.kind === 'text') return widget;
  const { y, value, source } = widget;
  return { ...widget, label: y?.join(', ') ?? value ?? source?.table ?? widget.id };
}
