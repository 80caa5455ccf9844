import { type AskedEnrich, looksIntoTable } from '../../core/model/enrich.ts';
import type { SilverSpec } from '../../core/model/project.ts';
import type { Row } from '../../core/ports/engine.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { questionDigest } from '../../medallion/silver/enrich/answers.ts';
import type { TraceContext } from './trace-context.ts';

/**
 * Which answers are behind the rows of `wanted`, a relation with the table's columns: what was asked for, what the rows took from it, and
 * when that was answered, as far as it is remembered.
 */
export async function answersBehind(
  context: TraceContext,
  { enrich = [] }: SilverSpec,
  wanted: string,
): Promise<readonly string[]> {
  const notes: string[] = [];
  for (const spec of enrich) if (!looksIntoTable(spec)) notes.push(...(await answersOf(context, spec, wanted)));
  return notes;
}

async function answersOf(context: TraceContext, spec: AskedEnrich, wanted: string): Promise<readonly string[]> {
  const { trace, limit } = context;
  const shown = (names: readonly string[]): string =>
    names
      .map(
        (name) =>
          `'${name.replaceAll("'", "''")} = ' || coalesce(left(cast(${quoteIdent(name)} as varchar), 80), 'NULL')`,
      )
      .join(" || ', ' || ");
  const keys = spec.columns.map((column, i) => `cast(${quoteIdent(column)} as varchar) as k${i + 1}`).join(', ');
  const given = spec.columns.map((column) => `${quoteIdent(column)} is not null`).join(' and ');
  const found = await trace.session.rows(
    `select ${keys}, ${shown(spec.columns)} as asked, ${shown(Object.keys(spec.add))} as answer, count(*) over () as all_of_them
     from ${wanted} where ${given} group by all order by all limit ${limit}`,
  );
  const notes = found.map(
    (row) => `${spec.name}: ${row['asked']} gave ${row['answer']}; ${whenAnswered(context, spec, row)}`,
  );
  const more = Number(found[0]?.['all_of_them'] ?? 0) - found.length;
  return more > 0 ? [...notes, `${spec.name}: and ${more.toLocaleString('en')} more keys`] : notes;
}

function whenAnswered({ ledger }: TraceContext, spec: AskedEnrich, row: Row): string {
  const key = JSON.stringify(spec.columns.map((_, i) => String(row[`k${i + 1}`])));
  const known = ledger.lookups.known(questionDigest(spec), [key]).get(key);
  if (known === undefined) return 'when that was answered is no longer known';
  if (known.failed !== undefined) return 'it had no answer when it was asked for last';
  return `its newest answer is from ${new Date(known.asked_at_ms).toISOString().slice(0, 16)}Z, run ${known.run_id}`;
}
