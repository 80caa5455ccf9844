import { mkdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { CATALOGUE, type ErrorCode } from '../core/errors/catalogue.ts';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { Project } from '../core/model/project.ts';
import type { Graph } from '../core/planning/graph.ts';
import type { Selection } from '../core/planning/selection.ts';
import type { Engine } from '../core/ports/engine.ts';
import type { Lake } from '../core/ports/lake.ts';
import type { Ledger, Lock, RunStatus, StepRecord } from '../core/ports/ledger.ts';
import type { CheckComponent } from '../core/ports/rule.ts';
import { timeSortedId } from '../kit/ids.ts';
import { discoverSource } from '../medallion/bronze.ts';
import type { RunContext } from '../medallion/context.ts';
import { emptyLedger } from './empty-ledger.ts';
import { type PlannedStep, planSteps, selectSteps } from './plan-run.ts';
import { reconcile, unrecorded } from './reconcile.ts';
import { recordRelease, releasable, sameTables } from './release.ts';
import type { Rooms } from './rooms.ts';
import type { RunEvent, RunReport } from './run-events.ts';
import { failureOf, runStep } from './run-step.ts';
import { runSchedule, type StepEnd } from './schedule.ts';

export interface RunOptions {
  readonly selection: Selection;
  readonly full_refresh: boolean;
  readonly rehash: boolean;
  /** The command line as typed, for the ledger. */
  readonly command: string;
  readonly signal: AbortSignal;
  readonly tell: (event: RunEvent) => void;
}

/** A project opened for work: its tables, its memory, its checks. */
export interface OpenProject {
  readonly project: Project;
  readonly lake: Lake;
  readonly ledger: Ledger;
  readonly checks: ReadonlyMap<string, CheckComponent>;
  readonly graph: Graph;
}

/**
 * The main verb. Plans; when nothing has to be done it says so without starting an engine. Otherwise takes the lock, runs the
 * selected steps side by side in dependency order, and records a release when all of them succeeded.
 * @throws DataflowError E_LOCKED, E_LEDGER_*, E_CONFIG_*, E_SELECTION, E_INTERRUPTED; failures of single steps are in the report.
 */
export async function runPipeline(rooms: Rooms, project: Project, options: RunOptions): Promise<RunReport> {
  const started_ms = Date.now();
  const checks = await rooms.checks();
  const lake = await rooms.openLake(project);
  const ledger = await openLedgerFor(rooms, project, lake);
  try {
    const { graph, selected } = selectSteps(project, checks, withResults(options.selection, ledger));
    const pending = await planSteps(
      planningContext(rooms, { project, lake, ledger, checks, graph }, options),
      selected,
    );
    const undone = await leftUndone(graph, lake, ledger);
    if (!undone && pending.every((step) => step.action === 'skip' || step.action === 'wait'))
      return nothingToDo(pending, started_ms);
    const lock = ledger.lock(`pipeline:${project.name}`, options.command);
    try {
      return await lockedRun(rooms, { project, lake, ledger, checks, graph }, lock, selected, options, started_ms);
    } finally {
      lock.release();
    }
  } finally {
    ledger.close();
  }
}

/** What `plan` and `--dry-run` print: the same decisions as a run, without lock, engine or any write. */
export async function planPipeline(
  rooms: Rooms,
  project: Project,
  options: Pick<RunOptions, 'selection' | 'full_refresh' | 'rehash' | 'signal'>,
): Promise<readonly PlannedStep[]> {
  const checks = await rooms.checks();
  const lake = await rooms.openLake(project);
  const ledger = await ledgerForReading(rooms, project, lake);
  try {
    const { graph, selected } = selectSteps(project, checks, withResults(options.selection, ledger));
    return await planSteps(planningContext(rooms, { project, lake, ledger, checks, graph }, options), selected);
  } finally {
    ledger.close();
  }
}

async function ledgerForReading(rooms: Rooms, project: Project, lake: Lake): Promise<Ledger> {
  try {
    return await rooms.openLedger(project, { create: false, read_only: true });
  } catch (error) {
    if (!(error instanceof DataflowError) || error.code !== 'E_LEDGER_MISSING' || (await lake.tables()).length > 0)
      throw error;
    return emptyLedger();
  }
}

/** Opens the ledger; a lake with tables but without ledger is refused rather than loaded again (E_LEDGER_MISSING). */
export async function openLedgerFor(rooms: Rooms, project: Project, lake: Lake): Promise<Ledger> {
  try {
    return await rooms.openLedger(project, { create: false });
  } catch (error) {
    if (!(error instanceof DataflowError) || error.code !== 'E_LEDGER_MISSING') throw error;
    if ((await lake.tables()).length > 0) throw error;
    return await rooms.openLedger(project, { create: true });
  }
}

function planningContext(
  rooms: Rooms,
  open: OpenProject,
  options: Pick<RunOptions, 'full_refresh' | 'rehash' | 'signal'>,
) {
  const run = {
    ...open,
    now_ms: Date.now(),
    temp_folder: '',
    rehash: options.rehash,
    signal: options.signal,
    createSource: rooms.createSource,
  };
  return {
    ...open,
    full_refresh: options.full_refresh,
    discover: async (node: Parameters<typeof discoverSource>[0]['node']) =>
      (await discoverSource({ run: run as unknown as RunContext, node })).discovery,
  };
}

/** For `--select result:failed`: how each step ended last. */
function withResults(selection: Selection, ledger: Ledger): Selection {
  const words = [...selection.select, ...selection.exclude];
  if (!words.some((word) => word.includes('result:'))) return selection;
  return { ...selection, results: new Map(ledger.latestSteps().map((step) => [step.step, step.status])) };
}

/**
 * What a run that died may have left to do although every table is up to date: a commit that the ledger does not know, a run
 * that nobody closed, a release that was not recorded.
 */
async function leftUndone(graph: Graph, lake: Lake, ledger: Ledger): Promise<boolean> {
  if (ledger.runs(20).some((run) => run.status === 'running')) return true;
  if ((await unrecorded(graph, lake, ledger)).length > 0) return true;
  const tables = await releasable(graph, lake, ledger);
  return tables !== undefined && !sameTables(tables, ledger.latestRelease()?.tables);
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
    exit_code: 0,
  };
}

async function lockedRun(
  rooms: Rooms,
  open: OpenProject,
  lock: Lock,
  selected: ReadonlySet<string>,
  options: RunOptions,
  started_ms: number,
): Promise<RunReport> {
  const { project, lake, ledger, graph } = open;
  const run_id = timeSortedId();
  for (const id of ledger.closeDeadRuns())
    options.tell({ type: 'notice', message: `run ${id} had died; it is marked as interrupted` });
  for (const message of await reconcile(graph, lake, ledger)) options.tell({ type: 'notice', message });
  await lake.leftovers(keptRuns(ledger), true);
  ledger.startRun({
    run_id,
    command: options.command,
    started_at: new Date(started_ms).toISOString(),
    status: 'running',
    pid: process.pid,
    host: hostname(),
    dataflow_version: rooms.version,
  });
  options.tell({ type: 'run_started', run_id, steps: [...selected] });
  const engine = lazyEngine(rooms, project);
  const temp_folder = join(rooms.stateFolder(project), 'tmp', run_id);
  await mkdir(temp_folder, { recursive: true, mode: 0o700 });
  const run: RunContext = {
    ...open,
    run_id,
    now_ms: started_ms,
    lock,
    signal: options.signal,
    temp_folder,
    rehash: options.rehash,
    openSession: async (label) => (await engine.get()).openSession({ label, signal: options.signal }),
    createSource: rooms.createSource,
  };
  try {
    const steps = await runAll(run, selected, options);
    const status = statusOf(steps);
    const release_id =
      status === 'succeeded' ? recordRelease(run.ledger, run_id, await releasable(graph, lake, ledger)) : undefined;
    ledger.finishRun(run_id, status);
    // Candidates of failed steps stay for inspection.
    if (!steps.some((step) => step.status === 'failed')) await lake.discardStaging(run_id);
    const refused_files = refusedIn(ledger, run_id);
    return {
      run_id,
      status,
      steps,
      release_id,
      wall_ms: Date.now() - started_ms,
      refused_files,
      exit_code: exitCodeOf(steps, refused_files),
    };
  } catch (error) {
    ledger.finishRun(run_id, options.signal.aborted ? 'interrupted' : 'failed', failureOf(error));
    throw error;
  } finally {
    await engine.close();
    await rm(temp_folder, { recursive: true, force: true });
  }
}

/** Runs whose staging must stay: live ones, and those whose failed candidate is still the newest word on a table. */
function keptRuns(ledger: Ledger): ReadonlySet<string> {
  const kept = new Set(
    ledger
      .latestSteps()
      .filter((step) => step.status === 'failed')
      .map((step) => step.run_id),
  );
  for (const run of ledger.runs(50)) if (run.status === 'running') kept.add(run.run_id);
  return kept;
}

function lazyEngine(rooms: Rooms, project: Project): { get(): Promise<Engine>; close(): Promise<void> } {
  let engine: Promise<Engine> | undefined;
  return {
    get: (): Promise<Engine> => {
      const opening = engine ?? rooms.openEngine(project);
      engine = opening;
      return opening;
    },
    close: async () => {
      if (engine !== undefined) await (await engine).close();
    },
  };
}

async function runAll(
  run: RunContext,
  selected: ReadonlySet<string>,
  options: RunOptions,
): Promise<readonly StepRecord[]> {
  const records = new Map<string, StepRecord>();
  const finish = (record: StepRecord): StepEnd => {
    records.set(record.step, record);
    options.tell({ type: 'step_finished', record });
    return record.status === 'failed' ? 'failed' : record.status === 'skipped' ? 'skipped' : 'ok';
  };
  const threads = run.project.engine.threads ?? 2;
  await runSchedule(
    run.graph,
    selected,
    Math.max(1, Math.min(4, threads)),
    async (key) => {
      const node = run.graph.byKey.get(key);
      if (node === undefined) throw new DataflowError('E_INTERNAL', `unknown step ${key}`);
      return finish(await runStep(run, node, options.full_refresh, options.tell));
    },
    (key, because) => {
      const now = new Date().toISOString();
      const record: StepRecord = {
        run_id: run.run_id,
        step_id: timeSortedId(),
        step: key,
        status: 'skipped',
        reason: `skipped because ${because} did not succeed`,
        inputs: {},
        tests: [],
        started_at: now,
        finished_at: now,
      };
      run.ledger.finishStep({ step: record });
      finish(record);
    },
  );
  return run.graph.nodes.flatMap((node) => records.get(node.key) ?? []);
}

function statusOf(steps: readonly StepRecord[]): RunStatus {
  const failed = steps.filter((step) => step.status === 'failed').length;
  if (failed === 0) return 'succeeded';
  return steps.some((step) => step.status === 'succeeded') ? 'partial' : 'failed';
}

/**
 * 3 when tests are all that failed, else 4 when something was done all the same; else what the failures have in common (5 when
 * each is worth retrying), or 1.
 */
function exitCodeOf(steps: readonly StepRecord[], refused_files: number): number {
  const failed = steps.filter((step) => step.status === 'failed');
  if (failed.length === 0) return refused_files > 0 ? 4 : 0;
  const codes = new Set(
    failed.map((step) => CATALOGUE[(step.error?.code ?? 'E_INTERNAL') as ErrorCode]?.exit_code ?? 1),
  );
  const [only = 1] = codes;
  if (codes.size === 1 && only === 3) return 3;
  if (steps.some((step) => step.status === 'succeeded')) return 4;
  return codes.size === 1 ? only : 1;
}

function refusedIn(ledger: Ledger, run_id: string): number {
  return ledger.inputs().filter((input) => input.run_id === run_id && input.status === 'quarantined').length;
}
