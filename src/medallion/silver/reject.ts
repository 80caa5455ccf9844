import { quarantineOf } from '../../core/model/table.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { QuarantineCount } from '../../core/ports/ledger.ts';
import { quoteText } from '../../kit/sql.ts';
import { relationOf } from '../context.ts';
import { decidedOf } from '../decisions.ts';
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

/**
 * Defines `located`: the bad rows with the line of the source file. A row's position in its bronze data file gives its place among
 * the good records of the source file; the rejected records before it are added; the file's first line comes from
 * the ledger. Files with records that span lines get no line.
 */
async function locateLines(step: SilverStep, session: EngineSession): Promise<void> {
  const files: string[] = [];
  const rejects: string[] = [];
  for (const [index, table] of step.node.inputs.entries()) {
    const source = table.slice('bronze.'.length);
    const concerned = await session.rows(
      `select distinct _file as f from bad where _src = ${index} and _file is not null`,
    );
    const wanted = new Set(concerned.map((row) => String(row['f'])));
    for (const input of wanted.size === 0 ? [] : step.run.ledger.inputs(source)) {
      if (wanted.has(input.path) && !input.multiline_records)
        files.push(`(${index}, ${quoteText(input.path)}, ${input.first_record_line})`);
    }
    if (wanted.size > 0) rejects.push(...(await rejectedLines(step, session, index, source)));
  }
  const known =
    files.length === 0
      ? 'select null::integer as s, null::varchar as f, null::bigint as l where false'
      : `select * from (values ${files.join(', ')}) as t(s, f, l)`;
  await session.materialize('source_files', known);
  await session.materialize(
    'source_rejects',
    `select s, f, l, row_number() over (partition by s, f order by l) as i from (select distinct * from (${rejects.join(' union all ') || 'select null::integer as s, null::varchar as f, null::bigint as l where false'}))`,
  );
  await session.materialize(
    'offsets',
    `select _src, _part, _file, min(_pos) as first_pos from src
     where _src >= 0 and (_src, _part) in (select (_src, _part) from bad) and _file in (select _file from bad) group by all`,
  );
  await session.define(
    'located',
    `select bad.*, coalesce(bad._line, sf.l + bad._pos - o.first_pos +
       (select count(*) from source_rejects r where r.s = bad._src and r.f = bad._file and r.l - sf.l - (r.i - 1) <= bad._pos - o.first_pos)) as line
     from bad left join source_files sf on sf.s = bad._src and sf.f = bad._file
     left join offsets o on o._src = bad._src and o._part = bad._part and o._file = bad._file`,
  );
}

/** Queries (`s`, `f`, `l`) of the lines of a source's rejected records. Discarded ones have left the quarantine; they are in the file all the same. */
async function rejectedLines(
  step: SilverStep,
  session: EngineSession,
  index: number,
  source: string,
): Promise<readonly string[]> {
  const bronze = { layer: 'bronze' as const, name: source };
  const found: string[] = [];
  for (const [name, table, condition] of [
    [`rejects_${index}`, quarantineOf(bronze), ''],
    [`discards_${index}`, decidedOf(bronze), ` and action = 'discard'`],
  ] as const) {
    const rows = await step.run.lake.snapshot(table);
    if (rows === undefined || rows.files.length === 0) continue;
    await session.bind(relationOf(rows, name));
    found.push(`select ${index} as s, file as f, line as l from ${name} where line is not null${condition}`);
  }
  return found;
}
