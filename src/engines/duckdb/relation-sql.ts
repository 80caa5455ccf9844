import type { Column } from '../../core/model/table.ts';
import type { InputFile, InputRelation } from '../../core/ports/engine.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';

/** `silver.achats` → `"silver"."achats"`. */
export function qualifiedName(name: string): string {
  return name.split('.').map(quoteIdent).join('.');
}

/**
 * The query behind a bound relation. Files of one partition are read together; columns that older files lack are NULL; partition values,
 * which the files do not hold, become typed constants.
 */
export function relationSql(relation: InputRelation): string {
  const partition_by = relation.partition_by ?? [];
  if (relation.files.length === 0) return emptySql(relation);
  const groups = groupByPartition(relation.files, partition_by);
  return groups.map((group) => groupSql(relation, partition_by, group)).join('\nunion all\n');
}

interface Group {
  readonly values: Readonly<Record<string, string | null>>;
  readonly files: { readonly file: InputFile; readonly part: number }[];
}

function groupByPartition(files: readonly InputFile[], partition_by: readonly string[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const [part, file] of files.entries()) {
    const key = JSON.stringify(partition_by.map((column) => file.partition_values[column] ?? null));
    const group = groups.get(key) ?? { values: file.partition_values, files: [] };
    group.files.push({ file, part });
    groups.set(key, group);
  }
  return [...groups.values()];
}

function groupSql(relation: InputRelation, partition_by: readonly string[], group: Group): string {
  const items = relation.columns.map((column) => {
    const name = quoteIdent(column.name);
    if (!isPartition(column, partition_by)) return name;
    const value = partitionValue(group.values, column.name);
    return `cast(${value === null ? 'null' : quoteText(value)} as ${column.type}) as ${name}`;
  });
  const uris = group.files.map((one) => quoteText(one.file.uri)).join(', ');
  const options = ['hive_partitioning=false'];
  if (group.files.length > 1) options.push('union_by_name=true');
  if (relation.with_position === true) {
    options.push('file_row_number=true');
    if (group.files.length > 1) options.push('filename=true');
    items.push(`${partSql(group)} as _part`, 'file_row_number as _pos');
  }
  return `select ${items.join(', ')} from read_parquet([${uris}], ${options.join(', ')})`;
}

/** The file's place in the list. With many files a map is looked up per row group, which is cheap next to reading it. */
function partSql(group: Group): string {
  const [only] = group.files;
  if (group.files.length === 1 && only !== undefined) return `cast(${only.part} as integer)`;
  const keys = group.files.map((one) => quoteText(one.file.uri)).join(', ');
  const parts = group.files.map((one) => one.part).join(', ');
  return `cast(list_extract([${parts}], list_position([${keys}], filename)) as integer)`;
}

function emptySql(relation: InputRelation): string {
  const items = relation.columns.map((column) => `cast(null as ${column.type}) as ${quoteIdent(column.name)}`);
  if (relation.with_position === true) items.push('cast(null as integer) as _part', 'cast(null as bigint) as _pos');
  return `select ${items.length === 0 ? '1 as _none' : items.join(', ')} where false`;
}

function isPartition(column: Column, partition_by: readonly string[]): boolean {
  return partition_by.some((name) => name.toLowerCase() === column.name.toLowerCase());
}

function partitionValue(values: Readonly<Record<string, string | null>>, column: string): string | null {
  const key = Object.keys(values).find((name) => name.toLowerCase() === column.toLowerCase());
  return key === undefined ? null : (values[key] ?? null);
}
