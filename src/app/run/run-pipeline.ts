import { setTimeout as sleep } from 'node:timers/promises';
import type { Project } from '../../core/model/project.ts';
import type { Graph } from '../../core/planning/graph.ts';
import type { Lake } from '../../core/ports/lake.ts';
import type { Ledger, StepRecord } from '../../core/ports/ledger.ts';
import type { Rooms } from '../rooms.ts';
import { checkEstimate } from './budget.ts';
import type { RunOptions } from './locked-run.ts';
import { someMended } from './mended-steps.ts';
import { openLedgerFor } from './open-project.ts';
import { holdingPipeline } from './pipeline-lock.ts';
import { planningContext, withResults } from './plan-pipeline.ts';
import { type PlannedStep, planSteps, selectSteps } from './plan-run.ts';
import { unrecorded } from './reconcile.ts';
import { isReleased, releasable } from './release.ts';
import type { RunReport } from './run-events.ts';
import { toldAfterwards } from './told-afterwards.ts';

/**
 * The main verb. Plans; when nothing has to be done it says so without starting an engine. Otherwise takes the lock, runs the
 * selected steps side by side in dependency order, and records a release when all of them succeeded.
 * @throws DataflowError E_LOCKED, E_LEDGER_*, E_CONFIG_*, E_SELECTION, E_INTERRUPTED; failures of single steps are in the report.
 */
export function runPipeline(rooms: Rooms, project: Project, options: RunOptions): Promise<RunReport> {
  return toldAfterwards(rooms, project, options, (tell) => pipelineRun(rooms, project, { ...options, tell }));
}

async function pipelineRun(rooms: Rooms, project: Project, options: RunOptions): Promise<RunReport> {
  const started_ms = Date.now();
  const cpu_before = process.cpuUsage();
  const checks = await rooms.checks();
  const lake = await rooms.openLake(project);
  const ledger = await openLedgerFor(rooms, project, lake);
  try {
    const { graph, selected } = selectSteps(project, checks, withResults(options.selection, ledger));
    const plan = () => planSteps(planningContext(rooms, { project, lake, ledger, checks, graph }, options), selected);
    const pending = (await settled(await plan(), options)) ?? (await plan());
    const idle = pending.every((step) => step.action === 'skip' || step.action === 'wait');
    if (options.first === undefined && idle && !someMended(ledger, pending) && !(await leftUndone(graph, lake, ledger)))
      return nothingToDo(pending, started_ms);
    checkEstimate(project, graph, pending, ledger, (message) => options.tell({ type: 'warning', message }));
    // A run with nothing to do is to start without the steps' code.
    const { lockedRun } = await import('./locked-run.ts');
    const computes = pending.some((step) => step.action === 'run');
    const began = { started_ms, cpu_before, computes };
    return await holdingPipeline(rooms, { project, ledger }, { command: options.command }, (lock) =>
      lockedRun(rooms, { project, lake, ledger, checks, graph }, lock, selected, options, began),
    );
  } finally {
    ledger.close();
  }
}

/** Longest wait for files that were written just now. */
const SETTLE_WAIT_MS_MAX = 5_000;

/** Waits a moment for files that were written just now, so that they need not wait for the next run; undefined = plan again. */
async function settled(
  pending: readonly PlannedStep[],
  options: RunOptions,
): Promise<readonly PlannedStep[] | undefined> {
  const wait_ms = Math.max(0, ...pending.map((step) => step.ready_in_ms ?? 0));
  if (wait_ms === 0 || wait_ms > SETTLE_WAIT_MS_MAX) return pending;
  const seconds = (wait_ms / 1000).toFixed(1);
  options.tell({
    type: 'notice',
    message: `some files were written just now; waiting ${seconds} s for them to settle`,
  });
  await sleep(wait_ms + 10, undefined, { signal: options.signal });
  return undefined;
}

/**
 * What a run that died may have left to do although every table is up to date: a commit that the ledger does not know, a run
 * that nobody closed, a release that was not recorded.
 */
async function leftUndone(graph: Graph, lake: Lake, ledger: Ledger): Promise<boolean> {
  if (ledger.undos().some((undo) => !undo.finished)) return true;
  if (ledger.runs(20).some((run) => run.status === 'running')) return true;
  if ((await unrecorded(graph, lake, ledger)).length > 0) return true;
  const tables = await releasable(graph, lake, ledger);
  return tables !== undefined && !isReleased(ledger, tables);
}

function nothingToDo(pending: readonly PlannedStep[], started_ms: number): RunReport {
  const steps: StepRecord[] = pending.map((step) => ({
    run_id: '',
    step_id: '',
    step: step.step,
    status: step.action === 'wait' ? 'skipped' : 'up_to_date',
    reason: step.reason,
    inputs: {},
    tests: [],
    started_at: new Date(started_ms).toISOString(),
  }));
  return {
    run_id: undefined,
    status: 'nothing_to_do',
    steps,
    release_id: undefined,
    wall_ms: Date.now() - started_ms,
    refused_files: 0,
    refused_again: 0,
    exit_code: 0,
  };
}
