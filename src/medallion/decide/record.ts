import { decisionNote } from '../../core/model/decision-note.ts';
import { tableKey } from '../../core/model/table.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { DecisionGroup, DecisionRecord } from '../../core/ports/ledger.ts';
import { faultPoint } from '../../kit/fault.ts';
import { timeSortedId } from '../../kit/ids.ts';
import { quoteText } from '../../kit/sql.ts';
import { nowIso, type RunContext } from '../context.ts';
import { DECIDED_COLUMNS, type DecisionAction, decidedOf } from '../decisions.ts';
import { QUARANTINE_COLUMNS } from '../quarantine.ts';
import type { RejectingNode } from './select.ts';

/** Who decides what, and why. */
export interface Decision {
  readonly action: DecisionAction;
  readonly why?: string;
  readonly decided_by: string;
}

/**
 * Commits a decision about the rows of `matched` that `fixes` names, with the corrected records. From here on it holds: the next step of the
 * table carries it out, whatever happens in between. Undefined when there is nothing to decide.
 */
export async function recordDecision(
  run: RunContext,
  session: EngineSession,
  node: RejectingNode,
  decision: Decision,
): Promise<DecisionRecord | undefined> {
  const groups = await groupsOf(session);
  if (groups.length === 0) return undefined;
  const table = decidedOf(node);
  const snapshot = await run.lake.snapshot(table);
  const number = (snapshot?.version ?? -1) + 1;
  const step_id = timeSortedId();
  const record: DecisionRecord = {
    table: tableKey(node),
    decision: number,
    action: decision.action,
    ...(decision.why === undefined ? {} : { why: decision.why }),
    decided_by: decision.decided_by,
    decided_at: nowIso(run),
    run_id: run.run_id,
    groups,
  };
  const add = await session.write(rowsSql(record), {
    folder: await run.lake.stage(run.run_id, step_id, 'decided'),
    columns: DECIDED_COLUMNS,
  });
  faultPoint('before-decision');
  await run.lake.commit({
    table,
    read_version: snapshot?.version,
    // Not a blind append: the number of the decision is the version that it becomes.
    mode: 'rewrite',
    add,
    remove: [],
    columns: DECIDED_COLUMNS,
    partition_by: [],
    txns: [],
    note: decisionNote(record, step_id),
    fence: () => run.lock.check(),
  });
  faultPoint('after-decision-commit');
  run.ledger.recordDecision(record);
  faultPoint('after-decision');
  return record;
}

function rowsSql(record: DecisionRecord): string {
  const names = QUARANTINE_COLUMNS.map((column) => `m.${column.name}`).join(', ');
  const why = record.why === undefined ? 'null' : quoteText(record.why);
  return `select ${record.decision} as decision, ${quoteText(record.action)} as action, f.mended, f.mended_raw, cast(${why} as varchar) as why,
    ${quoteText(record.decided_by)} as decided_by, cast(${quoteText(record.decided_at)} as timestamptz) as decided_at,
    ${quoteText(record.run_id)} as decided_run_id, ${names} from matched m join fixes f on f._id = m.quarantine_id order by m.file, m.line, m.quarantine_id`;
}

async function groupsOf(session: EngineSession): Promise<readonly DecisionGroup[]> {
  const rows = await session.rows(
    `select coalesce(file, '') as file, rule, run_id, count(*) as n from matched
     where quarantine_id in (select _id from fixes) group by all order by all`,
    { rows_max: 1_000_000 },
  );
  return rows.map((row) => ({
    file: String(row['file']),
    rule: String(row['rule']),
    quarantine_run_id: String(row['run_id']),
    rows: Number(row['n']),
  }));
}
