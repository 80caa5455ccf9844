import { type FileGroup, isPartition, partitionValue } from '../../core/model/file-groups.ts';
import { sampledSql } from '../../core/planning/parity-sample.ts';
import type { InputRelation } from '../../core/ports/engine.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';

/** `silver.achats` → `"silver"."achats"`. */
export function qualifiedName(name: string): string {
  return name.split('.').map(quoteIdent).join('.');
}

/**
 * The query behind a bound relation: columns cast to their declared types, those that older files lack NULL, partition values (which the
 * files do not hold) as typed constants.
 * @param present per group the lower-case names of the columns that its files have; absent = every declared one is in some file.
 */
export function relationSql(
  relation: InputRelation,
  groups: readonly FileGroup[],
  present?: readonly ReadonlySet<string>[],
): string {
  if (groups.length === 0) return emptySql(relation);
  return groups.map((group, index) => groupSql(relation, group, present?.[index])).join('\nunion all\n');
}

/** `read_parquet` over the files of a group, with what it needs for rows that carry their position. */
export function readGroup(group: FileGroup, with_position: boolean, alike = false): string {
  const uris = group.files.map((one) => quoteText(one.file.uri)).join(', ');
  const options = ['hive_partitioning=false'];
  // Otherwise the first file's columns are expected in all of them. It costs a look at each file whenever the view is bound.
  if (group.files.length > 1 && !alike) options.push('union_by_name=true');
  if (with_position) options.push('file_row_number=true');
  return `read_parquet([${uris}], ${options.join(', ')})`;
}

function groupSql(relation: InputRelation, group: FileGroup, present: ReadonlySet<string> | undefined): string {
  const partition_by = relation.partition_by ?? [];
  const items = relation.columns.map((column) => {
    const name = quoteIdent(column.name);
    // A cast to the type that the file has already is dropped by the binder and costs nothing.
    if (!isPartition(column, partition_by)) {
      const missing = present !== undefined && !present.has(column.name.toLowerCase());
      return `cast(${missing ? 'null' : name} as ${column.type}) as ${name}`;
    }
    const value = partitionValue(group.values, column.name);
    return `cast(${value === null ? 'null' : quoteText(value)} as ${column.type}) as ${name}`;
  });
  if (relation.with_position === true) items.push(`${partSql(group)} as _part`, 'file_row_number as _pos');
  const { sample } = relation;
  const numbered = relation.with_position === true || sample !== undefined;
  const taken = sample === undefined ? '' : ` where ${sampledSql('file_row_number', partSql(group), sample)}`;
  return `select ${items.join(', ')} from ${readGroup(group, numbered, areAlike(relation, group))}${taken}`;
}

/**
 * Every file has every column, as its statistics tell. The types are the same, too: in a Delta table without the feature of widened types, which is
 * refused, each file has those of the schema.
 */
function areAlike({ columns, partition_by = [] }: InputRelation, { files }: FileGroup): boolean {
  const names = columns.filter((column) => !isPartition(column, partition_by)).map((column) => column.name);
  return files.every(
    ({ file: { stats } }) => stats !== undefined && names.every((name) => Object.hasOwn(stats.null_count, name)),
  );
}

/** The file's place in the relation. `file_index` is its place in the list that is read (searching its name costs 20 times as much). */
function partSql(group: FileGroup): string {
  const [first] = group.files;
  if (first !== undefined && group.files.length === 1) return `cast(${first.part} as integer)`;
  if (group.files.every((one, index) => one.part === index)) return 'cast(file_index as integer)';
  return `cast(list_extract([${group.files.map((one) => one.part).join(', ')}], cast(file_index as bigint) + 1) as integer)`;
}

function emptySql(relation: InputRelation): string {
  const items = relation.columns.map((column) => `cast(null as ${column.type}) as ${quoteIdent(column.name)}`);
  if (relation.with_position === true) items.push('cast(null as integer) as _part', 'cast(null as bigint) as _pos');
  return `select ${items.length === 0 ? '1 as _none' : items.join(', ')} where false`;
}
