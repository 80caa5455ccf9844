import { quarantineOf } from '../core/model/table.ts';
import type { Snapshot } from '../core/ports/lake.ts';
import type { ReturnedRows, StepOutcome } from '../core/ports/ledger.ts';
import { faultPoint } from '../kit/fault.ts';
import type { StepContext } from './context.ts';
import { appliedDecision, bindDecisions, returnedRows } from './decisions.ts';
import { commitQuarantine } from './publish.ts';
import { quarantineRanAhead, stageQuarantine } from './quarantine.ts';

/** SQL condition over quarantine rows: the decision in force is to discard this very content. */
export const DISCARDED_SQL = `(quarantine_id, coalesce(raw, '')) in (select (quarantine_id, coalesce(raw, '')) from in_force where action = 'discard')`;

/**
 * Takes rows that were discarded out of the open quarantine. The decision itself is in the lake already, so doing this twice, or after a crash
 * by the next run, comes to the same. Nothing of the table itself changes. `outcome`: what the ledger learns when that is all the step does.
 * Returns the rows of decisions that were made again before they were carried out.
 */
export async function dropDiscarded(
  step: StepContext,
  published: Snapshot | undefined,
  outcome?: StepOutcome,
): Promise<readonly ReturnedRows[]> {
  const { run, node, decided } = step;
  const applied = appliedDecision(step);
  if (decided === undefined || decided.version <= applied) return [];
  const open = await run.lake.snapshot(quarantineOf(node));
  // A quarantine that ran ahead of its table is written anew with the whole table.
  if (open === undefined || open.rows === 0 || (await quarantineRanAhead(step, published?.version))) return [];
  const session = await run.openSession(`${run.run_id}/${node.key}/discards`);
  try {
    if (!(await bindDecisions(session, decided))) return [];
    const returned = await returnedRows(session, applied, 'quarantine_id is null');
    const change = await stageQuarantine(step, session, undefined, DISCARDED_SQL);
    if (change.add.reduce((sum, file) => sum + file.rows, 0) === open.rows) return returned;
    await commitQuarantine(
      step,
      change,
      published?.version,
      outcome === undefined ? undefined : { ...outcome, returned },
    );
    faultPoint('after-discard');
    return returned;
  } finally {
    await session.close();
  }
}

/** All that the step has to do is to carry out discards: no row of the table depends on them, however it is computed. */
export async function onlyDiscards(step: StepContext, published: Snapshot): Promise<boolean> {
  const { run, node, decided, verdict } = step;
  if (decided === undefined || !verdict.causes.every((cause) => cause.kind === 'decided')) return false;
  if (await quarantineRanAhead(step, published.version)) return false;
  const session = await run.openSession(`${run.run_id}/${node.key}/decisions`);
  try {
    if (!(await bindDecisions(session, decided))) return false;
    const [row] = await session.rows(
      `select count(*) as n from in_force where decision > ${appliedDecision(step)} and action <> 'discard'`,
    );
    return Number(row?.['n'] ?? 0) === 0;
  } finally {
    await session.close();
  }
}
