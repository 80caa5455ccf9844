import type { EngineSession } from '../../core/ports/engine.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import type { StepOutcome, StepRecord } from '../../core/ports/ledger.ts';
import { faultPoint } from '../../kit/fault.ts';
import { relationOf } from '../context.ts';
import { appliedDecision } from '../decisions.ts';
import { commitQuarantine, unchanged } from '../publish.ts';
import { countOf, type SilverCandidate } from './candidate.ts';
import { DISCARDED, type SilverStep } from './sql.ts';

/**
 * True when rows that were sent again are all that the step was about, and every one of them was rejected again: the table is what it was, and only
 * its quarantine knows of it. Where a bad row may hold the key of a good one, the rows are compared; where lookups may answer otherwise, the table is
 * published all the same.
 */
export async function noneCameHome(
  step: SilverStep,
  session: EngineSession,
  snapshot: Snapshot,
  made: SilverCandidate,
): Promise<boolean> {
  const { verdict, node } = step;
  if (made.quarantined === 0 || !verdict.causes.every((cause) => cause.kind === 'decided')) return false;
  if ((node.spec.enrich ?? []).length > 0) return false;
  const bad = `select _qid from bad where _rule <> ${DISCARDED} and _qid is not null`;
  const home = `in_force where decision > ${appliedDecision(step)} and action <> 'discard' and quarantine_id not in (${bad})`;
  if ((await countOf(session, home)) > 0) return false;
  return node.spec.dedupe?.before_rules !== true || (await sameRows(session, snapshot, made));
}

/** Whether the candidate holds the rows of the published version, each as often. */
async function sameRows(session: EngineSession, snapshot: Snapshot, made: SilverCandidate): Promise<boolean> {
  const files = [...made.keep, ...made.add];
  if (files.reduce((sum, file) => sum + file.rows, 0) !== snapshot.rows) return false;
  if (JSON.stringify(made.columns) !== JSON.stringify(snapshot.columns)) return false;
  const { columns, partition_by } = snapshot;
  await session.bind({ name: 'made_rows', columns, partition_by, files });
  await session.bind(relationOf(snapshot, 'published_rows'));
  // As many rows on both sides: where none of the one is too many, none of the other is.
  return (await countOf(session, '(from made_rows except all from published_rows)')) === 0;
}

/** Commits the quarantine with all that the ledger learns, and nothing else. */
export async function onlyRejectedAgain(
  step: SilverStep,
  snapshot: Snapshot,
  made: SilverCandidate,
): Promise<StepRecord> {
  const record = unchanged(step, snapshot.version);
  const outcome: StepOutcome = {
    step: record,
    quarantine: made.quarantine_counts,
    replaces_quarantine: made.replaces_quarantine,
    returned: made.returned,
  };
  if (made.quarantine !== undefined) await commitQuarantine(step, made.quarantine, snapshot.version, outcome);
  faultPoint('after-quarantine-commit');
  step.run.ledger.finishStep(outcome);
  await step.run.lake.discardStaging(step.run.run_id, step.step_id);
  return record;
}
