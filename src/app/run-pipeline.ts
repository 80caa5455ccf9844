import { mkdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { Project } from '../core/model/project.ts';
import { parseTableKey } from '../core/model/table.ts';
import type { Graph } from '../core/planning/graph.ts';
import type { Selection } from '../core/planning/selection.ts';
import type { Engine } from '../core/ports/engine.ts';
import type { Lake } from '../core/ports/lake.ts';
import type { Ledger, Lock, RunStatus, StepRecord } from '../core/ports/ledger.ts';
import type { CheckComponent } from '../core/ports/rule.ts';
import { timeSortedId } from '../kit/ids.ts';
import type { RunContext } from '../medallion/context.ts';
import { discoverSource } from '../medallion/bronze.ts';
import { type PlannedStep, planSteps, selectSteps } from './plan-run.ts';
import { reconcile } from './reconcile.ts';
import { emptyLedger } from './empty-ledger.ts';
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
  const { graph, selected } = selectSteps(project, checks, options.selection);
  const lake = await rooms.openLake(project);
  const ledger = await openLedgerFor(rooms, project, lake);
  try {
    const pending = await planSteps(planningContext(rooms, { project, lake, ledger, checks, graph }, options), selected);
    const behind = await isBehind(graph, lake, ledger);
    if (!behind && pending.every((step) => step.action === 'skip' || step.action === 'wait')) return nothingToDo(pending, started_ms);
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
export async function planPipeline(rooms: Rooms, project: Project, options: Pick<RunOptions, 'selection' | 'full_refresh' | 'rehash' | 'signal'>): Promise<readonly PlannedStep[]> {
  const checks = await rooms.checks();
  const { graph, selected } = selectSteps(project, checks, options.selection);
  const lake = await rooms.openLake(project);
  const ledger = await ledgerForReading(rooms, project, lake);
  try {
    return await planSteps(planningContext(rooms, { project, lake, ledger, checks, graph }, options), selected);
  } finally {
    ledger.close();
  }
}

async function ledgerForReading(rooms: Rooms, project: Project, lake: Lake): Promise<Ledger> {
  try {
    return await rooms.openLedger(project, { create: false, read_only: true });
  } catch (error) {
    if (!(error instanceof DataflowError) || error.code !== 'E_LEDGER_MISSING' || (await lake.tables()).length > 0) throw error;
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

function planningContext(rooms: Rooms, open: OpenProject, options: Pick<RunOptions, 'full_refresh' | 'rehash' | 'signal'>) {
  const run = { ...open, now_ms: Date.now(), temp_folder: '', rehash: options.rehash, signal: options.signal, createSource: rooms.createSource };
  return {
    ...open,
    full_refresh: options.full_refresh,
    discover: async (node: Parameters<typeof discoverSource>[0]['node']) => (await discoverSource({ run: run as unknown as RunContext, node })).discovery,
  };
}

async function isBehind(graph: Graph, lake: Lake, ledger: Ledger): Promise<boolean> {
  for (const node of graph.nodes) {
    const table = parseTableKey(node.key);
    const latest = table === undefined ? undefined : await lake.latestVersion(table);
    if (latest !== undefined && latest > (ledger.lastSuccess(node.key)?.output_version ?? -1)) return true;
  }
  return false;
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
  return { run_id: undefined, status: 'nothing_to_do', steps, release_id: undefined, wall_ms: Date.now() - started_ms, refused_files: 0, exit_code: 0 };
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
  for (const id of ledger.closeDeadRuns()) options.tell({ type: 'notice', message: `run ${id} had died; it is marked as interrupted` });
  for (const message of await reconcile(graph, lake, ledger)) options.tell({ type: 'notice', message });
  await lake.leftovers(keptRuns(ledger), true);
  ledger.startRun({ run_id, command: options.command, started_at: new Date(started_ms).toISOString(), status: 'running', pid: process.pid, host: hostname(), dataflow_version: rooms.version });
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
    const release_id = status === 'succeeded' ? await release(run, steps) : undefined;
    ledger.finishRun(run_id, status);
    const refused_files = refusedIn(ledger, run_id);
    return { run_id, status, steps, release_id, wall_ms: Date.now() - started_ms, refused_files, exit_code: exitCodeOf(steps, refused_files) };
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
  const kept = new Set(ledger.latestSteps().filter((step) => step.status === 'failed').map((step) => step.run_id));
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

async function runAll(run: RunContext, selected: ReadonlySet<string>, options: RunOptions): Promise<readonly StepRecord[]> {
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
      const record: StepRecord = { run_id: run.run_id, step_id: timeSortedId(), step: key, status: 'skipped', reason: `skipped because ${because} did not succeed`, inputs: {}, tests: [], started_at: now, finished_at: now };
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

/** 3 when tests are all that failed, 4 when something else failed but something was done, else the failure's own code. */
function exitCodeOf(steps: readonly StepRecord[], refused_files: number): number {
  const failed = steps.filter((step) => step.status === 'failed');
  if (failed.length === 0) return refused_files > 0 ? 4 : 0;
  if (failed.every((step) => step.error?.code === 'E_TESTS_FAILED')) return 3;
  return steps.some((step) => step.status === 'succeeded') ? 4 : 1;
}

function refusedIn(ledger: Ledger, run_id: string): number {
  return ledger.inputs().filter((input) => input.run_id === run_id && input.status === 'quarantined').length;
}

/** Decision 7: the table versions that belong together, recorded when something changed and everything succeeded. */
async function release(run: RunContext, steps: readonly StepRecord[]): Promise<string | undefined> {
  if (!steps.some((step) => step.status === 'succeeded')) return run.ledger.latestRelease()?.release_id;
  const tables: Record<string, number> = {};
  for (const node of run.graph.nodes) {
    const table = parseTableKey(node.key);
    const version = table === undefined ? undefined : await run.lake.latestVersion(table);
    if (version !== undefined) tables[node.key] = version;
  }
  const release_id = timeSortedId();
  run.ledger.recordRelease({ release_id, run_id: run.run_id, created_at: new Date().toISOString(), tables });
  return release_id;
}
