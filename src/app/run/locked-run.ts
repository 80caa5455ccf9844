import { join } from 'node:path';
import { CATALOGUE, type ErrorCode } from '../../core/errors/catalogue.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import type { Receipt } from '../../core/model/receipt.ts';
import { parentsOf } from '../../core/planning/graph.ts';
import { reasonOf } from '../../core/planning/reasons.ts';
import type { Lake } from '../../core/ports/lake.ts';
import type { Lock, QuarantineCount, RunStatus, StepRecord } from '../../core/ports/ledger.ts';
import { faultPoint } from '../../kit/fault.ts';
import { timeSortedId } from '../../kit/ids.ts';
import type { RunContext } from '../../medallion/context.ts';
import { redoDecisions } from '../quarantine/redo-decisions.ts';
import type { Rooms } from '../rooms.ts';
import { enterMended, notSucceeded } from './mended-steps.ts';
import type { OpenProject } from './open-project.ts';
import { recordRelease, releasable } from './release.ts';
import type { RunReport } from './run-events.ts';
import { budgetError, type RunMeter } from './run-meter.ts';
import { ProgressWatch } from './run-progress.ts';
import { beginRun, type LazyEngine, lazyEngine, type SetUpOptions, setUpRun } from './run-setup.ts';
import { failureOf, runStep } from './run-step.ts';
import { runSchedule, type StepEnd } from './schedule.ts';
import { discardMended, failedRuns } from './staging-kept.ts';

export interface RunOptions extends SetUpOptions {
  /** What is to be done under the lock before the first step; with it the run takes place even when every table is up to date. */
  readonly first?: (run: RunContext) => Promise<void>;
  /** Write the project's numbers there afterwards. */
  readonly metrics_file?: string;
  /** For a backfill: the work instead of that of the selected steps. */
  readonly work?: (run: RunContext, tell: SetUpOptions['tell']) => Promise<readonly StepRecord[]>;
}

/**
 * A run that holds the lock: mends what a dead run left, runs the steps, records the release. Failures of steps are in the report.
 * @param began.computes some step is known to need the engine.
 */
export async function lockedRun(
  rooms: Rooms,
  open: OpenProject,
  lock: Lock,
  selected: ReadonlySet<string>,
  asked: RunOptions,
  began: { readonly started_ms: number; readonly cpu_before: NodeJS.CpuUsage; readonly computes?: boolean },
): Promise<RunReport> {
  const { project, lake, ledger, graph } = open;
  const run_id = timeSortedId();
  const progress = new ProgressWatch({
    run_id,
    temp_folder: join(rooms.stateFolder(project), 'tmp', run_id),
    steps_total: selected.size,
    lastWallMs: (step) => ledger.lastSuccess(step)?.resources?.wall_ms,
    tell: asked.tell,
  });
  const options: RunOptions = { ...asked, tell: progress.tell };
  const engine = lazyEngine(rooms, project);
  if (began.computes === true) engine.warm();
  const { run, meter, threads, close } = await begun(engine, async () => {
    await beginRun(rooms, open, lock, selected, options, { run_id, started_ms: began.started_ms });
    return setUpRun(rooms, open, lock, options, { ...began, run_id }, engine, progress).catch((error: unknown) => {
      ledger.finishRun(run_id, 'failed', failureOf(error));
      throw error;
    });
  });
  const open_before = openRows(ledger.quarantine());
  const failed_before = failedRuns(ledger);
  try {
    await options.first?.(run);
    if (run.redo) await redoDecisions(run, selected);
    const steps = await (options.work?.(run, options.tell) ?? runAll(run, selected, options, meter, threads));
    if (options.work !== undefined) for (const step of steps) meter.add(step);
    const release_id = steps.some((step) => step.status === 'failed')
      ? undefined
      : await recordRelease(lake, ledger, run_id, await releasable(graph, lake, ledger));
    const receipt = meter.receipt(run_id);
    const over = overBudget(project, receipt, meter);
    const status = statusOf(steps, over);
    // While the run is not closed, a crash in here is the next run's to tidy up after.
    await tidyStaging(lake, run_id, steps);
    await discardMended(open, () => rooms.openLeases(project), failed_before);
    faultPoint('before-finish-run');
    ledger.finishRun(run_id, status, over === undefined ? undefined : failureOf(over));
    ledger.recordReceipt(receipt);
    const refused_files = ledger.refusedInputs(run_id);
    return {
      run_id,
      status,
      steps,
      release_id,
      wall_ms: Date.now() - began.started_ms,
      receipt,
      refused_files,
      refused_again: refusedAgain(steps, open_before, openRows(ledger.quarantine())),
      ...(over === undefined ? {} : { error: failureOf(over) }),
      exit_code: exitCodeOf(steps, refused_files) || (over === undefined ? 0 : PARTLY),
    };
  } catch (error) {
    ledger.finishRun(run_id, options.signal.aborted ? 'interrupted' : 'failed', failureOf(error));
    throw error;
  } finally {
    await close();
  }
}

/** What `begin` comes to; if it fails, the engine that was started beside it is closed. */
async function begun<T>(engine: LazyEngine, begin: () => Promise<T>): Promise<T> {
  try {
    return await begin();
  } catch (error) {
    await engine.close().catch(() => undefined);
    throw error;
  }
}

function openRows(counts: readonly QuarantineCount[]): ReadonlyMap<string, number> {
  const open = new Map<string, number>();
  for (const { table, rows } of counts) open.set(table, (open.get(table) ?? 0) + rows);
  return open;
}

/** Rows that wait in quarantine are judged again with each step that may change the verdict: only what it grew by is news. */
function refusedAgain(
  steps: readonly StepRecord[],
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): number {
  return steps.reduce((sum, { step, status, balance }) => {
    const grown = Math.max(0, (after.get(step) ?? 0) - (before.get(step) ?? 0));
    return status === 'succeeded' ? sum + Math.max(0, (balance?.quarantined ?? 0) - grown) : sum;
  }, 0);
}

/** Candidates of failed steps stay for inspection. */
async function tidyStaging(lake: Lake, run_id: string, steps: readonly StepRecord[]): Promise<void> {
  if (!steps.some((step) => step.status === 'failed')) return lake.discardStaging(run_id);
  for (const step of steps) if (step.status === 'succeeded') await lake.discardStaging(run_id, step.step_id);
}

/** Exit code of a run that did only a part of what was asked for. */
const PARTLY = 4;

/** What a run passed of its budget, where the budget says `fail`: even when it did all its work, it is no full success. */
function overBudget(project: Project, receipt: Receipt, meter: RunMeter): DataflowError | undefined {
  if (meter.spent !== undefined) return meter.spent;
  if (project.budget?.on_exceed !== 'fail' || receipt.over_budget.length === 0) return undefined;
  return budgetError(receipt.over_budget, 'used', project);
}

async function runAll(
  run: RunContext,
  selected: ReadonlySet<string>,
  options: RunOptions,
  meter: RunMeter,
  threads: number,
): Promise<readonly StepRecord[]> {
  const records = new Map<string, StepRecord>();
  const unmended = notSucceeded(run.ledger);
  const tell: RunOptions['tell'] = (event) => {
    if (event.type === 'step_repeated') meter.addRetry(event.step);
    options.tell(event);
  };
  const finish = (record: StepRecord): StepEnd => {
    records.set(record.step, record);
    meter.add(record);
    options.tell({ type: 'step_finished', record });
    return record.status === 'failed' ? 'failed' : record.status === 'skipped' ? 'skipped' : 'ok';
  };
  const skip = (key: string, reason: string): StepEnd => {
    const now = new Date().toISOString();
    const record: StepRecord = {
      run_id: run.run_id,
      step_id: timeSortedId(),
      step: key,
      status: 'skipped',
      reason,
      inputs: {},
      tests: [],
      started_at: now,
      finished_at: now,
    };
    run.ledger.finishStep({ step: record });
    return finish(record);
  };
  await runSchedule(
    run.graph,
    selected,
    Math.max(1, Math.min(4, threads)),
    async (key) => {
      const node = run.graph.byKey.get(key);
      if (node === undefined) throw new DataflowError('E_INTERNAL', `unknown step ${key}`);
      if (meter.spent !== undefined) return skip(key, `skipped: ${meter.spent.message}`);
      const record = await runStep(run, node, options, tell);
      await enterMended(run, record, unmended.get(key));
      return finish(record);
    },
    (key, because, fail_fast) => skip(key, reasonOf([{ kind: 'parent_failed', table: because, fail_fast }])),
    { fail_fast: options.fail_fast === true, small: (key) => isSmall(run, records, key) },
  );
  return run.graph.nodes.flatMap((node) => records.get(node.key) ?? []);
}

/** What a step reads below which it has next to nothing to compute. */
const SMALL_BYTES = 1_000_000;

/** All that a step reads was written as a whole in this run, and is small. */
function isSmall(run: RunContext, records: ReadonlyMap<string, StepRecord>, key: string): boolean {
  const node = run.graph.byKey.get(key);
  if (node === undefined || node.layer === 'bronze') return false;
  let bytes = 0;
  for (const parent of parentsOf(node)) {
    const record = records.get(parent);
    if (record?.mode !== 'full') return false;
    bytes += record.resources?.bytes_written ?? SMALL_BYTES;
  }
  return bytes < SMALL_BYTES;
}

function statusOf(steps: readonly StepRecord[], over_budget: DataflowError | undefined): RunStatus {
  if (over_budget === undefined && !steps.some((step) => step.status === 'failed')) return 'succeeded';
  return steps.some((step) => step.status === 'succeeded') ? 'partial' : 'failed';
}

/**
 * 3 when tests are all that failed, else 4 when something was done all the same; else what the failures have in common (5 when
 * each is worth retrying), or 1.
 */
function exitCodeOf(steps: readonly StepRecord[], refused_files: number): number {
  const failed = steps.filter((step) => step.status === 'failed');
  if (failed.length === 0) return refused_files > 0 ? PARTLY : 0;
  const codes = new Set(
    failed.map((step) => CATALOGUE[(step.error?.code ?? 'E_INTERNAL') as ErrorCode]?.exit_code ?? 1),
  );
  const [only = 1] = codes;
  if (codes.size === 1 && only === 3) return 3;
  if (steps.some((step) => step.status === 'succeeded')) return PARTLY;
  return codes.size === 1 ? only : 1;
}
