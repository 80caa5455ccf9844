import type { Outline, SinkTable } from '../../core/ports/sink.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import type { SinkSession } from './sink-session.ts';
import { holdsValues, pgType } from './sink-types.ts';

/** A table as the database has it. */
export interface TableFacts {
  readonly columns: readonly {
    readonly name: string;
    readonly type: string;
    /** Neither NULL nor left out: it has no default. */
    readonly required: boolean;
  }[];
  readonly primary_key: readonly string[];
  readonly primary_key_name: string | null;
  /** Columns of each plain index. */
  readonly indexes: readonly (readonly string[])[];
  readonly comment: string | null;
}

const FACTS = `
select c.relkind::text as kind, obj_description(c.oid, 'pg_class') as comment,
  (select coalesce(json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
     'required', a.attnotnull and not a.atthasdef and a.attidentity = '' and a.attgenerated = '') order by a.attnum), '[]')
   from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)::text as columns,
  (select k.conname from pg_catalog.pg_constraint k where k.conrelid = c.oid and k.contype = 'p') as primary_key_name,
  (select coalesce(json_agg(json_build_object('primary', x.indisprimary, 'columns',
     (select json_agg(a.attname order by n.place) from unnest(x.indkey::int2[]) with ordinality as n (number, place)
      join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = n.number))), '[]')
   from pg_catalog.pg_index x where x.indrelid = c.oid and x.indexprs is null and x.indpred is null)::text as indexes
from pg_catalog.pg_class c where c.oid = to_regclass($1)`;

interface IndexFacts {
  readonly primary: boolean;
  readonly columns: readonly string[];
}

/** Undefined when there is no such table. */
export async function tableFacts(session: SinkSession, qualified: string): Promise<TableFacts | undefined> {
  const [row] = await session.rows(FACTS, [qualified]);
  if (row === undefined) return undefined;
  const indexes = JSON.parse(row['indexes'] ?? '[]') as readonly IndexFacts[];
  return {
    columns: JSON.parse(row['columns'] ?? '[]') as TableFacts['columns'],
    primary_key: indexes.find(({ primary }) => primary)?.columns ?? [],
    primary_key_name: row['primary_key_name'] ?? null,
    indexes: indexes.filter(({ primary }) => !primary).map(({ columns }) => columns),
    comment: row['comment'] ?? null,
  };
}

/** What has to be done to a table, apart by when: keys and indexes of a new table are made when its rows are there, which is quicker. */
export interface TableWork extends Outline {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** @param remake the table is dropped and made anew */
export function tableWork(
  qualified: string,
  table: SinkTable,
  facts: TableFacts | undefined,
  remake: boolean,
): TableWork {
  const made = facts === undefined || remake;
  const drop = facts !== undefined && remake ? [`drop table ${qualified}`] : [];
  const fit = made ? { statements: [creation(qualified, table)], remarks: [] } : fitting(qualified, table, facts);
  const before = [...drop, ...fit.statements];
  const after = [
    ...keyStatements(qualified, table, made ? undefined : facts),
    ...table.indexes
      .filter((columns) => made || !facts.indexes.some((known) => known.join('\0') === columns.join('\0')))
      .map((columns) => `create index on ${qualified} (${columns.map(quoteIdent).join(', ')})`),
    ...commentStatements(qualified, table, made ? null : facts.comment),
  ];
  const refused = 'refused' in fit ? fit.refused : undefined;
  return {
    before,
    after,
    statements: [...before, ...after],
    remarks: fit.remarks,
    ...(refused === undefined ? {} : { refused }),
  };
}

function creation(qualified: string, { columns }: SinkTable): string {
  return `create table ${qualified} (${columns.map((column) => `${quoteIdent(column.name)} ${pgType(column)}`).join(', ')})`;
}

/** What makes the columns that are there take the rows: new ones, and wider ones. Nothing is dropped. */
function fitting(qualified: string, table: SinkTable, { columns }: TableFacts): Outline {
  const statements: string[] = [];
  const remarks: string[] = [];
  const refused: string[] = [];
  for (const column of table.columns) {
    const wanted = pgType(column);
    const there = columns.find(({ name }) => name === column.name);
    if (there === undefined)
      statements.push(`alter table ${qualified} add column ${quoteIdent(column.name)} ${wanted}`);
    else if (holdsValues(there.type, wanted)) continue;
    else if (holdsValues(wanted, there.type))
      statements.push(`alter table ${qualified} alter column ${quoteIdent(column.name)} type ${wanted}`);
    else refused.push(`column ${column.name} is ${there.type} there, and would have to be ${wanted}`);
  }
  const known = new Set(table.columns.map(({ name }) => name));
  for (const { name, required } of columns) {
    if (known.has(name)) continue;
    if (required) refused.push(`column ${name}, which the lake does not have, must not be NULL there`);
    else remarks.push(`column ${name} is not in the lake: it stays, and new rows have none of it`);
  }
  return { statements, remarks, ...(refused.length === 0 ? {} : { refused: refused.join(', ') }) };
}

function keyStatements(qualified: string, { key }: SinkTable, facts: TableFacts | undefined): readonly string[] {
  const same = facts !== undefined && facts.primary_key.join('\0') === key.join('\0');
  if (same || (facts === undefined && key.length === 0)) return [];
  const drop =
    facts?.primary_key_name == null
      ? []
      : [`alter table ${qualified} drop constraint ${quoteIdent(facts.primary_key_name)}`];
  return key.length === 0
    ? drop
    : [...drop, `alter table ${qualified} add primary key (${key.map(quoteIdent).join(', ')})`];
}

function commentStatements(qualified: string, { comment }: SinkTable, known: string | null): readonly string[] {
  return comment === undefined || comment === known ? [] : [`comment on table ${qualified} is ${quoteText(comment)}`];
}
