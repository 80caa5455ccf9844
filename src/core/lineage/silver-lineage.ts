import { type EnrichSpec, keyColumnsOf, looksIntoTable } from '../model/enrich.ts';
import { HISTORY_COLUMNS } from '../model/history.ts';
import type { SilverSpec } from '../model/project.ts';
import { type Origin, Origins } from './origins.ts';
import { type ColumnOrigins, type QueryLineage, queryLineage } from './query-lineage.ts';
import type { QuerySyntax } from './syntax.ts';

/** The parsed parts of a silver table. */
export interface SilverParts {
  readonly spec: SilverSpec;
  /** `select … from src where …`: the selected columns over the united sources. */
  readonly picked: QuerySyntax;
  /** `select 1 from picked where …`: every rule that puts rows aside; absent without rules. */
  readonly judged?: QuerySyntax;
  /** Columns of other tables that rules look into. */
  readonly references: readonly { readonly table: string; readonly column: string }[];
  /** Bronze tables and their columns, in the order of `from`. */
  readonly sources: readonly { readonly table: string; readonly columns: readonly string[] }[];
  /** Names of the selected columns, in order. */
  readonly names: readonly string[];
}

/** Where the columns of a silver table come from: values by `select`; rows by `where`, the rules, the key and the order of duplicates. */
export function silverLineage(parts: SilverParts): QueryLineage {
  const { spec, sources } = parts;
  const united = [...new Set(sources.flatMap((source) => source.columns))];
  const picked = queryLineage(parts.picked, (table) => (table === 'src' ? united : undefined), parts.names);
  let columns = picked.columns.map((column) => ({ ...column, origins: fromSources(column.origins, sources) }));
  const rows = new Origins().add(fromSources(picked.rows, sources));
  for (const lookup of spec.enrich ?? []) {
    rows.add(lookupRows(lookup, columns));
    columns = [...columns, ...lookupColumns(lookup, columns)];
  }
  const names = columns.map((column) => column.name);
  const unresolved = [...picked.unresolved];
  if (parts.judged !== undefined) {
    const judged = queryLineage(parts.judged, (table) => (table === 'picked' ? names : undefined));
    for (const origin of judged.rows) rows.add(originsOf(columns, origin.column).as('filter'));
    unresolved.push(...judged.unresolved);
  }
  for (const { table, column } of parts.references) rows.add([{ table, column, way: 'filter' }]);
  for (const name of spec.key) rows.add(originsOf(columns, name).as('group_by'));
  if (spec.key.length > 0 && spec.dedupe?.by !== undefined) rows.add(originsOf(columns, spec.dedupe.by).as('sort'));
  return { columns: [...columns, ...historyOf(spec, columns)], rows: [...rows], unresolved };
}

/** A value of another table is found by the key; one that was answered by a system is made of nothing but the key, as far as the lake knows. */
function lookupColumns(lookup: EnrichSpec, columns: readonly ColumnOrigins[]): readonly ColumnOrigins[] {
  const key = new Origins();
  for (const name of keyColumnsOf(lookup)) key.add(originsOf(columns, name));
  return Object.entries(lookup.add).map(([name, { from, type }]) => {
    if (!looksIntoTable(lookup)) return { name, origins: [...key.through('transformation')] };
    const way = type === undefined ? 'identity' : 'transformation';
    return { name, origins: [...new Origins().add([{ table: lookup.table, column: from, way }]).add(key.as('join'))] };
  });
}

/** A row whose key has no answer is put aside. */
function lookupRows(lookup: EnrichSpec, columns: readonly ColumnOrigins[]): readonly Origin[] {
  if (lookup.on_failure === 'keep') return [];
  const rows = new Origins();
  for (const name of keyColumnsOf(lookup)) rows.add(originsOf(columns, name).as('filter'));
  if (looksIntoTable(lookup))
    rows.add(Object.values(lookup.on).map((column) => ({ table: lookup.table, column, way: 'filter' as const })));
  return [...rows];
}

/** From when to when a version holds is told by the moments of its key's rows. */
function historyOf(spec: SilverSpec, columns: readonly ColumnOrigins[]): readonly ColumnOrigins[] {
  const by = columns.find((column) => column.name.toLowerCase() === spec.dedupe?.by?.toLowerCase());
  if (spec.history !== true || by === undefined) return [];
  return HISTORY_COLUMNS.map((name) => ({
    name,
    origins: name === 'valid_from' ? by.origins : [...new Origins().add(by.origins).through('transformation')],
  }));
}

function originsOf(columns: readonly ColumnOrigins[], name: string): Origins {
  const column = columns.find((one) => one.name.toLowerCase() === name.toLowerCase());
  return new Origins().add(column?.origins ?? []);
}

/** A column of the united sources is the column of that name of each source that has it. */
function fromSources(origins: readonly Origin[], sources: SilverParts['sources']): readonly Origin[] {
  return origins.flatMap((origin) =>
    sources.flatMap((source) => {
      const column = source.columns.find((name) => name.toLowerCase() === origin.column.toLowerCase());
      return column === undefined ? [] : [{ table: source.table, column, way: origin.way }];
    }),
  );
}
