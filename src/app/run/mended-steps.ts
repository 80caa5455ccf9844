import type { Ledger, StepRecord } from '../../core/ports/ledger.ts';
import type { RunContext } from '../../medallion/context.ts';
import type { PlannedStep } from './plan-run.ts';

/** Steps whose newest record tells of a failure, or of another's failure that kept them from running. */
export function notSucceeded(ledger: Ledger): ReadonlyMap<string, StepRecord> {
  const found = ledger.latestSteps().filter((step) => step.status === 'failed' || step.status === 'skipped');
  return new Map(found.map((step) => [step.step, step]));
}

/** Whether a step that did not succeed is up to date as it is: its definition was taken back, for example. */
export function someMended(ledger: Ledger, pending: readonly PlannedStep[]): boolean {
  const before = notSucceeded(ledger);
  return pending.some((step) => step.action === 'skip' && before.has(step.step));
}

/**
 * Enters that a step is up to date which did not succeed before, so that nobody takes it for failed any longer. Its kept candidate is
 * of no use then. A source is looked at in each run, and enters what it found itself.
 */
export async function enterMended(
  run: Pick<RunContext, 'ledger' | 'lake'>,
  record: StepRecord,
  before: StepRecord | undefined,
): Promise<void> {
  if (before === undefined || record.status !== 'up_to_date') return;
  if (!record.step.startsWith('bronze.')) {
    const version = run.ledger.lastSuccess(record.step)?.output_version;
    run.ledger.finishStep({ step: { ...record, ...(version === undefined ? {} : { output_version: version }) } });
  }
  if (before.status === 'failed') await run.lake.discardStaging(before.run_id, before.step_id);
}
