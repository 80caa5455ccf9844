import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { BackfillJob, BackfillRequest } from '../../core/model/backfill.ts';
import type { Project } from '../../core/model/project.ts';
import { comparesWithClock } from '../../core/planning/clock.ts';
import { buildGraph, type Graph, type Node } from '../../core/planning/graph.ts';
import { reasonOf } from '../../core/planning/reasons.ts';
import type { Lake } from '../../core/ports/lake.ts';
import type { StepRecord } from '../../core/ports/ledger.ts';
import { closest } from '../../kit/closest.ts';
import { backfillWindow, segmentsOf } from '../../medallion/backfill.ts';
import type { RunContext } from '../../medallion/context.ts';
import type { Segment } from '../../medallion/segment.ts';
import type { Rooms } from '../rooms.ts';
import { planWork, refuseBehind, stepOf, type WindowPlan } from './backfill-job.ts';
import { lockedRun, type RunOptions } from './locked-run.ts';
import { withSmallerPlan } from './memory-retry.ts';
import { openLedgerFor } from './open-project.ts';
import { holdingPipeline } from './pipeline-lock.ts';
import type { RunReport } from './run-events.ts';
import { failStep } from './run-step.ts';
import { toldAfterwards } from './told-afterwards.ts';

/** A table with windows: silver or gold. */
export type WindowedNode = Exclude<Node, { layer: 'bronze' }>;

/** The outcome of a backfill: a run, and how far the windows are done. */
export interface BackfillReport extends RunReport {
  readonly step: string;
  readonly windows: number;
  /** Windows that an earlier, stopped backfill of the same kind had published already. */
  readonly resumed: number;
  readonly windows_done: readonly { readonly from: string; readonly to: string; readonly record: StepRecord }[];
}

/**
 * Computes a range of a table again, window by window: each is tested and published by itself, and a backfill that was stopped goes on
 * after its last published window. All windows read the same input versions and the same definition.
 * @throws DataflowError E_BACKFILL when the table has no such column or lags behind its inputs, E_USAGE, E_SELECTION, E_LOCKED.
 */
export function backfillTable(
  rooms: Rooms,
  project: Project,
  request: BackfillRequest,
  options: BackfillOptions,
): Promise<BackfillReport> {
  return toldAfterwards(rooms, project, options, (tell) => backfill(rooms, project, request, { ...options, tell }));
}

export type BackfillOptions = Pick<RunOptions, 'command' | 'tell' | 'signal' | 'retry_of' | 'metrics_file'>;

async function backfill(
  rooms: Rooms,
  project: Project,
  request: BackfillRequest,
  options: BackfillOptions,
): Promise<BackfillReport> {
  const began = { started_ms: Date.now(), cpu_before: process.cpuUsage() };
  const checks = await rooms.checks();
  const graph = buildGraph(project, checks);
  const node = findNode(graph, request.table);
  const column = columnOf(node, request);
  const lake = await rooms.openLake(project);
  await refuseWrongRange(lake, node, { ...request, column });
  const ledger = await openLedgerFor(rooms, project, lake);
  try {
    return await holdingPipeline(rooms, { project, ledger }, { command: options.command }, async (lock) => {
      const open = { project, lake, ledger, checks, graph };
      await refuseBehind(open, node);
      const done: BackfillReport['windows_done'][number][] = [];
      const found = { windows: 0, resumed: 0 };
      const report = await lockedRun(
        rooms,
        open,
        lock,
        new Set([node.key]),
        {
          ...options,
          selection: { select: [node.key], exclude: [] },
          full_refresh: false,
          rehash: false,
          backfill: request,
          work: async (run, tell) => {
            const plan = await planWork(run, node, { ...request, column });
            Object.assign(found, { windows: plan.segments.length, resumed: plan.done.size });
            for (const message of plan.notices) tell({ type: 'notice', message });
            return await runWindows(run, node, plan, tell, (segment, record) => {
              done.push({ from: segment.from, to: segment.to, record });
            });
          },
        },
        began,
      );
      return { ...report, step: node.key, ...found, windows_done: done };
    });
  } finally {
    ledger.close();
  }
}

/** What is wrong with the range is said before a run begins, so that the ledger has no run that never could work. */
async function refuseWrongRange(
  lake: Lake,
  node: WindowedNode,
  asked: BackfillRequest & { readonly column: string },
): Promise<void> {
  const columns = (await lake.snapshot({ layer: node.layer, name: node.name }))?.columns ?? [];
  // A column that only the new definition has is known when the run asks the engine.
  if (columns.some(({ name }) => name === asked.column)) segmentsOf(node.key, columns, asked);
}

/** The table that is meant, by key or by a name that only one silver or gold table has. */
export function findNode(graph: Graph, name: string): WindowedNode {
  const named = graph.nodes.filter((node) => node.key === name || node.name === name);
  const found = named.filter((node): node is WindowedNode => node.layer !== 'bronze');
  const [node] = found;
  if (found.length > 1) {
    throw new DataflowError('E_SELECTION', `"${name}" may mean ${found.map((one) => one.key).join(' or ')}`, {
      hint: 'Write the layer too.',
    });
  }
  if (node !== undefined) return node;
  if (named.length > 0) {
    throw new DataflowError('E_BACKFILL', `${named[0]?.key} is made from files, which have no windows`, {
      hint: `Load its files again with: dataflow run --full-refresh --force --select ${named[0]?.key}`,
    });
  }
  const near = closest(
    name,
    graph.nodes.flatMap((one) => [one.key, one.name]),
  );
  throw new DataflowError('E_SELECTION', `"${name}" is no table of this project`, {
    ...(near === undefined ? {} : { hint: `Did you mean ${near}?` }),
  });
}

/** The column that windows are cut by: asked for, that of `refresh`, or the first partition column. */
export function columnOf(node: WindowedNode, request: Pick<BackfillRequest, 'by'>): string {
  const refresh = node.layer === 'gold' ? node.spec.refresh?.by : undefined;
  const column = request.by ?? refresh ?? node.spec.partition_by[0];
  if (column !== undefined) return column;
  throw new DataflowError('E_BACKFILL', `${node.key} declares no column to cut windows by`, {
    hint: 'Name a column of dates, times or whole numbers with --by, or declare refresh: {by: …} or partition_by.',
  });
}

async function runWindows(
  run: RunContext,
  node: WindowedNode,
  plan: WindowPlan,
  tell: RunOptions['tell'],
  finished: (segment: Segment, record: StepRecord) => void,
): Promise<readonly StepRecord[]> {
  const records: StepRecord[] = [];
  for (const [position, segment] of plan.segments.entries()) {
    if (plan.done.has(position)) continue;
    const { from, to } = segment;
    const reason = reasonOf([{ kind: 'backfill', from, to, number: position + 1, of: plan.segments.length }]);
    const step = stepOf(run, node, plan, reason);
    const consistent = isConsistent(run, node, plan.job);
    let record: StepRecord;
    try {
      run.signal.throwIfAborted();
      tell({ type: 'step_started', step: node.key, reason, mode: 'incremental' });
      const progress = { job: plan.job, position };
      const work = { progress, segment, range: plan.range, consistent };
      record = await withSmallerPlan(step, tell, (one) => backfillWindow({ ...step, ...one, node }, work), {
        windowed: true,
      });
    } catch (error) {
      record = failStep(step, error);
    }
    records.push(record);
    tell({ type: 'step_finished', record });
    finished(segment, record);
    if (record.status === 'failed') break;
  }
  return records;
}

/**
 * Everything in the table is of the job's definition and input versions. Not so when a rule that compares with the clock put rows aside:
 * they may pass by now, and table and quarantine would tell of them in two ways until the quarantine is written anew.
 */
function isConsistent(run: RunContext, node: WindowedNode, job: BackfillJob): boolean {
  const last = run.ledger.lastSuccess(node.key);
  if (last?.code_fingerprint !== job.code_fingerprint) return false;
  if (Object.entries(job.inputs).some(([table, version]) => last.inputs[table] !== version)) return false;
  const put_aside = new Set(run.ledger.quarantine(node.key).map((count) => count.rule));
  const rules = node.layer === 'silver' ? node.spec.rules : [];
  return !rules.some((rule) => put_aside.has(rule.name) && comparesWithClock(rule, run.checks));
}
