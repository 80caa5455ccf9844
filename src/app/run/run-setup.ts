import { setMaxListeners } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { BackfillRequest } from '../../core/model/backfill.ts';
import type { Project } from '../../core/model/project.ts';
import { engineLimits } from '../../core/planning/engine-limits.ts';
import { computesElsewhere, isFarLake } from '../../core/planning/lake-place.ts';
import type { Engine, ReaderUsage, SessionOptions } from '../../core/ports/engine.ts';
import type { Lock } from '../../core/ports/ledger.ts';
import { machineLimits } from '../../kit/machine.ts';
import { ofOneQuestion } from '../../medallion/bronze/pulled/one-question.ts';
import type { RunContext } from '../../medallion/context.ts';
import { keptDocumentsFolder } from '../project/kept-documents.ts';
import { finishUndos } from '../releases/apply-undo.ts';
import type { Rooms } from '../rooms.ts';
import { admitStep } from './admit-step.ts';
import { closeDeadRuns } from './dead-runs.ts';
import type { OpenProject } from './open-project.ts';
import type { PlanOptions } from './plan-pipeline.ts';
import { reconcile } from './reconcile.ts';
import type { RunEvent } from './run-events.ts';
import { RunMeter } from './run-meter.ts';
import type { ProgressWatch } from './run-progress.ts';
import { failureOf } from './run-step.ts';
import { stagingKept } from './staging-kept.ts';

/** What a run is told, beside its work. */
export interface SetUpOptions extends PlanOptions {
  /** The command line as typed, for the ledger. */
  readonly command: string;
  readonly tell: (event: RunEvent) => void;
  /** Start no step after the first failure; otherwise independent branches go on. */
  readonly fail_fast?: boolean;
  /** The run whose rest is done now. */
  readonly retry_of?: string;
  /** For a backfill: what was asked for. */
  readonly backfill?: BackfillRequest;
  /** Batches that each source that is asked takes at most. */
  readonly batches_max?: number;
}

/** Without it: a source that never comes to its end leaves the others their turn. */
const BATCHES_MAX = 100;

/** Mends what a dead run left, and enters the new one into the ledger. */
export async function beginRun(
  rooms: Rooms,
  open: OpenProject,
  lock: Lock,
  selected: ReadonlySet<string>,
  options: SetUpOptions,
  { run_id, started_ms }: { readonly run_id: string; readonly started_ms: number },
): Promise<void> {
  const { ledger, graph } = open;
  // Runs of other machines that it learns of came before it, and the order of runs is that of their entry. A lake on this machine has one ledger.
  const enter = (): Promise<readonly string[]> => reconcile(graph, open.lake, ledger);
  const [learnt] = isFarLake(open.project) ? await Promise.allSettled([enter()]) : [];
  const started_at = new Date(started_ms).toISOString();
  // Before all else: if this run dies over what it tidies up, the next one finds it unfinished, and goes on with that.
  ledger.startRun({
    run_id,
    command: options.command,
    started_at,
    status: 'running',
    pid: process.pid,
    host: hostname(),
    dataflow_version: rooms.version,
    options: {
      steps: graph.nodes.map((node) => node.key).filter((key) => selected.has(key)),
      full_refresh: options.full_refresh,
      force: options.force === true,
      rehash: options.rehash,
      redo: options.redo === true,
      ...(options.allow_missing === true ? { allow_missing: true } : {}),
      fail_fast: options.fail_fast === true,
      ...(options.retry_of === undefined ? {} : { retry_of: options.retry_of }),
      ...(options.backfill === undefined ? {} : { backfill: options.backfill }),
    },
  });
  try {
    if (learnt?.status === 'rejected') throw learnt.reason;
    const entered = learnt?.value;
    await tidyUp(rooms, open, lock, options, () => (entered === undefined ? enter() : Promise.resolve(entered)));
  } catch (error) {
    ledger.finishRun(run_id, 'failed', failureOf(error));
    throw error;
  }
  options.tell({ type: 'run_started', run_id, started_at, steps: [...selected] });
}

/** What runs that died, and commits that the ledger missed, have left to be done. */
async function tidyUp(
  rooms: Rooms,
  open: OpenProject,
  lock: Lock,
  options: SetUpOptions,
  enter: () => Promise<readonly string[]>,
): Promise<void> {
  const { project, lake, ledger } = open;
  for (const message of closeDeadRuns(ledger, join(rooms.stateFolder(project), 'tmp')))
    options.tell({ type: 'notice', message });
  for (const message of await enter()) options.tell({ type: 'notice', message });
  for (const message of await finishUndos(open, lock)) options.tell({ type: 'notice', message });
  await lake.leftovers(await stagingKept(ledger, await rooms.openLeases(project)), true);
}

/** All that the steps of a run share. */
export interface SetUp {
  readonly run: RunContext;
  readonly meter: RunMeter;
  readonly threads: number;
  /** Ends the measuring, closes the engine, removes temporary files. */
  close(): Promise<void>;
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    const [reason = ''] = (cause instanceof Error ? cause.message : String(cause)).split(', mkdir');
    throw new DataflowError('E_LAKE_IO', `no temporary folder can be made: ${reason}`, {
      place: { file: path },
      kept: 'nothing was computed; every published version stays as it is',
      cause,
    });
  });
}

/** Engine (opened when it is first needed), meter and context of a run. @throws DataflowError E_LAKE_IO */
export async function setUpRun(
  rooms: Rooms,
  open: OpenProject,
  lock: Lock,
  options: SetUpOptions,
  began: { readonly run_id: string; readonly started_ms: number; readonly cpu_before: NodeJS.CpuUsage },
  engine: LazyEngine,
  progress: ProgressWatch,
): Promise<SetUp> {
  const { project } = open;
  const { run_id } = began;
  const state_folder = rooms.stateFolder(project);
  const temp_folder = join(state_folder, 'tmp', run_id);
  await makeFolder(temp_folder);
  const limits = engineLimits(project.engine, machineLimits());
  for (const message of limits.warnings) options.tell({ type: 'warning', message });
  const meter = new RunMeter({
    ...open,
    ...began,
    limits,
    temp_folder,
    readers: engine.readers,
    warn: (message) => options.tell({ type: 'warning', message }),
  });
  const signal = AbortSignal.any([options.signal, meter.signal]);
  // Everything that is on its way listens to it: many requests at once are no leak.
  setMaxListeners(0, signal);
  const run: RunContext = {
    ...open,
    run_id,
    now_ms: Date.now(),
    lock,
    signal,
    temp_folder,
    rehash: options.rehash,
    redo: options.redo === true,
    allow_missing: options.allow_missing === true,
    limits,
    openSession: async (label, small) =>
      progress.watched(label, await (await engine.get()).openSession(sessionOptions(label, signal, small))),
    openTables: async (label, small) =>
      progress.watched(label, await (await engine.tables()).openSession(sessionOptions(label, signal, small))),
    tables_elsewhere: engine.tables_elsewhere,
    admit: (step, estimate) => admitStep(step, estimate, { project, limits, state_folder }, options.tell),
    redact: rooms.redact,
    createSource: (spec) => rooms.createSource(spec, project),
    sourcePlaces: (source) => ({ kept_folder: keptDocumentsFolder(state_folder, source), threads: limits.threads }),
    openLookup: (spec) => rooms.openLookup(spec, project),
    batches_max: options.batches_max ?? BATCHES_MAX,
    openPulled: async (spec) => ofOneQuestion(await rooms.openPulled(spec, project)),
    openLanding: (source) => rooms.openLanding(project, source),
    notice: (message) => options.tell({ type: 'notice', message }),
    took: (step, taken) => progress.took(step, taken),
  };
  const close = async (): Promise<void> => {
    meter.stop();
    progress.stop();
    await engine.close();
    await rm(temp_folder, { recursive: true, force: true });
  };
  return { run, meter, threads: limits.threads, close };
}

function sessionOptions(label: string, signal: AbortSignal, small: SessionOptions['small']): SessionOptions {
  return { label, signal, ...(small === undefined ? {} : { small }) };
}

/** The engine of a run, opened when it is first asked for. */
export interface LazyEngine {
  get(): Promise<Engine>;
  /** The engine that computes tables of silver and gold; the same one, unless the project's works on other machines. */
  tables(): Promise<Engine>;
  readonly tables_elsewhere: boolean;
  /** Starts it beside whatever else there is to do before the first step needs it; an error waits for who asks for the engine. */
  warm(): void;
  /** What its reader processes have used; nothing before it is opened. */
  readonly readers: () => ReaderUsage;
  close(): Promise<void>;
}

export function lazyEngine(rooms: Rooms, project: Project): LazyEngine {
  let engine: Promise<Engine> | undefined;
  let opened: Engine | undefined;
  const get = (): Promise<Engine> => {
    engine ??= rooms.openEngine(project).then((one) => {
      opened = one;
      return one;
    });
    return engine;
  };
  let elsewhere: Promise<Engine | undefined> | undefined;
  const tables = async (): Promise<Engine> => {
    const here = await get();
    elsewhere ??= rooms.openTableEngine(project, here);
    return (await elsewhere) ?? here;
  };
  return {
    get,
    tables,
    tables_elsewhere: computesElsewhere(project.engine),
    warm: () =>
      void get().then(
        (one) => one.warm?.(),
        () => undefined,
      ),
    readers: () => opened?.readerUsage?.() ?? { cpu_ms: 0, peak_memory_bytes: 0 },
    close: async () => {
      // Whoever asked for an engine that could not be opened has been told.
      await (await elsewhere?.catch(() => undefined))?.close();
      await (await engine?.catch(() => undefined))?.close();
    },
  };
}
