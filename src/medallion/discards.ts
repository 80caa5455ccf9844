import { quarantineOf } from '../core/model/table.ts';
import type { Snapshot } from '../core/ports/lake.ts';
import { faultPoint } from '../kit/fault.ts';
import type { StepContext } from './context.ts';
import { appliedDecision, bindDecisions } from './decisions.ts';
import { commitQuarantine } from './publish.ts';
import { quarantineRanAhead, stageQuarantine } from './quarantine.ts';

/** SQL condition over quarantine rows: the decision in force is to discard this very content. */
export const DISCARDED_SQL = `(quarantine_id, coalesce(raw, '')) in (select (quarantine_id, coalesce(raw, '')) from in_force where action = 'discard')`;

/**
 * Takes rows that were discarded out of the open quarantine. The decision itself is in the lake already, so doing this twice, or after a crash
 * by the next run, comes to the same. Nothing of the table itself changes.
 */
export async function dropDiscarded(step: StepContext, published: Snapshot | undefined): Promise<void> {
  const { run, node, decided } = step;
  if (decided === undefined || decided.version <= appliedDecision(step)) return;
  const open = await run.lake.snapshot(quarantineOf(node));
  // A quarantine that ran ahead of its table is written anew with the whole table.
  if (open === undefined || open.rows === 0 || (await quarantineRanAhead(step, published?.version))) return;
  const session = await run.openSession(`${run.run_id}/${node.key}/discards`);
  try {
    if (!(await bindDecisions(session, decided))) return;
    const gone = DISCARDED_SQL;
    const change = await stageQuarantine(step, session, undefined, gone);
    if (change.add.reduce((sum, file) => sum + file.rows, 0) === open.rows) return;
    await commitQuarantine(step, change, published?.version ?? 0);
    faultPoint('after-discard');
  } finally {
    await session.close();
  }
}
