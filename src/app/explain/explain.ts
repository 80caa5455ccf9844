import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import { buildGraph, type Graph } from '../../core/planning/graph.ts';
import type { ParityStanding } from '../../core/planning/parity-standing.ts';
import { selectNodes } from '../../core/planning/selection.ts';
import type { Ledger, RunRecord, StepRecord } from '../../core/ports/ledger.ts';
import { closest } from '../../kit/closest.ts';
import { parityStandings } from '../parity/standings.ts';
import type { Rooms } from '../rooms.ts';
import { judgedRun, judgedSteps } from '../run/judged-run.ts';
import { ledgerForReading, type OpenProject } from '../run/open-project.ts';
import { planningContext } from '../run/plan-pipeline.ts';
import { withRefresh } from '../run/plan-refresh.ts';
import { type PlannedStep, planSteps } from '../run/plan-run.ts';
import { ambiguous, tableNamed } from './named-table.ts';
import { type StepStory, type StoryCause, tellInput, tellStep } from './step-story.ts';

/** Whether a table would be computed now, and why. */
export interface NowStory extends Omit<PlannedStep, 'causes'> {
  readonly causes: readonly StoryCause[];
  /** Steps before it that would run. */
  readonly upstream: readonly PlannedStep[];
}

/** What `why` answers. */
export type WhyReport =
  | {
      readonly about: 'table';
      readonly step: string;
      /** The newest attempt; undefined when there was none. */
      readonly last: StepStory | null;
      /** The newest success, when the newest attempt was none. */
      readonly built: StepStory | null;
      /** Null for a table that the project no longer has. */
      readonly now: NowStory | null;
      /** How it stands to another engine; absent where that is no matter. */
      readonly parity?: readonly ParityStanding[];
    }
  | { readonly about: 'step'; readonly story: StepStory }
  | { readonly about: 'run'; readonly run: RunRecord; readonly steps: readonly StepStory[] };

type Subject = { readonly table: string } | { readonly run: RunRecord } | { readonly record: StepRecord };

/**
 * Answers why a table is as it is and whether it would run now, or what became of a run or a step. Reads the ledger, the lake's
 * logs and, for a table, what is in its sources; an engine is opened only to look at queries that would be refreshed. @throws DataflowError E_SELECTION for an unknown name.
 */
export async function explain(
  rooms: Rooms,
  project: Project,
  subject: string | undefined,
  signal: AbortSignal,
): Promise<WhyReport> {
  const checks = await rooms.checks();
  const lake = await rooms.openLake(project);
  const ledger = await ledgerForReading(rooms, project, lake);
  try {
    const graph = buildGraph(project, checks);
    const open = { project, lake, ledger, checks, graph };
    const found = findSubject(graph, ledger, subject);
    if ('run' in found) {
      const run = judgedRun(ledger, found.run);
      const steps: StepStory[] = [];
      for (const record of judgedSteps(run, ledger.steps(run.run_id))) steps.push(await tellStep(open, record));
      return { about: 'run', run, steps };
    }
    if ('record' in found) return { about: 'step', story: await tellStep(open, found.record) };
    return await explainTable(rooms, open, found.table, signal);
  } finally {
    ledger.close();
  }
}

async function explainTable(rooms: Rooms, open: OpenProject, step: string, signal: AbortSignal): Promise<WhyReport> {
  const { ledger, graph } = open;
  const last = ledger.latestSteps().find((one) => one.step === step);
  const success = ledger.lastSuccess(step);
  const older = success !== undefined && success.step_id !== last?.step_id;
  const parity = parityStandings(open, () => graph).filter(({ table }) => table === step);
  return {
    about: 'table',
    step,
    last: last === undefined ? null : await tellStep(open, last),
    built: older ? await tellStep(open, success) : null,
    now: graph.byKey.has(step) ? await judgeNow(rooms, open, step, signal) : null,
    ...(parity.length === 0 ? {} : { parity }),
  };
}

async function judgeNow(rooms: Rooms, open: OpenProject, step: string, signal: AbortSignal): Promise<NowStory | null> {
  const selection = { select: [], exclude: [], until: [step] };
  const context = planningContext(rooms, open, { selection, full_refresh: false, rehash: false, signal });
  const steps = await planSteps(context, selectNodes(open.graph, selection));
  const planned = await withRefresh(rooms, open.project, open.graph, steps);
  const own = planned.find((one) => one.step === step);
  if (own === undefined) return null;
  const causes: StoryCause[] = [];
  for (const cause of own.causes) {
    if (cause.kind === 'input') causes.push(await tellInput(open, cause));
    else if (cause.kind !== 'files') causes.push(cause);
  }
  return { ...own, causes, upstream: planned.filter((one) => one.step !== step && one.action === 'run') };
}

/** Runs and steps may be named by the beginning of their id, so long as it is unlike that of any other. */
const ID_PREFIX = /^[0-9a-z]{4,20}$/;

function findSubject(graph: Graph, ledger: Ledger, word: string | undefined): Subject {
  const known = [...new Set([...graph.byKey.keys(), ...ledger.latestSteps().map((step) => step.step)])];
  if (word === undefined || word === 'last') {
    const [run] = ledger.runs(1);
    if (run !== undefined) return { run };
    throw new DataflowError('E_SELECTION', 'there was no run yet', {
      hint: 'Start one with `dataflow run`, or name a table.',
    });
  }
  const table = tableNamed(known, word);
  if (table !== undefined) return { table };
  return (ID_PREFIX.test(word) ? byId(ledger, word) : undefined) ?? nothingLike(word, known);
}

function byId(ledger: Ledger, prefix: string): Subject | undefined {
  const runs = ledger.runsLike(prefix);
  const records = ledger.stepsLike(prefix);
  const [run] = runs;
  const [record] = records;
  if (runs.length + records.length > 1)
    throw ambiguous(prefix, 'several runs and steps', [
      ...runs.map((one) => one.run_id),
      ...records.map((one) => one.step_id),
    ]);
  if (run !== undefined) return { run };
  return record === undefined ? undefined : { record };
}

function nothingLike(word: string, known: readonly string[]): never {
  const near = closest(word, [...known, ...known.map((key) => key.slice(key.indexOf('.') + 1))]);
  throw new DataflowError('E_SELECTION', `no table, run or step is called "${word}"`, {
    hint: `${near === undefined ? '' : `Did you mean ${near}? `}\`dataflow status\` lists the tables, \`dataflow status --runs\` the runs.`,
  });
}
