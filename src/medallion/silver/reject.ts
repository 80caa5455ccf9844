import type { EngineSession } from '../../core/ports/engine.ts';
import type { QuarantineCount } from '../../core/ports/ledger.ts';
import { quoteText } from '../../kit/sql.ts';
import { materializeLines, withLinesSql } from '../line-runs.ts';
import { quarantineSql } from '../quarantine.ts';
import { badRows } from './dedupe.ts';
import {
  DISCARDED,
  rowKeySql,
  ruleColumnSql,
  ruleNameSql,
  ruleReasonSql,
  ruleRetryableSql,
  type SilverStep,
  type SilverViews,
} from './sql.ts';

export interface RejectedRows {
  readonly rows: number;
  /** Query of the quarantine rows; undefined when there are none. */
  readonly sql: string | undefined;
  readonly counts: readonly QuarantineCount[];
}

/**
 * Collects the rows that broke a rule, with their raw content, file and line. `expected` is how many there must be if every row
 * is accounted for: when it is 0 the rows need not be looked at again.
 */
export async function rejectRows(
  step: SilverStep,
  session: EngineSession,
  views: SilverViews,
  known: { readonly has_losers: boolean; readonly expected: number },
): Promise<RejectedRows> {
  if (known.expected === 0) return { rows: 0, sql: undefined, counts: [] };
  const rows = await session.materialize(
    'bad',
    `select ${ruleNameSql(views.rules)} as rule, ${ruleReasonSql(views.rules)} as reason, ${ruleColumnSql(views.rules)} as column_name,
      ${rowKeySql(step.node.spec.key)} as row_key, ${ruleRetryableSql(views.rules)} as retryable, ${views.raw} as raw,
      _file, _line, _qid, _rule, _src, _part, _pos from ${badRows(known.has_losers)}`,
  );
  if (rows === 0) return { rows, sql: undefined, counts: [] };
  await locateLines(step, session);
  const sql = quarantineSql(
    step.run,
    { layer: 'silver', name: step.node.name },
    {
      from: `(select *, row_number() over (partition by _file, raw order by _src, _part, _pos) as _twin from located where _rule <> ${DISCARDED})`,
      known_id: '_qid',
      identity: rowIdentity('raw'),
      rule: 'rule',
      reason: `coalesce(reason, rule)`,
      column_name: 'column_name',
      file: '_file',
      line: 'line',
      raw: 'raw',
      row_key: 'row_key',
      origin: originSql(step),
      retryable: 'retryable',
    },
  );
  const grouped = await session.rows(
    `select rule, coalesce(_file, '') as file, count(*) as n from bad where _rule <> ${DISCARDED} group by all order by all`,
  );
  const counts = grouped.map((row) => ({
    run_id: step.run.run_id,
    table: step.node.key,
    rule: String(row['rule']),
    file: String(row['file']),
    rows: Number(row['n']),
  }));
  return { rows, sql, counts };
}

/**
 * SQL text: what identifies a rejected row, given its raw content, file and number among equal rows of that file (`_twin`). Members without a
 * value do not count, so that a column that a source gains later changes nothing.
 */
export function rowIdentity(raw: string): string {
  return `coalesce(_file, '') || '|' || cast(json_merge_patch('{}', ${raw}) as varchar) || '|' || _twin`;
}

/** The position says which source a row came from; rows that come back from quarantine carry it as a negative number. */
function originSql(step: SilverStep): string {
  const cases = step.node.inputs.map(
    (table, index) => `when _src in (${index}, ${-(index + 1)}) then ${quoteText(table)}`,
  );
  return `case ${cases.join(' ')} else ${quoteText(step.node.inputs[0] ?? '')} end`;
}

/** Defines `located`: the bad rows with the line of the source file. Rows of files whose lines are not known have none. */
async function locateLines(step: SilverStep, session: EngineSession): Promise<void> {
  await session.materialize(
    'offsets',
    `select _src, _part, _file, min(_pos) as first_pos from src
     where _src >= 0 and (_src, _part) in (select (_src, _part) from bad) and _file in (select _file from bad) group by all`,
  );
  // Rows that come back from quarantine know theirs.
  const parts = ['select *, _line as line from bad where _src < 0 or _file is null'];
  for (const [index, table] of step.node.inputs.entries()) {
    const source = table.slice('bronze.'.length);
    const concerned = await session.rows(
      `select distinct _file as f from bad where _src = ${index} and _file is not null`,
    );
    if (concerned.length === 0) continue;
    const wanted = new Set(concerned.map((row) => String(row['f'])));
    const inputs = step.run.ledger.inputs(source).filter(({ path }) => wanted.has(path));
    const lines = await materializeLines(step.run.lake, session, source, inputs, `lines_${index}`);
    const placed = `(select bad.*, bad._file as _df_f, bad._pos - o.first_pos as _df_p
      from bad left join offsets o on o._src = bad._src and o._part = bad._part and o._file = bad._file
      where bad._src = ${index} and bad._file is not null)`;
    parts.push(`select * exclude (_df_line), coalesce(_line, _df_line) as line from (${withLinesSql(placed, lines)})`);
  }
  await session.define('located', parts.join(' union all '));
}
