import type { WidgetShape } from '../../core/contract/dashboard.ts';

/** What a reader made of a table: its order, the text that was searched, and which page of it is shown, from 1. */
export interface TableState {
  readonly sort: string;
  readonly found: string;
  readonly page: number;
}

const PAGE = '.page';

/** What the address says of a table: `liste-des-clients.sort=-total_ca`. The dot keeps it apart from filters. */
export function readTable({ id }: WidgetShape, query: URLSearchParams): TableState {
  const page = Number(query.get(id + PAGE) ?? 1);
  return {
    sort: query.get(`${id}.sort`) ?? '',
    found: query.get(`${id}.find`) ?? '',
    page: Number.isInteger(page) && page > 0 ? page : 1,
  };
}

/** The address's query with a table in another state. What is as declared is left out; another order or search begins at the first page. */
export function withTable({ id }: WidgetShape, change: Partial<TableState>, query: URLSearchParams): URLSearchParams {
  const next = new URLSearchParams(query);
  const set = (name: string, value: string): void => (value === '' ? next.delete(name) : next.set(name, value));
  const { sort, found, page = 1 } = change;
  if (sort !== undefined) set(`${id}.sort`, sort);
  if (found !== undefined) set(`${id}.find`, found);
  set(id + PAGE, page === 1 ? '' : String(page));
  return next;
}

/** All tables at their first page: other filters leave other rows. */
export function atFirstPages(query: URLSearchParams): URLSearchParams {
  return new URLSearchParams([...query].filter(([name]) => !name.endsWith(PAGE)));
}

/** What a press on a column's title makes of the order: rising, falling, as it was. */
export function nextSort(sort: string, column: string): string {
  if (sort === column) return `-${column}`;
  return sort === `-${column}` ? '' : column;
}

/** The first row of the page that holds row `at`. */
export function pageStart(at: number, limit: number): number {
  return Math.max(0, Math.floor(at / limit) * limit);
}
