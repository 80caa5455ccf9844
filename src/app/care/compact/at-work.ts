import { parseTableKey, type TableId } from '../../../core/model/table.ts';
import type { Ledger } from '../../../core/ports/ledger.ts';

const RUNS_LOOKED_AT = 20;

/** True while a run, or whatever else publishes under the pipeline's lock, may be alive. */
export function runAtWork(ledger: Ledger): boolean {
  return ledger.lockHolders().some((holder) => holder.scope.startsWith('pipeline:') && holder.state !== 'dead');
}

/** Steps that a live run is working on. */
export function busySteps(ledger: Ledger): ReadonlySet<string> {
  if (!runAtWork(ledger)) return new Set();
  const running = ledger.runs(RUNS_LOOKED_AT).filter((run) => run.status === 'running');
  const steps = running.flatMap((run) => ledger.steps(run.run_id)).filter((step) => step.status === 'running');
  return new Set(steps.map((step) => step.step));
}

/** The table whose step writes this one. */
export function ownerOf(table: TableId): TableId {
  return table.layer === 'quarantine' ? (parseTableKey(table.name.replace('_', '.')) ?? table) : table;
}
