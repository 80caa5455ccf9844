import { type FileGroup, fileGroups, isPartition, partitionValue } from '../../../core/model/file-groups.ts';
import type { Column } from '../../../core/model/table.ts';
import { sampledSql } from '../../../core/planning/parity-sample.ts';
import type { InputRelation } from '../../../core/ports/engine.ts';
import { parquetRelation, unionRelation } from '../plans.ts';
import { Refused } from '../sql/refusal.ts';
import { sparkType, typeOf } from '../sql/types.ts';
import { quoteName, quoteText } from '../sql/words.ts';
import { TOLD_ADDRESS, toldAddress } from './addresses.ts';

/** Partitions that become a reading each, so that a filter leaves out those that it does not want; of more, each row looks its own up. */
export const GROUPS_MAX = 256;

/** Column with the address of a row's file. */
const FILE = '~file';

/** How a relation of data files comes to be in Spark: the rows of files, and, where that is not all, a query around them. */
export interface BoundRelation {
  /** Undefined where there are no files. */
  readonly rows: Uint8Array | undefined;
  /** The query over the view of `rows`, whose name it is given. */
  readonly around?: (rows_view: string) => string;
}

/** The columns that Spark can hold; a query that names another is refused where it is translated. */
export function sparkColumns(columns: readonly Column[]): readonly (Column & { readonly spark: string })[] {
  return columns.flatMap((column) => {
    try {
      return [{ ...column, spark: sparkType(typeOf(column.type)) }];
    } catch (error) {
      if (error instanceof Refused) return [];
      throw error;
    }
  });
}

/** The schema as Spark's reader takes it. Columns that a file lacks are NULL then, and no file is opened to learn them. */
export function schemaText(columns: readonly Column[]): string {
  const list = sparkColumns(columns).map(({ name, spark }) => `${quoteName(name)} ${spark}`);
  return list.length === 0 ? '`_` BOOLEAN' : list.join(', ');
}

/** Exactly the named files, never a listing. @param addressOf Spark's address of a URI of the lake. */
export function boundRelation(relation: InputRelation, addressOf: (uri: string) => string): BoundRelation {
  const { sample, ...whole } = relation;
  if (sample === undefined || relation.files.length === 0) return wholeRelation(whole, addressOf);
  const { rows, around } = wholeRelation({ ...whole, with_position: true }, addressOf);
  const names = sparkColumns(relation.columns).map(({ name }) => quoteName(name));
  const items = relation.with_position === true ? [...names, '_part', '_pos'] : names;
  const taken = `WHERE ${sampledSql('_pos', '_part', sample)}`;
  return {
    rows,
    around: (view) => `SELECT ${items.join(', ')}\nFROM (${around?.(view) ?? `SELECT * FROM ${view}`}) AS s\n${taken}`,
  };
}

function wholeRelation(relation: InputRelation, addressOf: (uri: string) => string): BoundRelation {
  const groups = fileGroups(relation);
  if (groups.length === 0) return { rows: undefined, around: () => emptyQuery(relation) };
  const looked_up = groups.length > GROUPS_MAX;
  const placed = relation.with_position === true && relation.files.length > 1;
  const parts = looked_up ? [{ values: {}, files: groups.flatMap((one) => one.files) }] : groups;
  const items = (group: FileGroup): readonly string[] => itemsOf(relation, group, { looked_up, placed });
  const schema = schemaText(relation.columns.filter((one) => !isPartition(one, relation.partition_by ?? [])));
  const read = parts.map((group) => {
    const paths = group.files.map(({ file }) => addressOf(file.uri));
    return parquetRelation(paths, schema, items(group));
  });
  const rows = united(read);
  if (!looked_up && !placed) return { rows };
  return { rows, around: (view) => placedQuery(relation, { view, looked_up, addressOf }) };
}

interface Way {
  /** Partition values come from the list of files. */
  readonly looked_up: boolean;
  /** `_part` comes from the list of files. */
  readonly placed: boolean;
}

function itemsOf(relation: InputRelation, group: FileGroup, { looked_up, placed }: Way): readonly string[] {
  const partition_by = relation.partition_by ?? [];
  const items = sparkColumns(relation.columns).flatMap((column) => {
    const name = quoteName(column.name);
    if (!isPartition(column, partition_by)) return [`CAST(${name} AS ${column.spark}) AS ${name}`];
    if (looked_up) return [];
    return [`CAST(${literal(partitionValue(group.values, column.name))} AS ${column.spark}) AS ${name}`];
  });
  if (looked_up || placed) items.push(`${TOLD_ADDRESS} AS ${quoteName(FILE)}`);
  if (relation.with_position !== true) return items;
  if (!placed) items.push(`CAST(${group.files[0]?.part ?? 0} AS INT) AS _part`);
  return [...items, 'CAST(_metadata.row_index AS BIGINT) AS _pos'];
}

/** The rows beside what the list of files says of theirs. A row of a file that is not in it is an error, never lost. */
function placedQuery(
  { columns, files, partition_by = [], with_position }: InputRelation,
  about: { readonly view: string; readonly looked_up: boolean; readonly addressOf: (uri: string) => string },
): string {
  const kept = about.looked_up ? partition_by : [];
  const list = files.map((file, part) => {
    const values = kept.map((name) => literal(partitionValue(file.partition_values, name)));
    return `(${[quoteText(toldAddress(about.addressOf(file.uri))), part, ...values].join(', ')})`;
  });
  const names = ['f', 'part', ...kept.map((_, at) => `p${at}`)].join(', ');
  const items = sparkColumns(columns).map((column) => {
    const name = quoteName(column.name);
    const at = kept.findIndex((one) => one.toLowerCase() === column.name.toLowerCase());
    return at < 0 ? `r.${name}` : `CAST(m.p${at} AS ${column.spark}) AS ${name}`;
  });
  const stray = `RAISE_ERROR(CONCAT('not one of the files that were named: ', r.${quoteName(FILE)}))`;
  const part = `CASE WHEN m.part IS NULL THEN CAST(${stray} AS INT) ELSE m.part END AS _part`;
  if (with_position === true) items.push(part, 'r._pos');
  const known =
    with_position === true ? '' : `\nWHERE CASE WHEN m.part IS NULL THEN CAST(${stray} AS BOOLEAN) ELSE TRUE END`;
  return `SELECT ${items.join(', ')}\nFROM ${about.view} AS r\nLEFT JOIN (VALUES\n${list.join(',\n')}\nAS m0(${names})) AS m ON m.f = r.${quoteName(FILE)}${known}`;
}

function emptyQuery({ columns, with_position }: InputRelation): string {
  const items = sparkColumns(columns).map(({ name, spark }) => `CAST(NULL AS ${spark}) AS ${quoteName(name)}`);
  if (with_position === true) items.push('CAST(NULL AS INT) AS _part', 'CAST(NULL AS BIGINT) AS _pos');
  return `SELECT ${items.length === 0 ? '1 AS _none' : items.join(', ')} WHERE FALSE`;
}

function literal(value: string | null): string {
  return value === null ? 'CAST(NULL AS STRING)' : quoteText(value);
}

/** As a tree, so that many of them do not stand deep within each other. */
export function united(relations: readonly Uint8Array[]): Uint8Array {
  const [first, ...more] = relations;
  if (first === undefined || more.length === 0) return first ?? new Uint8Array();
  const middle = Math.ceil(relations.length / 2);
  return unionRelation(united(relations.slice(0, middle)), united(relations.slice(middle)));
}
