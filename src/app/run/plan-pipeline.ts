import type { Project, SourceSpec } from '../../core/model/project.ts';
import type { Graph } from '../../core/planning/graph.ts';
import type { Selection } from '../../core/planning/selection.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import { discoverSource } from '../../medallion/bronze/discover.ts';
import type { RunContext } from '../../medallion/context.ts';
import { parityStandings } from '../parity/standings.ts';
import type { Rooms } from '../rooms.ts';
import { lookAtSource } from './look-at-source.ts';
import { ledgerForReading, type OpenProject } from './open-project.ts';
import { withDrift } from './plan-drift.ts';
import { withRefresh } from './plan-refresh.ts';
import { type PlannedStep, type PlanningContext, planSteps, selectSteps } from './plan-run.ts';

/** What planning may be told. */
export interface PlanOptions {
  readonly selection: Selection;
  /** Compute whole tables even where a part would do. */
  readonly full_refresh: boolean;
  /** Run the selected steps even when they are up to date; with `full_refresh`, load every file again too. */
  readonly force?: boolean;
  readonly rehash: boolean;
  /** Do again what was undone. */
  readonly redo?: boolean;
  /** Files that are gone count as deleted, also when most of them are. */
  readonly allow_missing?: boolean;
  readonly signal: AbortSignal;
}

/**
 * What `plan` and `--dry-run` print: the same decisions as a run, without lock or any write, and what changed in the columns of new
 * files. An engine is opened only to look at the queries of tables that would be refreshed.
 */
export async function planPipeline(
  rooms: Rooms,
  project: Project,
  options: PlanOptions,
): Promise<readonly PlannedStep[]> {
  const checks = await rooms.checks();
  const lake = await rooms.openLake(project);
  const ledger = await ledgerForReading(rooms, project, lake);
  try {
    const { graph, selected } = selectSteps(project, checks, withResults(options.selection, ledger));
    const context = planningContext(rooms, { project, lake, ledger, checks, graph }, options);
    const planned = await withDrift(context, await planSteps(context, selected));
    return withParity({ project, ledger }, graph, await withRefresh(rooms, project, graph, planned));
  } finally {
    ledger.close();
  }
}

function withParity(
  open: Parameters<typeof parityStandings>[0],
  graph: Graph,
  planned: readonly PlannedStep[],
): readonly PlannedStep[] {
  const standings = parityStandings(open, () => graph);
  return planned.map((step) => {
    const parity = standings.filter(({ table }) => table === step.step);
    return parity.length === 0 ? step : { ...step, parity };
  });
}

/** Planning over an opened project; sources are walked, no file is opened. */
export function planningContext(rooms: Rooms, open: OpenProject, options: PlanOptions): PlanningContext {
  const run = {
    ...open,
    now_ms: Date.now(),
    temp_folder: '',
    rehash: options.rehash,
    redo: options.redo === true,
    allow_missing: options.allow_missing === true,
    signal: options.signal,
    notice: () => undefined,
    createSource: (spec: SourceSpec) => rooms.createSource(spec, open.project),
  };
  return {
    ...open,
    full_refresh: options.full_refresh,
    force: options.force === true,
    redact: rooms.redact,
    redo: options.redo === true,
    look: (node) => {
      const context = run as unknown as RunContext;
      return lookAtSource(rooms, { ...context, redact: rooms.redact, notice: () => undefined }, node);
    },
    discover: (node) => discoverSource({ run: run as unknown as RunContext, node }),
  };
}

/** For `--select result:failed`: how each step ended last. */
export function withResults(selection: Selection, ledger: Ledger): Selection {
  const words = [...selection.select, ...selection.exclude, ...(selection.from ?? []), ...(selection.until ?? [])];
  if (!words.some((word) => word.includes('result:'))) return selection;
  return { ...selection, results: new Map(ledger.latestSteps().map((step) => [step.step, step.status])) };
}
