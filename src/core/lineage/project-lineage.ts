import type { Origin, Way } from './origins.ts';
import type { ColumnOrigins } from './query-lineage.ts';

/** The columns of one table of the project and where they come from. */
export interface TableLineage {
  /** `gold.kpi_ca_par_mois`; the files of a source go by `source.achats`. */
  readonly table: string;
  /** Tables that rows come from, then tables that rules and tests look into. */
  readonly inputs: readonly string[];
  readonly references: readonly string[];
  readonly columns: readonly ColumnOrigins[];
  /** Type of each column, as far as it is known. */
  readonly types: Readonly<Record<string, string>>;
  /** Input columns that decide which rows there are: they influence every column. */
  readonly rows: readonly Origin[];
  /** What could not be resolved: origins may be missing. */
  readonly unresolved: readonly string[];
}

/** One step from an input column to a column of a table. */
export interface ColumnEdge {
  readonly from: { readonly table: string; readonly column: string };
  readonly to: { readonly table: string; readonly column: string };
  readonly way: Way;
}

export type Direction = 'upstream' | 'downstream';

/** Every edge of the column graph; influences on rows lead to each column of their table. */
export function columnEdges(tables: readonly TableLineage[]): readonly ColumnEdge[] {
  return tables.flatMap((table) =>
    table.columns.flatMap((column) =>
      [...column.origins, ...table.rows].map((origin) => ({
        from: { table: origin.table, column: origin.column },
        to: { table: table.table, column: column.name },
        way: origin.way,
      })),
    ),
  );
}

/** Tables reached from `start` by following inputs (or references) in one direction, `start` excluded, nearest first. */
export function tablesFrom(
  tables: readonly TableLineage[],
  start: ReadonlySet<string>,
  direction: Direction,
): readonly string[] {
  const next = (table: string): readonly string[] =>
    direction === 'upstream'
      ? parentsIn(tables, table)
      : tables.filter((one) => parentsIn([one], one.table).includes(table)).map((one) => one.table);
  const found: string[] = [];
  for (let front: readonly string[] = [...start]; front.length > 0; ) {
    const reached = [...new Set(front.flatMap(next))].filter((table) => !start.has(table) && !found.includes(table));
    found.push(...reached);
    front = reached;
  }
  return found;
}

export function parentsIn(tables: readonly TableLineage[], table: string): readonly string[] {
  const one = tables.find((candidate) => candidate.table === table);
  return one === undefined ? [] : [...new Set([...one.inputs, ...one.references])];
}

/** What depends on something: whole tables, and single columns where the lineage is known. */
export interface Dependents {
  readonly tables: readonly string[];
  /** `table.column` reached by values or by influence, nearest first; a table with unresolved parts counts with all its columns. */
  readonly columns: readonly { readonly table: string; readonly column: string; readonly ways: readonly Way[] }[];
}

/**
 * Which tables and columns depend on a column (or on any column of a table): what drift and `why` name as affected.
 * Never too few: where a lineage could not be resolved the whole table depends.
 */
export function dependentsOf(tables: readonly TableLineage[], table: string, column?: string): Dependents {
  const key = (one: { readonly table: string; readonly column: string }): string =>
    JSON.stringify([one.table.toLowerCase(), one.column.toLowerCase()]);
  const ways = new Map<string, { table: string; column: string; ways: Set<Way> }>();
  const own = tables.find((one) => one.table.toLowerCase() === table.toLowerCase());
  const starts = column === undefined ? (own?.columns.map((one) => one.name) ?? []) : [column];
  const reached = new Set(starts.map((name) => key({ table, column: name })));
  const touched = new Set([table]);
  for (const one of inOrder(tables)) {
    const unsure = one.unresolved.length > 0 && parentsIn(tables, one.table).some((parent) => touched.has(parent));
    for (const to of one.columns) {
      const by = [...to.origins, ...one.rows].filter((origin) => reached.has(key(origin)));
      if (by.length === 0 && !unsure) continue;
      const place = { table: one.table, column: to.name };
      if (one.table === table) continue;
      reached.add(key(place));
      touched.add(one.table);
      ways.set(key(place), { ...place, ways: new Set(by.map((origin) => origin.way)) });
    }
  }
  const columns = [...ways.values()].map((one) => ({ ...one, ways: [...one.ways] }));
  return { tables: [...new Set(columns.map((one) => one.table))], columns };
}

/** Each table after its inputs. */
function inOrder(tables: readonly TableLineage[]): readonly TableLineage[] {
  const byName = new Map(tables.map((table) => [table.table, table]));
  const done = new Set<TableLineage>();
  const visit = (table: TableLineage): void => {
    if (done.has(table)) return;
    for (const parent of parentsIn(tables, table.table)) {
      const next = byName.get(parent);
      if (next !== undefined && !done.has(next) && next !== table) visit(next);
    }
    done.add(table);
  };
  for (const table of tables) visit(table);
  return [...done];
}
