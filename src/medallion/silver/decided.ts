import type { EngineColumn, EngineSession } from '../../core/ports/engine.ts';
import type { ReturnedRows, TestResult } from '../../core/ports/ledger.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { appliedDecision, returnedRows } from '../decisions.ts';
import { quarantineIdSql } from '../quarantine.ts';
import { rowIdentity } from './reject.ts';
import { DISCARDED, isInternal, memberSql, rawJsonSql, type SilverStep } from './sql.ts';

/**
 * Defines `src` over `src_as_read`: rows that a decision is in force about take their corrected values, or are marked as discarded. They stay
 * where they were in the order of arrival, so that a row that is sent again beats nothing that came after it. Such rows are found
 * by file and content, which a computation of the whole table sees again; decisions whose rows are gone find nothing.
 */
export async function applyDecisions(
  step: SilverStep,
  session: EngineSession,
  columns: readonly EngineColumn[],
): Promise<void> {
  const own = columns.filter((column) => !isInternal(column.name));
  await session.materialize(
    'decided_rows',
    `with twins as (
      select *, row_number() over (partition by _file, _raw order by ${twinOrder(step)}) as _twin
      from (select _src, _part, _pos, _file, ${rawJsonSql(columns, '')} as _raw from src_as_read
        where coalesce(_file, '') in (select coalesce(file, '') from in_force))
    )
    select t._src, t._part, t._pos, t._raw, t._id, f.mended, coalesce(f.action = 'discard', false) as discarded
    from (select *, ${quarantineIdSql({ layer: 'silver', name: step.node.name }, rowIdentity('_raw'))} as _id from twins) t
    left join in_force f on f.quarantine_id = t._id`,
    { counted: false },
  );
  const values = own.map((column) => {
    const name = quoteIdent(column.name);
    const mended = `try_cast(${memberSql('d.mended', column.name)} as ${column.type})`;
    return `case when d.mended is null then r.${name} else ${mended} end as ${name}`;
  });
  await session.define(
    'src',
    `select ${values.join(', ')}, r._file, r._line, coalesce(r._qid, d._id) as _qid, coalesce(r._was, d._raw) as _was,
       coalesce(d.discarded, false) as _discarded, r._src, r._part, r._pos
     from src_as_read r left join decided_rows d on d._src = r._src and d._part = r._part and d._pos = r._pos`,
  );
}

/**
 * Equal rows of one file are numbered as they were when they were rejected. Under `before_rules` only one row of a key was judged, the first
 * or the last: it is number 1.
 */
function twinOrder(step: SilverStep): string {
  const { dedupe } = step.node.spec;
  const way = dedupe?.before_rules === true && dedupe.keep === 'last' ? 'desc' : 'asc';
  return ['_src', '_part', '_pos'].map((column) => `${column} ${way}`).join(', ');
}

/** Rows of new decisions that this computation did not bring home. */
export function returnedHere(
  step: SilverStep,
  session: EngineSession,
  any_bad: boolean,
): Promise<readonly ReturnedRows[]> {
  const bad = any_bad ? `select _qid from bad where _rule <> ${DISCARDED}` : 'select cast(null as varchar)';
  return returnedRows(session, appliedDecision(step), `quarantine_id in (${bad})`);
}

/** Decisions whose rows are no longer in the input, said so that nobody wonders: the file was rewritten, or is gone. */
export async function unmatched(session: EngineSession): Promise<readonly TestResult[]> {
  const sql = 'select count(*) as n from in_force where quarantine_id not in (select _id from decided_rows)';
  const [row] = await session.rows(sql);
  const failures = Number(row?.['n'] ?? 0);
  if (failures === 0) return [];
  const message = `${failures} rows that were fixed or discarded are no longer in the input; these decisions find nothing to apply to`;
  return [{ test: 'decisions_without_rows', severity: 'warn', passed: false, failures, message }];
}
