import { quoteIdent, quoteText } from '../kit/sql.ts';
import { faultNumberSql, faultyValueSql, holdsText } from './fault-sql.ts';
import type { ColumnPlan, SourcePlan } from './plan-types.ts';
import { parentSql } from './row-counts.ts';
import { isWords, type RowNumbers, type ValueContext, valueSql } from './value-sql.ts';

const AT: RowNumbers = { own: 'i', parent: 'p' };

/** SQL: the numbers `i` of a source's rows, from 1, and `p` of their parents. */
function rowsSql(context: ValueContext, source: SourcePlan): string {
  const parent = parentSql(context.plan, source, context.rows, 'i');
  return `(select i, ${parent} as p from range(1, ${context.rows.get(source.name) ?? 0} + 1) as t(i))`;
}

/** SQL: the numbered rows of a source with the number of their fault, `f`. */
export function numberedSql(context: ValueContext, source: SourcePlan): string {
  return `select i, p, ${faultNumberSql(context.plan, source, 'i')} as f from ${rowsSql(context, source)}`;
}

/**
 * SQL: the rows as they are written, faults included, each column in its declared type, or as text where it holds some; plus `i` and `f`.
 * `where` chooses among them by `i` and `f`; with `clean` only faultless rows are meant, and no time is spent on faults.
 */
export function rawSql(
  context: ValueContext,
  source: SourcePlan,
  some: { readonly where: string; readonly clean: boolean } = { where: 'true', clean: false },
): string {
  const columns = source.columns.map((column) => {
    const clean = valueSql(context, source, column, AT, undefined);
    const value = some.clean ? clean : faultyValueSql(context, source, column, AT, clean);
    return `cast(${value} as ${holdsText(source, column) ? 'varchar' : column.type}) as ${quoteIdent(column.name)}`;
  });
  return `select ${columns.join(', ')}, i, f from (${numberedSql(context, source)}) where ${some.where}`;
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
  const cleanLine = `concat(${source.columns.flatMap((column, index) => cleanParts(context, source, column, index)).join(', ')})`;
  if (source.faults.length === 0) return `select ${cleanLine} as line from ${rowsSql(context, source)}`;
  const short = source.faults.findIndex((fault) => fault.kind === 'short_line') + 1;
  const fields = source.columns.map((column, index) => {
    const value = faultyValueSql(context, source, column, AT, valueSql(context, source, column, AT, undefined));
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
  return `select case when f = 0 then ${cleanLine} else concat(${fields.join(', ')}) end as line from (${numberedSql(context, source)})`;
}

/** Arguments of concat for one field with the delimiter before it, which words have within themselves. */
function cleanParts(context: ValueContext, source: SourcePlan, column: ColumnPlan, index: number): readonly string[] {
  if (index === 0) return [valueSql(context, source, column, AT, csvField)];
  if (isWords(column)) return [valueSql(context, source, column, AT, (text) => `,${csvField(text)}`)];
  return [`','`, valueSql(context, source, column, AT, csvField)];
}

/** A CSV field as it stands in the file (RFC 4180). */
function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function quotedSql(text: string): string {
  return `case when regexp_matches(${text}, ${quoteText('[",\r\n]')}) then concat('"', replace(${text}, '"', '""'), '"') else ${text} end`;
}
