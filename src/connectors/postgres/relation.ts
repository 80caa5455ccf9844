import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { type PostgresOptions, tableParts } from './options.ts';
import type { Session } from './session.ts';
import { type ReadColumn, readColumn } from './types.ts';

/** A column with what SQL calls its type. */
export interface RelationColumn extends ReadColumn {
  /** For casts: `timestamp with time zone`; `bpchar`, because a value cast to `character` is cut to its first character. */
  readonly sql_type: string;
  /** `typcategory`: D times, N numbers, … */
  readonly category: string;
}

/** What is known of a table (not of a view or a query). */
export interface Table {
  readonly oid: string;
  /** Rows have a place and a transaction of their own: neither partitioned nor foreign nor inherited from. */
  readonly plain: boolean;
  readonly blocks: number;
  readonly primary_key: readonly string[];
}

/** The table or query that is read. */
export interface Relation {
  /** For people. */
  readonly name: string;
  /** What stands behind FROM; its alias is `t`. */
  readonly from: string;
  readonly columns: readonly RelationColumn[];
  readonly table?: Table;
}

/** What the options name, as the database has it now. @throws DataflowError E_SOURCE_QUERY, E_SOURCE_DENIED */
export async function describeRelation(
  session: Session,
  options: Pick<PostgresOptions, 'table' | 'query'>,
): Promise<Relation> {
  const { table, query } = options;
  const parts = table === undefined ? undefined : tableParts(table);
  const quoted = parts?.map(quoteIdent).join('.');
  const name = table ?? 'the query';
  const from = quoted === undefined ? `(\n${query ?? ''}\n) as t` : `${quoted} as t`;
  const columns = await columnsOf(session, name, from);
  const known = quoted === undefined ? undefined : await tableOf(session, quoted);
  return { name, from, columns, ...(known === undefined ? {} : { table: known }) };
}

/** Types by result column; what a domain is made of, and of an array its element, is looked up. */
const TYPES = `
with recursive asked as (
  select * from unnest($1::oid[], $2::int4[]) with ordinality as u (type, modifier, place)
), base as (
  select place, type, modifier from asked
  union all
  select b.place, d.typbasetype, case when b.modifier >= 0 then b.modifier else d.typtypmod end
  from base b join pg_catalog.pg_type d on d.oid = b.type where d.typtype = 'd'
)
select b.modifier, t.typname as name, t.typtype as kind, t.typcategory as category,
  (t.typcategory = 'A' and t.typelem <> 0)::text as is_array, pg_catalog.format_type(t.oid, -1) as sql_type
from base b join pg_catalog.pg_type t on t.oid = b.type where t.typtype <> 'd' order by b.place`;

async function columnsOf(session: Session, name: string, from: string): Promise<readonly RelationColumn[]> {
  const fields = await session.fields(`select * from ${from} limit 0`);
  if (fields.length === 0) throw new DataflowError('E_SOURCE_QUERY', `${name} has no columns`);
  const seen = new Set<string>();
  for (const field of fields) {
    if (seen.has(field.name.toLowerCase()))
      throw new DataflowError('E_SOURCE_QUERY', `${name} has two columns called ${field.name}`, {
        hint: 'Read it by `query:` and give them names that differ in more than letter case.',
      });
    seen.add(field.name.toLowerCase());
  }
  const types = await session.rows(TYPES, [fields.map((field) => field.oid), fields.map((field) => field.modifier)]);
  return fields.map((field, index): RelationColumn => {
    const type = types[index];
    const array = type?.['is_array'] === 'true';
    const own = {
      name: type?.['name'] ?? 'text',
      kind: type?.['kind'] ?? 'b',
      array,
      modifier: Number(type?.['modifier'] ?? -1),
    };
    const sql_type = type?.['sql_type'] ?? 'text';
    return { ...readColumn(field.name, own, name), sql_type, category: type?.['category'] ?? '' };
  });
}

/** Undefined for a view: it has neither rows of its own nor a key. */
async function tableOf(session: Session, quoted: string): Promise<Table | undefined> {
  const [table] = await session.rows(
    `select c.oid::text as oid, c.relkind as kind, (pg_relation_size(c.oid) / current_setting('block_size')::int)::text as blocks,
       exists (select from pg_catalog.pg_inherits i where i.inhparent = c.oid)::text as inherited,
       coalesce((select json_agg(a.attname order by k.place) from pg_catalog.pg_index x
         cross join lateral unnest(x.indkey) with ordinality as k (number, place)
         join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.number
         where x.indrelid = c.oid and x.indisprimary), '[]')::text as primary_key
     from pg_catalog.pg_class c where c.oid = ${quoteText(quoted)}::regclass`,
  );
  if (table === undefined) return undefined;
  const primary_key = JSON.parse(table['primary_key'] ?? '[]') as readonly string[];
  const plain = table['kind'] === 'r' && table['inherited'] === 'false';
  if (!plain && primary_key.length === 0) return undefined;
  return { oid: table['oid'] ?? '', plain, blocks: plain ? Number(table['blocks']) : 0, primary_key };
}

/** `COPY … TO STDOUT` of a SELECT in the fixed dialect of our units. `quoted`: a column of which every value is quoted. */
export function copyOut(select: string, quoted?: string): string {
  const lone = quoted === undefined ? '' : `, null '\\N', force_quote (${quoteIdent(quoted)})`;
  return `copy (${select}) to stdout (format csv, encoding 'utf8'${lone})`;
}
