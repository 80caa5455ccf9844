import { type Column, SOURCE_FILE_COLUMN } from '../../core/model/table.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { rejectRuleSql } from '../bronze/record-rules.ts';
import { parseRecords, type RecordPlaces } from '../bronze/records.ts';
import { recordOptions } from '../bronze/settle.ts';
import type { BronzeStep } from '../bronze/step.ts';
import { relationOf } from '../context.ts';
import { defineSilver } from '../silver/define.ts';
import { memberSql, ruleNameSql, ruleReasonSql, type SilverStep } from '../silver/sql.ts';

/**
 * Defines `trial` (`_id`, `rule`, `reason`): what today's `select` and rules say of the rows of `matched` that `fixes` names, corrected as it says.
 * `rule` is NULL for a row that passes. Nothing is written; what duplicates and tests would say is not asked.
 */
export async function trySilver(step: SilverStep, session: EngineSession): Promise<void> {
  const parts: string[] = [];
  for (const [table, snapshot] of step.inputs) await session.bind(relationOf(snapshot, table));
  for (const [index, table] of step.node.inputs.entries()) {
    const own = (step.inputs.get(table)?.columns ?? []).filter((column) => column.name !== SOURCE_FILE_COLUMN);
    const cells = own.map((column) => {
      const text = memberSql('coalesce(f.mended, m.raw)', column.name);
      return `try_cast(${text} as ${column.type}) as ${quoteIdent(column.name)}`;
    });
    parts.push(
      `select ${[...cells, 'm.file as _file'].join(', ')}, m.line as _line, m.quarantine_id as _qid, m.raw as _was, false as _discarded,
       ${index} as _src, 0 as _part, row_number() over (order by m.file, m.line, m.quarantine_id) as _pos
       from matched m join fixes f on f._id = m.quarantine_id where m.origin = ${quoteText(table)}`,
    );
  }
  await session.define('src', parts.join('\nunion all by name\n'));
  const views = await defineSilver(step, session, await session.describe('select * from src'), false);
  await session.materialize(
    'trial',
    `select _qid as _id, ${ruleNameSql(views.rules)} as rule, ${ruleReasonSql(views.rules)} as reason from checked
     union all select _id, 'where', 'the condition of "where" leaves it out' from fixes where _id not in (select _qid from checked)`,
  );
}

/** The same for records of a source: whether they can be read with today's columns. Whole files are not tried. */
export async function tryRecords(
  step: BronzeStep,
  session: EngineSession,
  columns: readonly Column[],
  places: RecordPlaces,
): Promise<void> {
  await session.materialize(
    'numbered_fixes',
    `select m.quarantine_id, row_number() over (order by m.quarantine_id) as n, m.raw, f.mended, f.mended_raw, m.layout
     from matched m join fixes f on f._id = m.quarantine_id where m.raw is not null`,
  );
  await session.define('to_parse', 'select n, raw, mended, mended_raw, layout from numbered_fixes');
  await parseRecords(session, columns, places, recordOptions(step));
  await session.materialize(
    'trial',
    `select r.quarantine_id as _id, case when b.n is not null then ${rejectRuleSql(step.node.spec.checks, 'b.reason')} end as rule, b.reason
     from numbered_fixes r left join bad_records b on b.n = r.n`,
  );
}
