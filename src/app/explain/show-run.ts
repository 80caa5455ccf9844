import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Receipt } from '../../core/model/receipt.ts';
import { LAYERS } from '../../core/model/table.ts';
import type { Ledger, RunRecord, StepRecord } from '../../core/ports/ledger.ts';
import { judgedRun, judgedSteps } from '../run/judged-run.ts';

/** One run as the ledger knows it. */
export interface RunView {
  readonly run: RunRecord;
  readonly steps: readonly StepRecord[];
  readonly receipt: Receipt | undefined;
}

/**
 * A run by its id, by the beginning of its id, or `last`.
 * @throws DataflowError E_SELECTION when no run, or more than one, is meant.
 */
export function showRun(ledger: Ledger, name: string): RunView {
  const newest = ledger.runs(1_000);
  const found = name === 'last' ? newest.slice(0, 1) : newest.filter((run) => run.run_id.startsWith(name)).slice(0, 2);
  const one = ledger.run(name) ?? (found.length === 1 ? found[0] : undefined);
  if (one === undefined) {
    const what = found.length > 1 ? `more than one run begins with ${name}` : `there is no run ${name}`;
    throw new DataflowError('E_SELECTION', what, { hint: 'See the runs with `dataflow status --runs`.' });
  }
  const run = judgedRun(ledger, one);
  return { run, steps: inOrder(judgedSteps(run, ledger.steps(run.run_id))), receipt: ledger.receipt(run.run_id) };
}

/** By layer and name: the order in which steps happened to end side by side says nothing. */
function inOrder(steps: readonly StepRecord[]): readonly StepRecord[] {
  const place = ({ step }: StepRecord): string => `${LAYERS.findIndex((layer) => step.startsWith(layer))} ${step}`;
  return steps.toSorted((a, b) => (place(a) < place(b) ? -1 : 1));
}
