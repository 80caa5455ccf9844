import type { EngineSession } from '../../core/ports/engine.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import type { ApartRows, OutRows, TextLayout } from '../../core/ports/sink.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { relationOf } from '../../medallion/context.ts';
import { bindSides } from '../changes/version-sides.ts';
import type { ChosenColumn } from './load-tables.ts';

/** What is held against each other at once, keys alone and rows; of more a part at a time, so that memory does not grow with them. */
const KEYS_AT_ONCE = 300_000;
const ROWS_AT_ONCE = 4_000_000;
/** Each pass reads the files anew. */
const PASSES_MAX = 24;

/** What a table sends. */
export interface ChangedRows {
  readonly rows: OutRows;
  readonly apart?: ApartRows;
  readonly gone?: OutRows;
  /** SQL that counts: one row with `inserts`, `updates` and `deletes`. */
  readonly count_sql: string;
  /** The relation in which the key has to tell rows apart, as the destination names its columns, and about how many rows it has. */
  readonly keyed_in: { readonly view: string; readonly rows: number };
}

/** Every row of a version, with the names of the destination. */
export async function allRows(
  session: EngineSession,
  after: Snapshot,
  chosen: readonly ChosenColumn[],
): Promise<ChangedRows> {
  await session.bind(relationOf(after, 'all_files'));
  await session.define('load_rows', `select ${renamed(chosen)} from all_files`);
  return plainRows(session, after.rows);
}

/**
 * The rows that differ between two versions, by key; data files that both have are left out. `append`: only rows whose key is new, or without a key
 * those that the older version has not.
 */
export async function changedRows(
  session: EngineSession,
  { before, after }: { readonly before: Snapshot; readonly after: Snapshot },
  chosen: readonly ChosenColumn[],
  { key, append }: { readonly key: readonly string[]; readonly append: boolean },
): Promise<ChangedRows> {
  const columns = chosen.map(({ from }) => from);
  const most = await bindSides(session, before, after, columns);
  if (append && key.length === 0) {
    const list = columns.map(({ name }) => quoteIdent(name)).join(', ');
    await session.define('load_new', `select ${list} from b except all select ${list} from a`);
    await session.define('load_rows', `select ${renamed(chosen)} from load_new`);
    return plainRows(session, most);
  }
  const keys = new Set(key.map((name) => name.toLowerCase()));
  const keyed = chosen.filter(({ from }) => keys.has(from.name.toLowerCase()));
  const same = keyed.map(({ from }) => `a.${quoteIdent(from.name)} = b.${quoteIdent(from.name)}`).join(' and ');
  const others = chosen
    .filter(({ from }) => !keys.has(from.name.toLowerCase()))
    .map(({ from }) => quoteIdent(from.name));
  const differs = append ? [] : others.map((name) => `a.${name} is distinct from b.${name}`);
  const wanted = ['a._there is null', ...differs].join(' or ');
  const sides = (part: string, join: string): string =>
    `(select * from b where ${part}) b ${join} join (select *, true as _there from a where ${part}) a on ${same}`;
  const joined = (part = 'true'): string => `${sides(part, 'left')} where ${wanted}`;
  const parts = passes(
    keyed.map(({ from }) => `${quoteIdent(from.name)}::${from.type}`),
    most / ROWS_AT_ONCE,
  );
  const sent = (from: (part: string) => string): OutRows =>
    outRows(
      session,
      parts.map((part) => `(select ${renamed(chosen, 'b.')} from ${from(part)})`),
    );
  const rows = sent(joined);
  const news = `select count(*) filter (where a._there is null) as inserts, count(*) filter (where a._there) as updates`;
  const keyed_in = { view: 'load_keys', rows: most };
  if (append) {
    await session.define(keyed_in.view, `select ${renamed(keyed, 'b.')} from ${joined()}`);
    return { rows, keyed_in, count_sql: `${news}, 0 as deletes from ${joined()}` };
  }
  await session.define(keyed_in.view, `select ${renamed(keyed)} from b`);
  const gone = (part = 'true'): string =>
    `(select ${renamed(keyed)} from a where ${part} and not exists (select 1 from (select * from b where ${part}) b where ${same}))`;
  const changed = differs.length === 0 ? ['false'] : differs;
  const apart = {
    news: sent((part) => sides(part, 'anti')),
    changed: sent((part) => `${sides(part, 'inner')} where ${changed.join(' or ')}`),
  };
  return {
    rows,
    apart,
    keyed_in,
    gone: outRows(session, parts.map(gone)),
    count_sql: `${news}, (select count(*) from ${gone()}) as deletes from ${joined()}`,
  };
}

/** Rows of which two have the same key, or one has none. */
export async function keyProblems(
  session: EngineSession,
  { view, rows }: ChangedRows['keyed_in'],
  key: readonly string[],
): Promise<string | undefined> {
  if (key.length === 0) return undefined;
  const list = key.map(quoteIdent);
  const values = list.map((column, i) => `any_value(${column}::varchar) as v${i}`).join(', ');
  const none = list.map((column) => `${column} is null`).join(' or ');
  let [count, sample] = [0, ''];
  for (const part of passes(list, rows / KEYS_AT_ONCE)) {
    const [row] = await session.rows(
      `select count(*) as n, ${values}
       from (select ${list.join(', ')}, count(*) as n from ${view} where ${part} group by all having n > 1 or ${none})`,
    );
    const found = Number(row?.['n'] ?? 0);
    count += found;
    if (found > 0 && sample === '')
      sample = key.map((name, i) => `${name} = ${String(row?.[`v${i}`] ?? 'NULL')}`).join(', ');
  }
  if (count === 0) return undefined;
  return `${count.toLocaleString('en')} values of the key (${key.join(', ')}) are NULL or occur more than once, such as ${sample}`;
}

/** Conditions of which each row meets one, and rows with the same values the same. @param values of the same types on both sides of a comparison */
function passes(values: readonly string[], wanted: number): readonly string[] {
  const count = Math.min(PASSES_MAX, Math.ceil(wanted));
  if (count <= 1) return ['true'];
  return Array.from({ length: count }, (_, pass) => `hash(${values.join(', ')}) % ${count} = ${pass}`);
}

/** All rows of the view `load_rows`. */
function plainRows(session: EngineSession, rows: number): ChangedRows {
  const view = 'load_rows';
  const count_sql = `select count(*) as inserts, 0 as updates, 0 as deletes from ${view}`;
  return { rows: outRows(session, [view]), keyed_in: { view, rows }, count_sql };
}

function renamed(chosen: readonly ChosenColumn[], side = ''): string {
  return chosen.map(({ from, as }) => `${side}${quoteIdent(from.name)} as ${quoteIdent(as)}`).join(', ');
}

/** @param relations each has some of the rows */
function outRows(session: EngineSession, relations: readonly string[]): OutRows {
  const sqls = (select: TextLayout['select']): readonly string[] =>
    relations.map(
      (relation) =>
        `select ${select.map((one) => `${one.sql} as ${quoteIdent(one.name)}`).join(', ')} from ${relation}`,
    );
  return {
    bytes: async function* ({ format, select }) {
      let rows = 0;
      for (const sql of sqls(select)) rows += yield* session.exportBytes(sql, format);
      return rows;
    },
    batches: async function* (select) {
      for (const sql of sqls(select)) for await (const { rows } of session.stream(sql)) if (rows.length > 0) yield rows;
    },
  };
}
