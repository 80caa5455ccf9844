import type { HeldTable } from '../../core/model/load.ts';
import type { SinkTable, Standing } from '../../core/ports/sink.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import type { TextRow } from './session.ts';
import type { SinkSession } from './sink-session.ts';

/** Where a load writes down what it holds, beside its tables. */
export const STATE_TABLE = '_dataflow_loads';

/** Tables up to so many bytes together are looked at row by row each time. */
const QUICK_BYTES = 32_000_000;

/**
 * What tells whether anybody else wrote to a table: who it is (its oid), and how many rows each transaction left. Every row carries the transaction that wrote
 * it, so one pass over the table shows every insert, update and delete of others.
 */
export interface Marks {
  readonly oid: string;
  readonly rows: number;
  readonly digest: string;
}

/** The rows of the state table, as text: what a load compares with to see that nobody loaded meanwhile. */
export interface State {
  readonly text: string;
  readonly tables: ReadonlyMap<string, { readonly held: HeldTable; readonly marks: Marks }>;
  readonly views: ReadonlyMap<string, string>;
}

export function creationOfState(schema: string): string {
  const columns = [
    'load text',
    'source_table text',
    'table_name text not null',
    'release_id text not null',
    'version bigint not null',
    'row_count bigint not null',
    'source_hash text not null',
    'gold_processed_at timestamptz',
    'last_sync timestamptz not null',
    'refresh_time_seconds numeric(14,3)',
    'status text not null',
    'held jsonb not null',
    'marks jsonb not null',
    'primary key (load, source_table)',
  ];
  return `create table ${quoteIdent(schema)}.${STATE_TABLE} (${columns.join(', ')})`;
}

/** Views are kept beside tables, under names that no table has. */
const VIEW_PREFIX = 'view:';

const NO_STATE: State = { text: '[]', tables: new Map(), views: new Map() };

/** What the destination says that it holds. */
export async function readState(session: Pick<SinkSession, 'rows'>, schema: string, load: string): Promise<State> {
  const table = `${quoteIdent(schema)}.${STATE_TABLE}`;
  const [there] = await session.rows('select to_regclass($1)::oid::text as oid', [table]);
  if ((there?.['oid'] ?? null) === null) return NO_STATE;
  const rows = await session.rows(
    `select source_table, held::text as held, marks::text as marks from ${table} where load = $1 order by source_table`,
    [load],
  );
  const isView = (row: TextRow): boolean => row['source_table']?.startsWith(VIEW_PREFIX) === true;
  return {
    text: JSON.stringify(rows),
    tables: new Map(
      rows
        .filter((row) => !isView(row))
        .map((row) => [
          row['source_table'] ?? '',
          { held: JSON.parse(row['held'] ?? '{}') as HeldTable, marks: JSON.parse(row['marks'] ?? '{}') as Marks },
        ]),
    ),
    views: new Map(
      rows
        .filter(isView)
        .map((row) => [
          (row['source_table'] ?? '').slice(VIEW_PREFIX.length),
          (JSON.parse(row['held'] ?? '{}') as { readonly sql?: string }).sql ?? '',
        ]),
    ),
  };
}

/** The statement that writes down what is held of a table. */
export function recording(schema: string, load: string, held: HeldTable, marks: Marks): string {
  const refresh_s = (Date.parse(held.loaded_at) - Date.parse(held.gold_processed_at)) / 1000;
  return upsertState(schema, load, [
    quoteText(held.table),
    quoteText(held.name),
    quoteText(held.release_id),
    String(held.version),
    String(held.rows),
    quoteText(held.source_hash),
    quoteText(held.gold_processed_at),
    quoteText(held.loaded_at),
    Math.max(0, refresh_s).toFixed(3),
    quoteText(JSON.stringify(held)),
    quoteText(JSON.stringify(marks)),
  ]);
}

export function recordingView(schema: string, load: string, name: string, sql: string, release_id: string): string {
  const held = quoteText(JSON.stringify({ sql }));
  return upsertState(schema, load, [
    ...[quoteText(VIEW_PREFIX + name), quoteText(name), quoteText(release_id), '0', '0', "''", 'null', 'now()', 'null'],
    held,
    "'{}'",
  ]);
}

function upsertState(schema: string, load: string, values: readonly string[]): string {
  const names =
    'source_table, table_name, release_id, version, row_count, source_hash, gold_processed_at, last_sync, refresh_time_seconds, held, marks';
  const set = names.split(', ').slice(1);
  return `insert into ${quoteIdent(schema)}.${STATE_TABLE} (load, status, ${names}) values (${quoteText(load)}, 'success', ${values.join(', ')})
    on conflict (load, source_table) do update set status = 'success', ${set.map((name) => `${name} = excluded.${name}`).join(', ')}`;
}

/** The marks of a table as it is at this moment, in this transaction. */
export async function marksOf(session: SinkSession, qualified: string): Promise<Marks> {
  const [row] = await session.rows(
    `select to_regclass($1)::oid::text as oid, rows, digest from (${countingSql(qualified)}) t`,
    [qualified],
  );
  return { oid: row?.['oid'] ?? '', rows: Number(row?.['rows'] ?? 0), digest: row?.['digest'] ?? '' };
}

function countingSql(qualified: string): string {
  return `select coalesce(sum(n), 0)::bigint as rows, coalesce(md5(string_agg(writer::text || ':' || n, ',' order by writer::text)), '') as digest
    from (select xmin as writer, count(*) as n from ${qualified} group by xmin) w`;
}

const LOOK = `
select w.name, c.oid::text as oid, c.relkind::text as kind, pg_table_size(c.oid)::text as size_bytes
from unnest($1::text[]) with ordinality as w (name, place)
left join pg_catalog.pg_class c on c.oid = to_regclass(format('%I.%I', $2::text, w.name)) order by w.place`;

/** What a look at the schema found. */
export interface Looked {
  readonly standing: ReadonlyMap<string, Standing>;
  /** Of each table that was looked at row by row, its digest; null: there was none. Whoever writes to it afterwards changes that. */
  readonly digests: ReadonlyMap<string, string | null>;
}

/** What stands in the schema, against what the destination says of itself. @param counts of large tables, which are to be looked at row by row */
export async function standingOf(
  session: SinkSession,
  schema: string,
  state: State,
  tables: readonly Pick<SinkTable, 'table' | 'name'>[],
  counts: (table: string) => boolean,
): Promise<Looked> {
  const found = await session.rows(LOOK, [tables.map(({ name }) => name), schema]);
  const sizes = found.reduce((sum, row) => sum + Number(row['size_bytes'] ?? 0), 0);
  const there = tables.filter((_, i) => (found[i]?.['oid'] ?? null) !== null && isTable(found[i]));
  const looked = there.filter(({ table }) => sizes <= QUICK_BYTES || counts(table));
  const counted = new Map<string, TextRow>();
  if (looked.length > 0) {
    const parts = looked.map(
      ({ name }) =>
        `select ${quoteText(name)} as name, t.* from (${countingSql(`${quoteIdent(schema)}.${quoteIdent(name)}`)}) t`,
    );
    for (const row of await session.rows(parts.join(' union all '))) counted.set(row['name'] ?? '', row);
  }
  const standing = new Map<string, Standing>();
  const digests = new Map<string, string | null>();
  for (const [i, { table, name }] of tables.entries()) {
    const known = state.tables.get(table);
    // Under another name it is another table.
    const same = known?.held.name === name ? known : undefined;
    standing.set(table, tableStanding(same, found[i], counted.get(name)));
    const digest = (found[i]?.['oid'] ?? null) === null ? null : counted.get(name)?.['digest'];
    if (digest !== undefined) digests.set(name, digest);
  }
  return { standing, digests };
}

function isTable(row: TextRow | undefined): boolean {
  return row?.['kind'] === 'r' || row?.['kind'] === 'p';
}

function tableStanding(
  known: { readonly held: HeldTable; readonly marks: Marks } | undefined,
  row: TextRow | undefined,
  counted: TextRow | undefined,
): Standing {
  const held = known === undefined ? {} : { held: known.held };
  if ((row?.['oid'] ?? null) === null) return { state: 'absent', ...held };
  if (!isTable(row)) return { state: 'foreign', words: 'it is no table', ...held };
  const rows = counted === undefined ? {} : { rows: Number(counted['rows'] ?? 0) };
  if (known === undefined) return { state: rows.rows === 0 ? 'empty' : 'foreign', ...rows };
  if (known.marks.oid !== row?.['oid'])
    return { state: 'changed', words: 'it was dropped and made anew', ...rows, ...held };
  if (counted === undefined || counted['digest'] === known.marks.digest) return { state: 'as_left', ...rows, ...held };
  return { state: 'changed', words: changeWords(known.marks.rows, rows.rows ?? 0), ...rows, ...held };
}

/** What became of a table that others wrote to, for people. */
export function changeWords(before: number, now: number): string {
  const words = (n: number): string => `${n.toLocaleString('en')} ${n === 1 ? 'row' : 'rows'}`;
  if (now === 0) return `it was emptied of ${words(before)}`;
  if (now === before) return 'rows were updated, or replaced by as many others';
  return now < before ? `it has ${words(before - now)} fewer` : `it has ${words(now - before)} more`;
}
