import type { InputFile, InputRelation } from '../ports/engine.ts';
import type { Column } from './table.ts';

/** Files of one partition, which are read together. */
export interface FileGroup {
  readonly values: Readonly<Record<string, string | null>>;
  readonly files: readonly { readonly file: InputFile; readonly part: number }[];
}

/**
 * Groups by partition tuple. One reading a tuple (UNION ALL) lets a filter on a partition column drop whole groups: with DuckDB 1,000 tuples over
 * 10,000 files bind in 0.5 s, and `where p = 3` then opens 10 files.
 */
export function fileGroups(relation: InputRelation): readonly FileGroup[] {
  const partition_by = relation.partition_by ?? [];
  const groups = new Map<string, { values: FileGroup['values']; files: { file: InputFile; part: number }[] }>();
  for (const [part, file] of relation.files.entries()) {
    const key = JSON.stringify(partition_by.map((column) => partitionValue(file.partition_values, column)));
    const group = groups.get(key) ?? { values: file.partition_values, files: [] };
    group.files.push({ file, part });
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** Whether the files lack the column, since its values are those of their partition. */
export function isPartition(column: Column, partition_by: readonly string[]): boolean {
  return partition_by.some((name) => name.toLowerCase() === column.name.toLowerCase());
}

/** Delta's text of a partition's value. */
export function partitionValue(values: Readonly<Record<string, string | null>>, column: string): string | null {
  if (Object.hasOwn(values, column)) return values[column] ?? null;
  const key = Object.keys(values).find((name) => name.toLowerCase() === column.toLowerCase());
  return key === undefined ? null : (values[key] ?? null);
}
