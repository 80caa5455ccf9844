import type { ColumnOrigin, LineageShape } from '../../core/contract/pipeline-table.ts';
import { columnEdges, type TableLineage } from '../../core/lineage/project-lineage.ts';
import type { Scope } from './scope.ts';

/** Where the columns of a table come from and what is made of them, by the definitions of today. */
export function lineageShape(tables: readonly TableLineage[], key: string, scope: Scope): LineageShape {
  const own = tables.find(({ table }) => table === key);
  const may = ({ table }: { readonly table: string }): boolean => scope.may(table.replace(/^source\./, 'bronze.'));
  const used = new Map<string, ColumnOrigin[]>();
  for (const { from, to, way } of columnEdges(tables.filter(({ table }) => layered(table)))) {
    if (from.table !== key || !may(to)) continue;
    const list = used.get(from.column.toLowerCase()) ?? [];
    list.push({ ...to, way });
    used.set(from.column.toLowerCase(), list);
  }
  const origin = ({ table, column, way }: ColumnOrigin): ColumnOrigin => ({ table, column, way });
  return {
    table: key,
    columns: (own?.columns ?? []).map(({ name, origins }) => ({
      name,
      origins: origins.filter(may).map(origin),
      used_by: (used.get(name.toLowerCase()) ?? []).filter(({ way }) => DIRECT.has(way)),
    })),
    rows: (own?.rows ?? []).filter(may).map(origin),
    incomplete: own === undefined || own.unresolved.length > 0,
  };
}

/** Influences lead to each column of a table: here they would hide what the values go into. */
const DIRECT: ReadonlySet<string> = new Set(['identity', 'transformation', 'aggregation']);

/** A table of the lake, not a destination. */
function layered(table: string): boolean {
  return /^(bronze|silver|gold)\./.test(table);
}
