import type { EngineSession } from '../../core/ports/engine.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import type { OutRows, TextLayout } from '../../core/ports/sink.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { relationOf } from '../../medallion/context.ts';
import { bindSides } from '../changes/version-sides.ts';
import type { ChosenColumn } from './load-tables.ts';

/** What a table sends. */
export interface ChangedRows {
  readonly rows: OutRows;
  readonly gone?: OutRows;
  /** SQL that counts: one row with `inserts`, `updates` and `deletes`. */
  readonly count_sql: string;
}

/** Every row of a version, with the names of the destination. */
export async function allRows(
  session: EngineSession,
  after: Snapshot,
  chosen: readonly ChosenColumn[],
): Promise<ChangedRows> {
  await session.bind(relationOf(after, 'all_files'));
  await session.define('load_rows', `select ${renamed(chosen)} from all_files`);
  return {
    rows: outRows(session, 'load_rows'),
    count_sql: 'select count(*) as inserts, 0 as updates, 0 as deletes from load_rows',
  };
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
  await bindSides(session, before, after, columns);
  if (append && key.length === 0) {
    const list = columns.map(({ name }) => quoteIdent(name)).join(', ');
    await session.define('load_new', `select ${list} from b except all select ${list} from a`);
    await session.define('load_rows', `select ${renamed(chosen)} from load_new`);
    return {
      rows: outRows(session, 'load_rows'),
      count_sql: 'select count(*) as inserts, 0 as updates, 0 as deletes from load_rows',
    };
  }
  const keys = new Set(key.map((name) => name.toLowerCase()));
  const keyed = chosen.filter(({ from }) => keys.has(from.name.toLowerCase()));
  const same = keyed.map(({ from }) => `a.${quoteIdent(from.name)} = b.${quoteIdent(from.name)}`).join(' and ');
  const others = chosen
    .filter(({ from }) => !keys.has(from.name.toLowerCase()))
    .map(({ from }) => quoteIdent(from.name));
  const differs = append ? [] : others.map((name) => `a.${name} is distinct from b.${name}`);
  const wanted = ['a._there is null', ...differs].join(' or ');
  const joined = `b left join (select *, true as _there from a) a on ${same} where ${wanted}`;
  await session.define('load_rows', `select ${renamed(chosen, 'b.')} from ${joined}`);
  const rows = outRows(session, 'load_rows');
  const news = `select count(*) filter (where a._there is null) as inserts, count(*) filter (where a._there) as updates`;
  if (append) return { rows, count_sql: `${news}, 0 as deletes from ${joined}` };
  await session.define('load_gone', `select ${renamed(keyed)} from a where not exists (select 1 from b where ${same})`);
  return {
    rows,
    gone: outRows(session, 'load_gone'),
    count_sql: `${news}, (select count(*) from load_gone) as deletes from ${joined}`,
  };
}

/** Rows of a side of which two have the same key, or one has none. */
export async function keyProblems(
  session: EngineSession,
  view: string,
  key: readonly string[],
): Promise<string | undefined> {
  if (key.length === 0) return undefined;
  const list = key.map(quoteIdent);
  const [row] = await session.rows(
    `select count(*) as n, ${list.map((column, i) => `any_value(${column}::varchar) as v${i}`).join(', ')}
     from (select ${list.join(', ')}, count(*) as n from ${view} group by all having n > 1 or ${list.map((column) => `${column} is null`).join(' or ')})`,
  );
  if (Number(row?.['n'] ?? 0) === 0) return undefined;
  const value = key.map((name, i) => `${name} = ${String(row?.[`v${i}`] ?? 'NULL')}`).join(', ');
  return `${Number(row?.['n']).toLocaleString('en')} values of the key (${key.join(', ')}) are NULL or occur more than once, such as ${value}`;
}

function renamed(chosen: readonly ChosenColumn[], side = ''): string {
  return chosen.map(({ from, as }) => `${side}${quoteIdent(from.name)} as ${quoteIdent(as)}`).join(', ');
}

function outRows(session: EngineSession, view: string): OutRows {
  const sql = (select: TextLayout['select']): string =>
    `select ${select.map((one) => `${one.sql} as ${quoteIdent(one.name)}`).join(', ')} from ${view}`;
  return {
    bytes: ({ format, select }) => session.exportBytes(sql(select), format),
    batches: async function* (select) {
      for await (const { rows } of session.stream(sql(select))) if (rows.length > 0) yield rows;
    },
  };
}
