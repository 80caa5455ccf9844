import type { Ledger, RunRecord, StepRecord } from '../../core/ports/ledger.ts';

/** A live run holds its lock; of a process on another host nobody here can tell, so it counts as alive. */
export function isAtWork(ledger: Ledger, run: RunRecord): boolean {
  if (run.status !== 'running') return false;
  return ledger.lockHolders().some((one) => one.pid === run.pid && one.host === run.host && one.state !== 'dead');
}

/** A run as it stands: one that died is marked as running until the next run comes. Judged, not written. */
export function judgedRun(ledger: Ledger, run: RunRecord): RunRecord {
  if (run.status !== 'running' || isAtWork(ledger, run)) return run;
  return {
    ...run,
    status: 'interrupted',
    error: {
      code: 'E_INTERRUPTED',
      message: 'the process died',
      hint: '`dataflow run` or `dataflow retry` finishes it: finished steps are not repeated.',
    },
  };
}

/**
 * The steps of a run as they stand: what a dead process worked on is not at work, and a source that carried decisions out and then found no new input
 * is told once.
 */
export function judgedSteps(run: RunRecord, steps: readonly StepRecord[]): readonly StepRecord[] {
  const done = new Set(steps.flatMap(({ step, status }) => (status === 'succeeded' ? [step] : [])));
  const told = steps.filter(({ step, status }) => status !== 'up_to_date' || !done.has(step));
  if (run.status === 'running') return told;
  return told.map((step) =>
    step.status === 'running' ? { ...step, status: 'skipped', reason: 'the process that worked on it died' } : step,
  );
}
