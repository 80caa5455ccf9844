import type { EngineSession } from '../../core/ports/engine.ts';
import type { QuarantineCount } from '../../core/ports/ledger.ts';
import { quoteText } from '../../kit/sql.ts';
import { materializeLines, withLinesSql } from '../line-runs.ts';
import { quarantineSql } from '../quarantine.ts';
import { inOrder } from '../quarantine-counts.ts';
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
  await session.materialize(
    'bad',
    `select ${ruleNameSql(views.rules)} as rule, ${ruleReasonSql(views.rules)} as reason, ${ruleColumnSql(views.rules)} as column_name,
      ${rowKeySql(step.node.spec.key)} as row_key, ${ruleRetryableSql(views.rules)} as retryable, ${views.raw} as raw,
      _file, _line, _qid, _rule, _src, _part, _pos from ${badRows(known.has_losers)}`,
    { counted: false },
  );
  const { rows, counts, files } = await foundBad(step, session);
  if (rows === 0) return { rows, sql: undefined, counts: [] };
  await locateLines(step, session, files);
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
  return { rows, sql, counts };
}

/** What is in `bad`: how many rows, those of each rule and file that go into quarantine, and the files that the rows of each source come from. */
async function foundBad(
  step: SilverStep,
  session: EngineSession,
): Promise<Omit<RejectedRows, 'sql'> & { readonly files: ReadonlyMap<number, ReadonlySet<string>> }> {
  const grouped = await session.rows(
    `select rule, _file as file, _src as src, _rule = ${DISCARDED} as discarded, count(*) as n from bad group by all`,
    { rows_max: 1_000_000 },
  );
  const counts = new Map<string, QuarantineCount>();
  const files = new Map<number, Set<string>>();
  for (const row of grouped) {
    const [file, rule, src] = [row['file'], String(row['rule']), Number(row['src'])];
    if (file !== null) files.set(src, (files.get(src) ?? new Set()).add(String(file)));
    if (row['discarded'] === true) continue;
    const one = { run_id: step.run.run_id, table: step.node.key, rule, file: String(file ?? '') };
    const key = JSON.stringify([rule, one.file]);
    counts.set(key, { ...one, rows: (counts.get(key)?.rows ?? 0) + Number(row['n']) });
  }
  const rows = grouped.reduce((sum, row) => sum + Number(row['n']), 0);
  return { rows, counts: [...counts.values()].sort(inOrder), files };
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
async function locateLines(
  step: SilverStep,
  session: EngineSession,
  files: ReadonlyMap<number, ReadonlySet<string>>,
): Promise<void> {
  await session.materialize(
    'offsets',
    `select _src, _part, _file, min(_pos) as first_pos from src
     where _src >= 0 and (_src, _part) in (select (_src, _part) from bad) and _file in (select _file from bad) group by all`,
    { counted: false },
  );
  // Rows that come back from quarantine know theirs.
  const parts = ['select *, _line as line from bad where _src < 0 or _file is null'];
  for (const [index, table] of step.node.inputs.entries()) {
    const source = table.slice('bronze.'.length);
    const wanted = files.get(index);
    if (wanted === undefined) continue;
    const inputs = step.run.ledger.inputs(source).filter(({ path }) => wanted.has(path));
    const lines = await materializeLines(step.run.lake, session, source, inputs, `lines_${index}`);
    const placed = `(select bad.*, bad._file as _df_f, bad._pos - o.first_pos as _df_p
      from bad left join offsets o on o._src = bad._src and o._part = bad._part and o._file = bad._file
      where bad._src = ${index} and bad._file is not null)`;
    parts.push(`select * exclude (_df_line), coalesce(_line, _df_line) as line from (${withLinesSql(placed, lines)})`);
  }
  await session.define('located', parts.join(' union all '));
}
