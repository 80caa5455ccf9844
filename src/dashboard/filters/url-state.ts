import type { FilterShape, PageShape, WidgetShape } from '../../core/contract/dashboard.ts';

/**
 * What the address says of a page's filters, by name. Absent: nothing, so that the declared default holds, which the server knows; no values:
 * no restriction.
 */
export type FilterState = Readonly<Record<string, readonly string[]>>;

/** A date range: either end may be open. */
export interface Range {
  readonly from: string;
  readonly to: string;
}

export function readFilters(filters: readonly FilterShape[], query: URLSearchParams): FilterState {
  const state: Record<string, readonly string[]> = {};
  for (const { name, multiple } of filters) {
    if (!query.has(name)) continue;
    const values = query.getAll(name).filter((value) => value !== '');
    state[name] = multiple === true ? values : values.slice(0, 1);
  }
  return state;
}

function defaultOf(filter: FilterShape): readonly string[] {
  return filter.default === undefined || filter.default === '' ? [] : [filter.default];
}

/** The address's query with a filter set to `values`. Defaults are left out, so that addresses stay short; other parameters stay. */
export function withFilter(filter: FilterShape, values: readonly string[], query: URLSearchParams): URLSearchParams {
  const next = new URLSearchParams(query);
  next.delete(filter.name);
  const standard = defaultOf(filter);
  if (values.length === standard.length && values.every((value, i) => value === standard[i])) return next;
  if (values.length === 0) next.set(filter.name, '');
  for (const value of values) next.append(filter.name, value);
  return next;
}

export function withoutFilters(filters: readonly FilterShape[], query: URLSearchParams): URLSearchParams {
  const next = new URLSearchParams(query);
  for (const { name } of filters) next.delete(name);
  return next;
}

/** Whether the address sets any filter of the page. */
export function isFiltered(filters: readonly FilterShape[], query: URLSearchParams): boolean {
  return filters.some(({ name }) => query.has(name));
}

/** Where the rows of a widget are asked for, with the filters that matter to it and parameters of its own. */
export function widgetAddress(
  page: PageShape,
  widget: WidgetShape,
  state: FilterState,
  own: Readonly<Record<string, string>> = {},
): string {
  const query = new URLSearchParams();
  for (const name of widget.filters) {
    const values = state[name];
    if (values === undefined) continue;
    if (values.length === 0) query.set(name, '');
    for (const value of values) query.append(name, value);
  }
  for (const [name, value] of Object.entries(own)) if (value !== '') query.set(name, value);
  const text = query.toString();
  const path = `/api/v1/dashboard/pages/${encodeURIComponent(page.id)}/widgets/${encodeURIComponent(widget.id)}`;
  return text === '' ? path : `${path}?${text}`;
}

/** `2024-01-01..2024-12-31`, either end open, or one day. */
export function rangeOf(value: string | undefined): Range {
  if (/^\d{4}-\d{2}-\d{2}$/.test(value ?? '')) return { from: value ?? '', to: value ?? '' };
  const [, from = '', to = ''] = /^(\d{4}-\d{2}-\d{2})?\.\.(\d{4}-\d{2}-\d{2})?$/.exec(value ?? '') ?? [];
  return { from, to };
}

/** A range as it stands in the address; nothing when both ends are open. */
export function rangeText({ from, to }: Range): readonly string[] {
  return from === '' && to === '' ? [] : [`${from}..${to}`];
}

/** Where the values of a filter are asked for. */
export function filterAddress(page: PageShape, { name }: FilterShape): string {
  return `/api/v1/dashboard/pages/${encodeURIComponent(page.id)}/filters/${encodeURIComponent(name)}`;
}
