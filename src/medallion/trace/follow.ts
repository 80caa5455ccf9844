import { quoteIdent } from '../../kit/sql.ts';
import type { Annotated, Annotating, Link, Source, WindowReach } from './annotated.ts';

/**
 * Rows on a trace: a temporary table of the session with the columns `_df_id` and `_df_sure` (false = the row may matter, true = it does).
 */
export interface Marked {
  readonly relation: string;
  readonly rows: number;
}

/** Marked rows per table of the lake. */
export type MarkedTables = ReadonlyMap<string, Marked>;

/** Keeps the marked rows that a query yields; an id that comes twice is sure when one of them is. */
export async function mark(context: Pick<Annotating, 'session' | 'fresh'>, sql: string): Promise<Marked> {
  const relation = context.fresh('m');
  const rows = await context.session.materialize(
    relation,
    `select _df_id, bool_or(_df_sure) as _df_sure from (${sql}) where _df_id is not null group by _df_id`,
  );
  return { relation, rows };
}

/** The rows of the lake that marked rows of a query were made of, however many queries lie between. */
export async function backward(context: Annotating, from: Annotated, marked: Marked): Promise<MarkedTables> {
  const found = new Map<string, string[]>();
  await back(context, from, marked, (table, sql) => found.set(table, [...(found.get(table) ?? []), sql]));
  const tables = new Map<string, Marked>();
  for (const [table, parts] of found) tables.set(table, await mark(context, parts.join('\nunion all ')));
  return tables;
}

async function back(
  context: Annotating,
  from: Annotated,
  marked: Marked,
  put: (table: string, sql: string) => void,
): Promise<void> {
  const reached = from.windows.length === 0 ? marked : await mark(context, withNeighbours(from, marked, 'back'));
  for (const link of from.links) {
    const rows = sourceRows(context, from, reached, link);
    if ('table' in link.source) put(link.source.table, rows);
    else await back(context, link.source.query, await mark(context, rows), put);
  }
}

/** SQL: ids of the source's rows behind the marked ones. */
function sourceRows(context: Annotating, from: Annotated, marked: Marked, link: Link): string {
  const own = `${from.relation} as t join ${marked.relation} as m on t.rowid = m._df_id`;
  switch (link.kind) {
    case 'row':
      return `select t.${link.id} as _df_id, m._df_sure from ${own}`;
    case 'group': {
      const keys = link.keys.map((key) => `t.${key}`);
      const groups = `(select ${[...keys, `bool_or(m._df_sure)${link.exact ? '' : ' and false'} as _df_sure`].join(', ')} from ${own}${keys.length > 0 ? ` group by ${keys.join(', ')}` : ' having count(*) > 0'})`;
      return `select v.${link.id} as _df_id, g._df_sure from ${link.view} as v join ${groups} as g on ${equal(link.keys, 'v', 'g')}`;
    }
    case 'values': {
      const same = link.columns.map(([a, b]) => `t.${quoteIdent(a)} is not distinct from s.${quoteIdent(b)}`);
      const on = same.length === 0 ? 'true' : same.join(' and ');
      return `select s.rowid as _df_id, m._df_sure${link.exact ? '' : ' and false'} as _df_sure from ${own} join ${link.source.query.relation} as s on ${on}`;
    }
    case 'all':
      return `select ${allIds(context, link.source)} where exists (select 1 from ${marked.relation})`;
  }
}

function allIds(context: Annotating, source: Source): string {
  if ('query' in source) return `rowid as _df_id, false as _df_sure from ${source.query.relation}`;
  const bound = context.tables.get(source.table);
  return `cast(_part as bigint) * 1099511627776 + _pos as _df_id, false as _df_sure from ${bound?.positioned ?? ''}`;
}

function equal(columns: readonly string[], a: string, b: string): string {
  const parts = columns.map((column) => `${a}.${column} is not distinct from ${b}.${column}`);
  return parts.length === 0 ? 'true' : parts.join(' and ');
}

/** SQL: the marked rows, and unsurely those that a window function of theirs looks at (or, forward, those that look at them). */
function withNeighbours(from: Annotated, marked: Marked, way: 'back' | 'forth'): string {
  const parts = from.windows.map((reach) => neighbours(from, marked, reach, way));
  return [`select _df_id, _df_sure from ${marked.relation}`, ...parts].join('\nunion all ');
}

function neighbours(from: Annotated, marked: Marked, reach: WindowReach, way: 'back' | 'forth'): string {
  const { partition, place, last_peer, before, behind } = reach;
  const keys = partition.map((key) => `t.${key}`);
  const low = `min(t.${place})`;
  const high = `max(t.${place})`;
  const reachHigh = behind === 'peers' ? `max(t.${last_peer})` : high;
  const columns = [...keys, `${low} as low`, `${high} as high`, `${reachHigh} as reach_high`];
  const around = `(select ${columns.join(', ')} from ${from.relation} as t join ${marked.relation} as m on t.rowid = m._df_id${keys.length > 0 ? ` group by ${keys.join(', ')}` : ''})`;
  const bounds: string[] = [equal(partition, 't', 'a')];
  if (way === 'back') {
    if (before !== undefined) bounds.push(`t.${place} >= a.low - ${before}`);
    if (behind === 'peers') bounds.push(`t.${place} <= a.reach_high`);
    else if (behind !== undefined) bounds.push(`t.${place} <= a.high + ${behind}`);
  } else {
    // Who looks at the marked rows: the other way round.
    if (before !== undefined) bounds.push(`t.${place} <= a.high + ${before}`);
    if (behind === 'peers') bounds.push(`t.${last_peer} >= a.low`);
    else if (behind !== undefined) bounds.push(`t.${place} >= a.low - ${behind}`);
  }
  return `select t.rowid as _df_id, false as _df_sure from ${from.relation} as t join ${around} as a on ${bounds.join(' and ')}`;
}

/** The rows of a query that marked rows of tables of the lake went into. */
export async function forward(context: Annotating, to: Annotated, marked: MarkedTables): Promise<Marked> {
  const parts: string[] = [];
  for (const link of to.links) {
    const source = link.source;
    const rows = 'table' in source ? marked.get(source.table) : await forward(context, source.query, marked);
    if (rows !== undefined && rows.rows > 0) parts.push(targetRows(to, rows, link));
  }
  const own = await mark(context, parts.join('\nunion all ') || 'select 0 as _df_id, false as _df_sure where false');
  return to.windows.length === 0 || own.rows === 0 ? own : mark(context, withNeighbours(to, own, 'forth'));
}

/** SQL: ids of the rows of `to` that the marked rows of a source went into. */
function targetRows(to: Annotated, marked: Marked, link: Link): string {
  switch (link.kind) {
    case 'row':
      return `select t.rowid as _df_id, m._df_sure from ${to.relation} as t join ${marked.relation} as m on t.${link.id} = m._df_id`;
    case 'group': {
      const keys = link.keys.map((key) => `v.${key}`);
      const sure = `bool_or(m._df_sure)${link.exact ? '' : ' and false'} as _df_sure`;
      const groups = `(select ${[...keys, sure].join(', ')} from ${link.view} as v join ${marked.relation} as m on v.${link.id} = m._df_id${keys.length > 0 ? ` group by ${keys.join(', ')}` : ' having count(*) > 0'})`;
      return `select t.rowid as _df_id, g._df_sure from ${to.relation} as t join ${groups} as g on ${equal(link.keys, 't', 'g')}`;
    }
    case 'values': {
      const same = link.columns.map(([a, b]) => `t.${quoteIdent(a)} is not distinct from s.${quoteIdent(b)}`);
      const from = `${link.source.query.relation} as s join ${marked.relation} as m on s.rowid = m._df_id`;
      return `select t.rowid as _df_id, m._df_sure${link.exact ? '' : ' and false'} as _df_sure from ${to.relation} as t join (${from}) on ${same.length === 0 ? 'true' : same.join(' and ')}`;
    }
    case 'all':
      return `select rowid as _df_id, false as _df_sure from ${to.relation}`;
  }
}

/** Why a trace may name more rows than contributed, of a query and all queries in it. */
export function atMost(from: Annotated): readonly string[] {
  const inner = from.links.flatMap((link) => ('query' in link.source ? atMost(link.source.query) : []));
  return [...new Set([...from.at_most, ...inner])];
}
