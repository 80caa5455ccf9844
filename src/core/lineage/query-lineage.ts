import type { Origin } from './origins.ts';
import { resolveQuery } from './queries.ts';
import { type Context, EMPTY_SCOPE } from './scope.ts';
import type { QuerySyntax } from './syntax.ts';

/** One output column of a query and the input columns behind it. */
export interface ColumnOrigins {
  readonly name: string;
  /** Direct ones first. */
  readonly origins: readonly Origin[];
}

/** Where the columns of a query come from. */
export interface QueryLineage {
  readonly columns: readonly ColumnOrigins[];
  /** Input columns that decide which rows there are or in which order: they influence every output column. */
  readonly rows: readonly Origin[];
  /** What could not be resolved; when there is any, origins may be missing. */
  readonly unresolved: readonly string[];
}

/**
 * Resolves the origin of every output column of one parsed SELECT. Pure: names are resolved against `columnsOf`, nothing is run.
 * @param names the output columns as the engine names them, when they are known; they also tell made-up names.
 */
export function queryLineage(
  syntax: QuerySyntax,
  columnsOf: (table: string) => readonly string[] | undefined,
  names?: readonly string[],
): QueryLineage {
  const unresolved = new Set<string>();
  const context: Context = {
    aggregates: syntax.aggregates,
    columnsOf,
    unresolved: (what) => unresolved.add(what),
    query: (node, scope) => resolveQuery(node, scope, context),
  };
  const resolved = resolveQuery(syntax.tree, EMPTY_SCOPE, context);
  const matched = resolved.columns.length === (names?.length ?? resolved.columns.length);
  if (!matched && names !== undefined) {
    // More were taken than there are (`columns(…)` with a condition): the names decide.
    const byName = names.map((name) => resolved.columns.find((one) => one.name?.toLowerCase() === name.toLowerCase()));
    if (byName.every((one) => one !== undefined)) unresolved.delete('which columns columns(…) stands for');
    else unresolved.add(`which of ${resolved.columns.length} origins belong to ${names.length} columns`);
    return {
      columns: names.map((name, index) => ({ name, origins: [...(byName[index]?.origins ?? [])] })),
      rows: [...resolved.rows],
      unresolved: [...unresolved],
    };
  }
  const columns = resolved.columns.map((column, index) => ({
    name: names?.[index] ?? column.name ?? `column ${index + 1}`,
    origins: [...column.origins],
  }));
  return { columns, rows: [...resolved.rows], unresolved: [...unresolved] };
}
