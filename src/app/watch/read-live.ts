import type { Project } from '../../core/model/project.ts';
import type { RunProgress } from '../../core/model/step-progress.ts';
import { LAYERS } from '../../core/model/table.ts';
import type { Graph } from '../../core/planning/graph.ts';
import { parentsOf } from '../../core/planning/graph.ts';
import type { Ledger, LockHolder, RunRecord, StepRecord } from '../../core/ports/ledger.ts';
import { showStatus, type TableStatus } from '../explain/show-status.ts';
import { judgedRun, judgedSteps } from '../run/judged-run.ts';
import { liveDestinations } from './live-destinations.ts';
import { liveLog } from './live-log.ts';
import type { LiveQuarantine, LiveRun, LiveState, LiveTable, LiveTableState, LiveWork } from './live-state.ts';

const RUNS_MAX = 50;
/** Runs whose steps are told in the log. */
const RUNS_TOLD = 4;

/**
 * All that the ledger tells, by a few short reads.
 * @param progressOf what a run at work noted beside it
 */
export function readLive(
  project: Project,
  graph: Graph,
  ledger: Ledger,
  here: string,
  progressOf: (run_id: string) => RunProgress | undefined,
): LiveState {
  const status = showStatus(ledger);
  const holders = ledger.lockHolders();
  const records = ledger.runs(RUNS_MAX).map((run) => judgedRun(ledger, run));
  const told = records.slice(0, RUNS_TOLD).map((run) => ({ run, steps: judgedSteps(run, ledger.steps(run.run_id)) }));
  const steps = new Map(told.map(({ run, steps: own }) => [run.run_id, own]));
  const active = told.find(({ run }) => run.status === 'running');
  const release = ledger.latestRelease();
  return {
    project: project.name,
    release: release === undefined ? null : { release_id: release.release_id, created_at: release.created_at },
    tables: liveTables(graph, status.tables, ledger, active, active && progressOf(active.run.run_id)),
    runs: records.map((run) => liveRun(run, steps.get(run.run_id) ?? [], holders, here)),
    quarantine: liveQuarantine(ledger),
    destinations: liveDestinations(project, ledger, release),
    log: liveLog(told),
  };
}

/** The state of a project that has not run yet. */
export function emptyLive(project: Project, graph: Graph): LiveState {
  const tables = inLayers(graph).map((key) => liveTable(graph, key, undefined));
  return { project: project.name, release: null, tables, runs: [], quarantine: [], destinations: [], log: [] };
}

interface ActiveRun {
  readonly run: RunRecord;
  readonly steps: readonly StepRecord[];
}

/** Each table with its state; what the run at work does to it goes before what the ones before left. */
export function liveTables(
  graph: Graph,
  known: readonly TableStatus[],
  ledger: Ledger,
  active: ActiveRun | undefined,
  noted?: RunProgress,
): readonly LiveTable[] {
  const byKey = new Map(known.map((table) => [table.step, table]));
  const own = new Map(active?.steps.map((step) => [step.step, step]));
  const waiting = new Set(active?.run.options?.steps.filter((step) => !own.has(step)));
  return inLayers(graph).map((key) => {
    const table = liveTable(graph, key, byKey.get(key));
    const step = own.get(key);
    if (step?.status === 'running')
      return {
        ...table,
        state: 'running',
        reason: step.reason,
        error: null,
        work: workOf(step, ledger, noted),
      };
    return waiting.has(key) ? { ...table, state: 'waits' } : table;
  });
}

function workOf({ step, started_at }: StepRecord, ledger: Ledger, noted: RunProgress | undefined): LiveWork {
  const progress = noted?.steps.find((one) => one.step === step);
  const last_wall_ms = ledger.lastSuccess(step)?.resources?.wall_ms ?? null;
  return { started_at, last_wall_ms, ...(progress === undefined ? {} : { progress }) };
}

const STATES: Readonly<Record<string, LiveTableState>> = {
  succeeded: 'ok',
  up_to_date: 'fresh',
  failed: 'failed',
  skipped: 'skipped',
};

function liveTable(graph: Graph, key: string, status: TableStatus | undefined): LiveTable {
  const node = graph.byKey.get(key);
  return {
    key,
    layer: node?.layer ?? 'gold',
    state: STATES[status?.status ?? ''] ?? 'new',
    version: status?.version ?? null,
    rows_in: status?.rows_in ?? null,
    rows_out: status?.rows_out ?? null,
    deduplicated: status?.deduplicated ?? null,
    filtered: status?.filtered ?? null,
    quarantined: status?.quarantined ?? 0,
    finished_at: status?.finished_at ?? null,
    reason: status?.reason ?? 'no run has touched it yet',
    error: status?.error ?? null,
    parents: node === undefined ? [] : parentsOf(node).filter((parent) => graph.byKey.has(parent)),
    children: graph.nodes.filter((one) => parentsOf(one).includes(key)).map((one) => one.key),
  };
}

function inLayers(graph: Graph): readonly string[] {
  return LAYERS.flatMap((layer) => graph.nodes.filter((node) => node.layer === layer).map((node) => node.key));
}

function liveRun(run: RunRecord, steps: readonly StepRecord[], holders: readonly LockHolder[], here: string): LiveRun {
  const alive = holders.some((one) => one.pid === run.pid && one.host === run.host && one.state === 'alive');
  return {
    run_id: run.run_id,
    status: run.status,
    command: run.command,
    started_at: run.started_at,
    finished_at: run.finished_at ?? null,
    pid: run.pid,
    host: run.host,
    alive_here: run.status === 'running' && alive && run.host === here,
    error: run.error === undefined ? null : `${run.error.code}: ${run.error.message}`,
    steps_total: run.options?.steps.length ?? null,
    steps_ended: new Set(steps.filter((step) => step.status !== 'running').map((step) => step.step)).size,
  };
}

function liveQuarantine(ledger: Ledger): readonly LiveQuarantine[] {
  const groups = new Map<string, { table: string; rule: string; rows: number; files: Set<string> }>();
  for (const { table, rule, rows, file } of ledger.quarantine()) {
    const key = `${table} ${rule}`;
    const group = groups.get(key) ?? { table, rule, rows: 0, files: new Set<string>() };
    group.rows += rows;
    groups.set(key, { ...group, files: group.files.add(file) });
  }
  return [...groups.values()].map((group) => ({ ...group, files: group.files.size }));
}
