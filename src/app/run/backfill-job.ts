import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { BackfillJob, BackfillRequest } from '../../core/model/backfill.ts';
import { needsAllRows } from '../../core/model/history.ts';
import { parseTableKey } from '../../core/model/table.ts';
import { codeFingerprint } from '../../core/planning/fingerprint.ts';
import { parentsOf } from '../../core/planning/graph.ts';
import { windowWords } from '../../core/planning/windows.ts';
import type { Lake, Snapshot } from '../../core/ports/lake.ts';
import type { BackfillRecord, StepRecord } from '../../core/ports/ledger.ts';
import { timeSortedId } from '../../kit/ids.ts';
import { describeTable, segmentsOf, type TableStep } from '../../medallion/backfill.ts';
import type { RunContext } from '../../medallion/context.ts';
import { decisionsOf } from '../../medallion/decisions.ts';
import type { Segment } from '../../medallion/segment.ts';
import { newDefinition } from './definitions.ts';
import { versionByRows } from './plan-run.ts';
import { unrecorded } from './reconcile.ts';

/** What a backfill is about to do. */
export interface WindowPlan {
  readonly job: BackfillJob;
  readonly range: Segment;
  readonly segments: readonly Segment[];
  readonly inputs: ReadonlyMap<string, Snapshot>;
  /** Decisions about the table's rejected rows, as the table holds them. */
  readonly decided: Snapshot | undefined;
  /** Windows that are published already. */
  readonly done: ReadonlyMap<number, number>;
  readonly notices: readonly string[];
}

/** Goes on with the newest backfill of the table when it was the same and nobody has published since; else begins anew. */
export async function planWork(
  run: RunContext,
  node: TableStep['node'],
  asked: BackfillRequest & { readonly column: string },
): Promise<WindowPlan> {
  const { ledger, lake } = run;
  refuseWhole(node);
  const code_fingerprint = codeFingerprint(node);
  const version = await lake.latestVersion({ layer: node.layer, name: node.name });
  const newest = ledger.newestBackfill(node.key);
  const open = newest !== undefined && newest.done.size < newest.job.windows ? newest : undefined;
  const window = windowWords(asked.window);
  const current = await inputSnapshots(lake, node);
  const inputs = open === undefined ? current : ((await snapshotsAt(lake, open.job.inputs)) ?? current);
  const { decided, pending } = await decisionsOf(run, node);
  refuseUndecided(node, pending);
  const step = stepOf(run, node, { inputs, decided }, 'backfill');
  const { range, segments } = segmentsOf(node.key, await describeTable(step), { ...asked, column: asked.column });
  if (open !== undefined && inputs !== current && isSame(open, { code_fingerprint, range, window, version })) {
    const left = segments.length - open.done.size;
    const notices = [`an earlier backfill of ${node.key} was stopped; ${left} of ${segments.length} windows are left`];
    return { job: open.job, range, segments, inputs, decided, done: open.done, notices };
  }
  await refuseLagging(lake, ledger.lastSuccess(node.key), node, current);
  const job = {
    backfill_id: timeSortedId(),
    step: node.key,
    column: range.column,
    from: range.from,
    to: range.to,
    window,
    windows: segments.length,
    code_fingerprint,
    inputs: versionsOf(current),
  };
  const notices =
    open === undefined
      ? []
      : [`a backfill of ${node.key} with other windows, definition or inputs was not finished; beginning anew`];
  return { job, range, segments, inputs: current, decided, done: new Map(), notices };
}

/** What a backfill is about, to be held against one that was stopped. */
interface Work {
  readonly code_fingerprint: string;
  readonly range: Segment;
  readonly window: string;
  /** The table's newest version. */
  readonly version: number | undefined;
}

function isSame({ job, done }: BackfillRecord, { code_fingerprint, range, window, version }: Work): boolean {
  return (
    job.code_fingerprint === code_fingerprint &&
    job.column === range.column &&
    job.from === range.from &&
    job.to === range.to &&
    job.window === window &&
    Math.max(...done.values()) === version
  );
}

/** Positions of the windows that a backfill which was stopped has published, when the same one would go on after them. */
export async function windowsBehind(
  { lake, ledger }: Pick<RunContext, 'lake' | 'ledger'>,
  node: TableStep['node'],
  range: Segment,
  asked: Pick<BackfillRequest, 'window'>,
): Promise<ReadonlySet<number>> {
  const open = ledger.newestBackfill(node.key);
  if (open === undefined || open.done.size >= open.job.windows) return new Set();
  const work = {
    code_fingerprint: codeFingerprint(node),
    range,
    window: windowWords(asked.window),
    version: await lake.latestVersion({ layer: node.layer, name: node.name }),
  };
  const goes_on = isSame(open, work) && (await snapshotsAt(lake, open.job.inputs)) !== undefined;
  return new Set(goes_on ? open.done.keys() : []);
}

/**
 * What stands against any backfill of the table now, before a run begins. While a backfill is unfinished, or a crash left something to be
 * entered, the run itself judges.
 * @throws DataflowError E_BACKFILL
 */
export async function refuseBehind(
  { lake, ledger, graph }: Pick<RunContext, 'lake' | 'ledger' | 'graph'>,
  node: TableStep['node'],
): Promise<void> {
  refuseWhole(node);
  if ((await unrecorded(graph, lake, ledger)).length > 0) return;
  const newest = ledger.newestBackfill(node.key);
  const inputs = await inputSnapshots(lake, node);
  refuseUndecided(node, (await decisionsOf({ lake, ledger }, node)).pending);
  if (newest !== undefined && newest.done.size < newest.job.windows) return;
  await refuseLagging(lake, ledger.lastSuccess(node.key), node, inputs);
}

/** A row of such a table may depend on rows of any other window. */
function refuseWhole(node: TableStep['node']): void {
  if (node.layer !== 'silver' || !needsAllRows(node.spec)) return;
  throw new DataflowError(
    'E_BACKFILL',
    `${node.key} keeps a history or deletes keys: it is always computed as a whole`,
    {
      hint: `Compute it again with: dataflow run --full-refresh --force --select ${node.key}`,
    },
  );
}

/**
 * A table of the present definition that lags behind its inputs would become a mix of versions that an incremental run could not tell
 * apart: it has to catch up first. As for a run, a version that holds the rows of the one that was read is no move.
 */
async function refuseLagging(
  lake: Lake,
  last: StepRecord | undefined,
  node: TableStep['node'],
  inputs: ReadonlyMap<string, Snapshot>,
): Promise<void> {
  if (last === undefined || last.code_fingerprint !== codeFingerprint(node)) return;
  const moved: string[] = [];
  for (const table of inputs.keys()) {
    const read = last.inputs[table];
    if (read === undefined || (await versionByRows(lake, table, [read])) !== read) moved.push(table);
  }
  if (moved.length === 0) return;
  throw new DataflowError('E_BACKFILL', `${node.key} was not computed since ${moved.join(', ')} changed`, {
    hint: `Let it catch up first: dataflow run --until ${node.key}`,
  });
}

/** Decisions about rejected rows that the table has not heard of would come in with one window and be missing in the others. */
function refuseUndecided(node: TableStep['node'], pending: number): void {
  if (pending === 0) return;
  throw new DataflowError('E_BACKFILL', `rows of the quarantine of ${node.key} were decided on since it was computed`, {
    hint: `Let it catch up first: dataflow run --until ${node.key}`,
  });
}

async function inputSnapshots(lake: Lake, node: TableStep['node']): Promise<ReadonlyMap<string, Snapshot>> {
  const inputs = new Map<string, Snapshot>();
  for (const parent of parentsOf(node)) {
    const table = parseTableKey(parent);
    const snapshot = table === undefined ? undefined : await lake.snapshot(table);
    if (snapshot === undefined) {
      throw new DataflowError('E_BACKFILL', `${node.key} waits for ${parent}: no data yet`, {
        hint: `Make its inputs first: dataflow run --until ${parent}`,
      });
    }
    inputs.set(parent, snapshot);
  }
  return inputs;
}

/** Undefined when a version is no longer there: a backfill then begins anew. */
async function snapshotsAt(
  lake: Lake,
  versions: Readonly<Record<string, number>>,
): Promise<ReadonlyMap<string, Snapshot> | undefined> {
  const inputs = new Map<string, Snapshot>();
  for (const [key, version] of Object.entries(versions)) {
    const table = parseTableKey(key);
    try {
      const snapshot = table === undefined ? undefined : await lake.snapshot(table, { version });
      if (snapshot === undefined) return undefined;
      inputs.set(key, snapshot);
    } catch (error) {
      if (error instanceof DataflowError && error.code.startsWith('E_LAKE_NO_')) return undefined;
      throw error;
    }
  }
  return inputs;
}

/** The step of one window. */
export function stepOf(
  run: RunContext,
  node: TableStep['node'],
  { inputs, decided }: Pick<WindowPlan, 'inputs' | 'decided'>,
  reason: string,
): TableStep {
  const code_fingerprint = codeFingerprint(node);
  return {
    run,
    node,
    step_id: timeSortedId(),
    verdict: { run: true, mode: 'incremental', reason, causes: [], changed: [] },
    code_fingerprint,
    definition: newDefinition(run, node, code_fingerprint),
    inputs,
    decided,
    started_ms: Date.now(),
  };
}

function versionsOf(inputs: ReadonlyMap<string, Snapshot>): Readonly<Record<string, number>> {
  return Object.fromEntries([...inputs].map(([table, { version }]) => [table, version]));
}
