import { decisionFrom } from '../core/model/decision-note.ts';
import { type Column, type TableId, tableKey } from '../core/model/table.ts';
import type { Node } from '../core/planning/graph.ts';
import type { EngineSession } from '../core/ports/engine.ts';
import type { Snapshot } from '../core/ports/lake.ts';
import type { ReturnedRows } from '../core/ports/ledger.ts';
import { type RunContext, relationOf, type StepContext } from './context.ts';
import { QUARANTINE_COLUMNS } from './quarantine.ts';

/** What a person can decide about a rejected row: send it again (corrected or as it is), or put it away for good. */
export const DECISION_ACTIONS = ['fix', 'replay', 'discard'] as const;
export type DecisionAction = (typeof DECISION_ACTIONS)[number];

/**
 * Columns of the table that remembers decisions about a table's rejected rows, beside a copy of the rejected row itself. `decision`
 * is the version of this table that brought the row; the newest decision about a quarantine id is the one in force. `mended` has all
 * cells of a corrected record as JSON of texts, `mended_raw` a record that was corrected as text, for records that could not be taken apart.
 */
export const DECIDED_COLUMNS: readonly Column[] = [
  { name: 'decision', type: 'bigint', nullable: false },
  { name: 'action', type: 'varchar', nullable: false },
  { name: 'mended', type: 'varchar', nullable: true },
  { name: 'mended_raw', type: 'varchar', nullable: true },
  { name: 'why', type: 'varchar', nullable: true },
  { name: 'decided_by', type: 'varchar', nullable: false },
  { name: 'decided_at', type: 'timestamptz', nullable: false },
  { name: 'decided_run_id', type: 'varchar', nullable: false },
  ...QUARANTINE_COLUMNS,
];

/** Where the decisions about a table's rejected rows are kept: `quarantine.decided_silver_achats`. No layer is called so, so no name collides. */
export function decidedOf(table: TableId): TableId {
  return { layer: 'quarantine', name: `decided_${table.layer}_${table.name}` };
}

/** The name under which a step's record holds the version of the decisions that it took into account. */
export function decidedInput(table: TableId): string {
  return tableKey(decidedOf(table));
}

/** The version of the decisions that the table's last success took into account; -1 = none. */
export function appliedDecision(step: Pick<StepContext, 'run' | 'node'>): number {
  return step.run.ledger.lastSuccess(step.node.key)?.inputs[decidedInput(step.node)] ?? -1;
}

/**
 * Decisions about rejected rows of a table, and how many of them its last success did not know of. A version that brought none (compaction took out
 * what is no longer needed) counts as the one that was taken into account, and so does one without rows: all of them were undone, or are no longer needed.
 */
export async function decisionsOf(
  { lake, ledger }: Pick<RunContext, 'lake' | 'ledger'>,
  node: Node,
): Promise<{ readonly decided: Snapshot | undefined; readonly pending: number }> {
  const table = decidedOf(node);
  const decided = node.layer === 'gold' ? undefined : await lake.snapshot(table);
  const applied = ledger.lastSuccess(node.key)?.inputs[decidedInput(node)] ?? -1;
  if (decided === undefined || decided.version <= applied) return { decided, pending: 0 };
  if (decided.rows === 0) return { decided: { ...decided, version: applied }, pending: 0 };
  const brought = (await lake.history(table)).filter(
    (entry) => entry.version > applied && decisionFrom(entry.note, entry.version) !== undefined,
  );
  return brought.length === 0
    ? { decided: { ...decided, version: applied }, pending: 0 }
    : { decided, pending: brought.length };
}

/**
 * Binds the decisions of a step's table: `in_force` has the newest one about each rejected row. Returns whether there are any.
 */
export async function bindDecisions(session: EngineSession, decided: Snapshot | undefined): Promise<boolean> {
  if (decided === undefined || decided.rows === 0) return false;
  await session.bind(relationOf(decided, 'decisions'));
  const rows = await session.materialize(
    'in_force',
    'select * from decisions qualify row_number() over (partition by quarantine_id order by decision desc) = 1',
  );
  return rows > 0;
}

/**
 * SQL condition over `in_force`: the row had been discarded, and a decision newer than `applied` takes that back. It lies in no open quarantine then.
 * Needs {@link bindDecisions}.
 */
export function reopenedSql(applied: number): string {
  return `quarantine_id in (select quarantine_id from decisions where action = 'discard' and decision <= ${applied})`;
}

/**
 * Rows of decisions newer than `applied` that these decisions did not close: rejected again (`failed`, a condition on `quarantine_id`), or
 * decided on once more before they were carried out; and of discards that were taken back. By the group that they came from; needs {@link bindDecisions}.
 */
export async function returnedRows(
  session: EngineSession,
  applied: number,
  failed: string,
): Promise<readonly ReturnedRows[]> {
  const rows = await session.rows(
    `select d.decision, coalesce(d.file, '') as file, d.rule, d.run_id, count(*) as n
     from decisions d join in_force f on f.quarantine_id = d.quarantine_id
     where case when d.decision > ${applied} then f.decision > d.decision or d.${failed}
       else d.action = 'discard' and f.decision > d.decision end group by all order by all`,
    { rows_max: 1_000_000 },
  );
  return rows.map((row) => ({
    decision: Number(row['decision']),
    file: String(row['file']),
    rule: String(row['rule']),
    quarantine_run_id: String(row['run_id']),
    rows: Number(row['n']),
  }));
}
