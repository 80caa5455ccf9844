import { type FilterSpec, measureOf, type PageSpec, paramsOfFilter, type WidgetSpec } from '../model/dashboard.ts';
import { clockReadIn, tablesNamedIn, unsteadyIn } from '../planning/sql-refs.ts';
import { type Columns, knownColumn, meant, placeable, type Situation, tablesIn } from './named-parts.ts';
import { paramsNamedIn } from './named-serve.ts';
import { type Path, problemAt } from './tree.ts';

/** Columns of a table, where the configuration tells them. */
type ColumnsOf = (table: string) => Columns | undefined;

interface Page {
  readonly situation: Situation;
  readonly tables: readonly string[];
  readonly columnsOf: ColumnsOf;
  readonly page: PageSpec;
  /** Where the page stands. */
  readonly at: Path;
}

/** What `dashboard:` names exists: tables, columns where they are declared, and the filters in queries. */
export function knownDashboard(situation: Situation, columnsOf: ColumnsOf): void {
  const pages = situation.shape.dashboard?.pages ?? [];
  twice(situation, pages, ['dashboard', 'pages']);
  const tables = tablesIn(situation.tree);
  for (const [i, page] of pages.entries()) {
    const at = ['dashboard', 'pages', i];
    twice(situation, page.widgets, [...at, 'widgets']);
    const known: Page = { situation, tables, columnsOf, page, at };
    for (const [name, filter] of Object.entries(page.filters)) knownFilter(known, name, filter);
    for (const [j, widget] of page.widgets.entries())
      knownWidget(known, widget, placeable(situation.tree, [...at, 'widgets', j], widget.kind));
  }
}

function twice({ tree, problems }: Situation, list: readonly { readonly id: string }[], at: Path): void {
  for (const [i, { id }] of list.entries())
    if (list.findIndex((one) => one.id === id) < i)
      problems.push(problemAt(tree, placeable(tree, [...at, i], 'id', 'label', 'title'), `the id ${id} occurs twice`));
}

function refer({ situation: { tree, problems } }: Page, at: Path, message: string, hint: { hint?: string } = {}): void {
  problems.push(problemAt(tree, at, message, { code: 'E_CONFIG_REFERENCE', ...hint }));
}

function knownFilter(page: Page, name: string, { table, column, sql }: FilterSpec): void {
  const at = [...page.at, 'filters', name];
  if (table !== undefined && knownTable(page, [...at, 'table'], table)) knownColumns(page, at, table, { column });
  if (sql === undefined) return;
  knownQuery(page, [...at, 'sql'], sql);
  for (const param of paramsNamedIn(sql))
    refer(page, [...at, 'sql'], `$${param}: what can be chosen does not depend on filters`);
}

function knownWidget(page: Page, widget: WidgetSpec, at: Path): void {
  const { source, change } = widget;
  const { tree } = page.situation;
  if (source === undefined) return;
  const whole = [...at.slice(0, -1), 'change', 'sql'];
  if (change?.sql !== undefined) knownParams(page, whole, change.sql);
  if (source.sql !== undefined) knownParams(page, placeable(tree, at, 'sql'), source.sql);
  if (source.where !== undefined) knownParams(page, [...at, 'where'], source.where);
  for (const [i, name] of Object.keys(source.filters).entries())
    if (page.page.filters[name] === undefined)
      refer(
        page,
        placeable(tree, [...at, 'filters'], i, name),
        `there is no filter ${name} on this page`,
        filtersOf(page),
      );
  if (source.table === undefined) return;
  if (knownTable(page, placeable(tree, at, 'table'), source.table)) columnsOfWidget(page, widget, at, source.table);
}

function columnsOfWidget(page: Page, widget: WidgetSpec, at: Path, table: string): void {
  const { x, series, name, value, y, box, columns, source } = widget;
  const plain = (text: string | undefined): string | undefined => {
    const column = text === undefined ? undefined : measureOf(text).column;
    return column === '*' ? undefined : column;
  };
  knownColumns(page, at, table, { x, name, value: plain(value), [widget.kind === 'heatmap' ? 'y' : 'series']: series });
  for (const one of y ?? []) knownColumns(page, at, table, { y: plain(one) });
  if (widget.kind === 'boxplot' && value === undefined) knownColumns(page, at, table, { ...box });
  for (const one of columns ?? []) knownColumns(page, at, table, { columns: one.name });
  for (const column of Object.values(source?.filters ?? {})) knownColumns(page, at, table, { filters: column });
}

function knownColumns(page: Page, at: Path, table: string, named: Readonly<Record<string, string | undefined>>): void {
  const known = page.columnsOf(table);
  if (known === undefined) return;
  for (const [key, column] of Object.entries(named))
    if (column !== undefined)
      knownColumn(page.situation, placeable(page.situation.tree, at, key), column, known, table);
}

function knownTable(page: Page, at: Path, table: string): boolean {
  const found = page.tables.includes(table);
  if (!found) refer(page, at, `there is no table ${table}`, meant(table, page.tables));
  return found;
}

function knownQuery(page: Page, at: Path, sql: string): void {
  for (const table of tablesNamedIn(sql)) if (!table.startsWith('quarantine.')) knownTable(page, at, table);
  const unsteady = unsteadyIn(sql) ?? clockReadIn(sql);
  if (unsteady !== undefined)
    refer(page, at, `${unsteady} gives something else at every call: an answer belongs to a release`);
}

function knownParams(page: Page, at: Path, sql: string): void {
  knownQuery(page, at, sql);
  const known = Object.entries(page.page.filters).flatMap(([name, filter]) => paramsOfFilter(name, filter));
  for (const param of paramsNamedIn(sql))
    if (!known.includes(param)) refer(page, at, `$${param} is no filter of this page`, meantParam(param, known));
}

function meantParam(param: string, known: readonly string[]): { readonly hint?: string } {
  if (known.length === 0) return { hint: 'Declare it under filters: of the page.' };
  return meant(
    param,
    known.map((one) => one),
  );
}

function filtersOf({ page }: Page): { readonly hint?: string } {
  const names = Object.keys(page.filters);
  return names.length === 0
    ? { hint: 'Declare it under filters: of the page.' }
    : { hint: `Known: ${names.join(', ')}.` };
}
