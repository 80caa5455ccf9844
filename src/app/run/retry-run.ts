import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import type { Ledger, RunRecord, StepRecord } from '../../core/ports/ledger.ts';
import type { Rooms } from '../rooms.ts';
import { isAtWork } from './judged-run.ts';
import type { RunOptions } from './locked-run.ts';
import { ledgerForReading } from './open-project.ts';

/** What is left to do of a run. */
export interface Leftover {
  /** Undefined when there was no run at all. */
  readonly run: RunRecord | undefined;
  /** Steps that failed, were skipped because of that, or were not reached; in the order of the run. Empty = nothing to retry. */
  readonly steps: readonly string[];
  /** The run's own options, for {@link RunOptions}. */
  readonly options: Pick<
    RunOptions,
    'selection' | 'full_refresh' | 'force' | 'rehash' | 'redo' | 'allow_missing' | 'fail_fast' | 'retry_of'
  >;
}

/**
 * Finds what a run left undone and how it was asked for. Without a name the newest run is meant. Reads only.
 * @throws DataflowError E_SELECTION for an unknown or ambiguous run, E_LOCKED for one that still goes on.
 */
export async function findLeftover(rooms: Rooms, project: Project, name: string | undefined): Promise<Leftover> {
  const ledger = await ledgerForReading(rooms, project, await rooms.openLake(project));
  try {
    const run = name === undefined || name === 'last' ? ledger.runs(1)[0] : oneRun(ledger, name);
    refuseLive(ledger, run);
    const steps = run === undefined ? [] : leftOf(run, ledger.steps(run.run_id));
    const { full_refresh = false, force = false, rehash = false, redo = false, fail_fast = false } = run?.options ?? {};
    const allow_missing = run?.options?.allow_missing === true;
    const selection = { select: [], exclude: [], keys: new Set(steps) };
    const retry_of = run === undefined ? {} : { retry_of: run.run_id };
    return {
      run,
      steps,
      options: { selection, full_refresh, force, rehash, redo, allow_missing, fail_fast, ...retry_of },
    };
  } finally {
    ledger.close();
  }
}

function oneRun(ledger: Ledger, name: string): RunRecord {
  const [run, ...others] = ledger.runsLike(name);
  if (run === undefined) {
    throw new DataflowError('E_SELECTION', `there is no run ${name}`, {
      hint: 'See them with `dataflow status --runs`.',
    });
  }
  if (others.length > 0 && run.run_id !== name) {
    throw new DataflowError('E_SELECTION', `several runs begin with ${name}`, { hint: 'Write more of the id.' });
  }
  return run;
}

/** A dead run is still marked as running until the next run comes; a live one holds its lock. */
function refuseLive(ledger: Ledger, run: RunRecord | undefined): void {
  if (run === undefined || !isAtWork(ledger, run)) return;
  throw new DataflowError('E_LOCKED', `run ${run.run_id} still goes on (process ${run.pid} on ${run.host})`);
}

/** Pure: an interrupted run recorded nothing for the steps that it did not reach; one that spent its budget recorded each as skipped. */
export function leftOf(run: RunRecord, records: readonly StepRecord[]): readonly string[] {
  const ends = new Map(records.map((record) => [record.step, record.status]));
  const done = (step: string): boolean => ['succeeded', 'up_to_date'].includes(ends.get(step) ?? '');
  const spent = run.error?.code === 'E_BUDGET';
  const broken = ['running', 'interrupted'].includes(run.status) || (run.error !== undefined && !spent);
  // Each window of a backfill is a record of the same step: one that is done says nothing of the rest.
  if (broken && run.options?.backfill !== undefined) return run.options.steps;
  if (broken && run.options !== undefined) return run.options.steps.filter((step) => !done(step));
  return [...ends].filter(([step]) => !done(step)).map(([step]) => step);
}
