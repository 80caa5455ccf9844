import type { EngineSession } from '../core/ports/engine.ts';
import { quoteIdent, quoteText } from '../kit/sql.ts';
import { faultNumberSql, faultyValueSql, holdsText } from './fault-sql.ts';
import type { DataPlan, SourcePlan } from './plan-types.ts';
import { drawBelow, type RowNumbers, rowsTable, type ValueContext, valueSql } from './value-sql.ts';

const AT: RowNumbers = { own: 'i', parent: 'p' };

/**
 * Settles how many rows each source gets and makes the relations of their numbers: `i` from 1, and `p` of the parent. A parent whose
 * rows were not given gets as many as its child needs.
 * @returns rows by source
 */
export async function settleRows(session: EngineSession, plan: DataPlan): Promise<ReadonlyMap<string, number>> {
  const rows = new Map<string, number>();
  for (const source of plan.sources) {
    if (source.rows !== undefined) rows.set(source.name, source.rows);
  }
  for (const child of plan.sources) await settleChild(session, plan, child, rows);
  for (const source of plan.sources) {
    if (source.per !== undefined) continue;
    await session.define(
      bare(rowsTable(source)),
      `select i, i as p from range(1, ${rows.get(source.name) ?? 0} + 1) as t(i)`,
    );
  }
  return rows;
}

async function settleChild(
  session: EngineSession,
  plan: DataPlan,
  child: SourcePlan,
  rows: Map<string, number>,
): Promise<void> {
  const { per } = child;
  if (per === undefined) return;
  const wanted = child.rows;
  const parents = rows.get(per.source) ?? parentsFor(wanted ?? 0, per);
  const counts = `_counts_${child.name}`;
  const count = `${per.min} + ${drawBelow(plan, 'p', `${child.name}#`, per.max - per.min + 1)}::bigint`;
  const limit = wanted === undefined ? '' : `where first <= ${wanted}`;
  const last = wanted === undefined ? 'first + k' : `least(first + k, ${wanted} + 1)`;
  await session.materialize(
    counts,
    `select p, first, ${last} as next from
       (select p, k, (sum(k) over (order by p rows unbounded preceding) - k)::bigint + 1 as first
        from (select p, ${count} as k from range(1, ${parents} + 1) as t(p))) ${limit}`,
  );
  const [total] = await session.rows(
    `select coalesce(max(next) - 1, 0) as made, count(*) as parents from ${quoteIdent(counts)}`,
  );
  rows.set(child.name, Number(total?.['made'] ?? 0));
  if (!rows.has(per.source)) rows.set(per.source, Number(total?.['parents'] ?? 0));
  await session.define(bare(rowsTable(child)), `select p, unnest(range(first, next)) as i from ${quoteIdent(counts)}`);
}

/** Enough parents with near certainty; those that are not needed are left out. */
function parentsFor(rows: number, per: NonNullable<SourcePlan['per']>): number {
  const mean = (per.min + per.max) / 2;
  const needed = rows / mean;
  return Math.ceil(Math.min(rows / per.min, needed + 8 * Math.sqrt(needed) * ((per.max - per.min) / mean) + 1));
}

function bare(quoted: string): string {
  return quoted.slice(1, -1);
}

/** SQL: the numbered rows of a source with the number of their fault, `f`. */
function numberedSql(plan: DataPlan, source: SourcePlan): string {
  return `select i, p, ${faultNumberSql(plan, source, 'i')} as f from ${rowsTable(source)}`;
}

function same(text: string): string {
  return text;
}

/** SQL: the rows as they are written, faults included, each column in its declared type, or as text where it holds some; plus `i` and `f`. */
export function rawSql(context: ValueContext, source: SourcePlan): string {
  const columns = source.columns.map((column) => {
    const clean = valueSql(context, source, column, AT, same);
    const value = faultyValueSql(context, source, column, AT, clean);
    return `cast(${value} as ${holdsText(source, column) ? 'varchar' : column.type}) as ${quoteIdent(column.name)}`;
  });
  return `select ${columns.join(', ')}, i, f from (${numberedSql(context.plan, source)})`;
}

/** SQL of Parquet or NDJSON: the declared columns in order. Sorted, because row groups of unsorted output depend on the threads. */
export function recordsSql(context: ValueContext, source: SourcePlan): string {
  const names = source.columns.map(({ name }) => quoteIdent(name)).join(', ');
  return `select ${names} from (${rawSql(context, source)})${context.plan.format === 'parquet' ? ' order by i' : ''}`;
}

/** The header line of a CSV file. */
export function csvHeader(source: SourcePlan): string {
  return source.columns.map(({ name }) => csvField(name)).join(',');
}

/**
 * SQL of the lines of a CSV file, one text column. Putting the line together in one expression is cheaper than the engine's CSV writer and
 * allows lines that are too short. Faultless rows take words that were quoted beforehand.
 */
export function linesSql(context: ValueContext, source: SourcePlan): string {
  const clean = source.columns.map((column) => valueSql(context, source, column, AT, csvField));
  const cleanLine = `concat(${clean.join(`, ',', `)})`;
  if (source.faults.length === 0) return `select ${cleanLine} as line from ${rowsTable(source)}`;
  const short = source.faults.findIndex((fault) => fault.kind === 'short_line') + 1;
  const fields = source.columns.map((column, index) => {
    const value = faultyValueSql(context, source, column, AT, valueSql(context, source, column, AT, same));
    const text = `cast(${value} as varchar)`;
    const field =
      column.maker.kind === 'values' || column.maker.kind === 'vocabulary' || holdsText(source, column)
        ? quotedSql(text)
        : text;
    if (index === 0) return field;
    return index === source.columns.length - 1 && short > 0
      ? `case when f = ${short} then '' else concat(',', ${field}) end`
      : `concat(',', ${field})`;
  });
  return `select case when f = 0 then ${cleanLine} else concat(${fields.join(', ')}) end as line from (${numberedSql(context.plan, source)})`;
}

/** A CSV field as it stands in the file (RFC 4180). */
function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function quotedSql(text: string): string {
  return `case when regexp_matches(${text}, ${quoteText('[",\r\n]')}) then concat('"', replace(${text}, '"', '""'), '"') else ${text} end`;
}
