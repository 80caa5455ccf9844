import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { type DatasetName, type EventInput, eventsOf } from '../../core/lineage/openlineage.ts';
import { type ParentRun, type RunEvents, runEnd, runStart } from '../../core/lineage/openlineage-run.ts';
import type { TableLineage } from '../../core/lineage/project-lineage.ts';
import type { Project } from '../../core/model/project.ts';
import { parseTableKey, type TableId } from '../../core/model/table.ts';
import { codeFingerprint } from '../../core/planning/fingerprint.ts';
import { buildGraph, type Graph } from '../../core/planning/graph.ts';
import type { Lake, Snapshot } from '../../core/ports/lake.ts';
import type { InputRecord, Ledger, RunRecord, StepRecord } from '../../core/ports/ledger.ts';
import type { Rooms } from '../rooms.ts';
import { ledgerForReading } from '../run/open-project.ts';
import { linedUp } from './show-lineage.ts';

/** Files of one step that are named one by one, in inputs and in column lineage. */
const FILES_MAX = 1000;
const LINEAGE_FILES_MAX = 20;
/** How far back the newest run with steps is looked for. */
const RUNS_MAX = 100;

interface EventContext {
  readonly rooms: Rooms;
  readonly project: Project;
  readonly graph: Graph;
  readonly lake: Lake;
  readonly files: readonly InputRecord[];
  readonly tables: readonly TableLineage[];
  /** Absent when the engine could not be asked. */
  readonly engine_version?: string;
  readonly namespace: string;
  readonly run: RunRecord;
}

/** How events of runs are asked for. */
export interface EventOptions {
  /** A run; absent = the newest that ran a step. */
  readonly run_id?: string;
  /** Do without columns and engine when the engine cannot be asked. */
  readonly spare_engine?: boolean;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Standard OpenLineage events of a run: its START, a START and a COMPLETE, FAIL or ABORT of each step in the order of the steps, and how the run ended. The
 * same run always gives the same ids and times. @throws DataflowError E_USAGE when there is no such run.
 */
export async function openLineageEvents(
  rooms: Rooms,
  project: Project,
  options: EventOptions,
): Promise<readonly object[]> {
  const lake = await rooms.openLake(project);
  const ledger = await ledgerForReading(rooms, project, lake);
  try {
    const run = runOf(ledger, options.run_id);
    if (run === undefined) return [];
    const steps = ledger.steps(run.run_id);
    const graph = buildGraph(project, await rooms.checks());
    const lined = await linedUp(rooms, project).catch((error: unknown) => {
      if (options.spare_engine === true) return { tables: [] };
      throw error;
    });
    const namespace = jobNamespace(project, options.env);
    const context = { rooms, project, graph, lake, files: ledger.inputs(), namespace, run, ...lined };
    const events: object[] = [];
    for (const step of steps) events.push(...(await stepEvents(context, step)));
    const whole = wholeRun(rooms, project, run, options.env, run.error ?? steps.find((step) => step.error)?.error);
    const end = runEnd(whole);
    return [runStart(whole), ...events, ...(end === undefined ? [] : [end])];
  } finally {
    ledger.close();
  }
}

/** The first event of a run that has just begun: the very one that {@link openLineageEvents} gives for it later. */
export function openLineageStart(
  rooms: Rooms,
  project: Project,
  run: Pick<RunRecord, 'run_id' | 'started_at'>,
  env: NodeJS.ProcessEnv,
): object {
  return runStart(wholeRun(rooms, project, run, env));
}

function wholeRun(
  rooms: Rooms,
  project: Project,
  run: RunEvents['run'] & Pick<RunRecord, 'run_id'>,
  env: NodeJS.ProcessEnv,
  error?: RunRecord['error'],
): RunEvents {
  const namespace = jobNamespace(project, env);
  const about = { run, namespace, run_uuid: uuidOf(run.run_id), producer: producerOf(rooms) };
  return { ...about, error, parent: parentOf(env) };
}

function producerOf(rooms: Rooms): string {
  return `urn:dataflow:${rooms.version}`;
}

/** `openlineage.namespace`, else the standard variable, else the project's name. */
function jobNamespace(project: Project, env: NodeJS.ProcessEnv): string {
  return project.openlineage?.namespace ?? (env['OPENLINEAGE_NAMESPACE'] || project.name);
}

/** What an orchestrator says of itself: `namespace/job/run`. */
function parentOf(env: NodeJS.ProcessEnv): ParentRun | undefined {
  const [, namespace, name, run_uuid] =
    /^(.+)\/([^/]+)\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i.exec(env['OPENLINEAGE_PARENT_ID'] ?? '') ?? [];
  if (namespace === undefined || name === undefined || run_uuid === undefined) return undefined;
  return { namespace, name, run_uuid: run_uuid.toLowerCase() };
}

function runOf(ledger: Ledger, run_id: string | undefined): RunRecord | undefined {
  // A run that ended before its first step, or found everything up to date, has nothing to tell.
  const worked = (one: StepRecord): boolean => one.status === 'succeeded' || one.status === 'failed';
  if (run_id === undefined) return ledger.runs(RUNS_MAX).find((run) => ledger.steps(run.run_id).some(worked));
  const run = ledger.run(run_id);
  if (run !== undefined) return run;
  throw new DataflowError('E_USAGE', `there is no run ${run_id}`, {
    hint: 'See the runs with: dataflow status --runs',
  });
}

async function stepEvents(context: EventContext, step: StepRecord): Promise<readonly object[]> {
  const { project, graph, rooms, run, namespace, engine_version } = context;
  const node = graph.byKey.get(step.step);
  const table = parseTableKey(step.step);
  if (table === undefined) return [];
  const same = node !== undefined && step.code_fingerprint === codeFingerprint(node);
  const lineage = same ? context.tables.find((one) => one.table === step.step) : undefined;
  return eventsOf({
    step,
    run,
    namespace,
    step_uuid: uuidOf(step.step_id),
    run_uuid: uuidOf(step.run_id),
    producer: producerOf(rooms),
    ...(engine_version === undefined ? {} : { engine: { name: project.engine.type, version: engine_version } }),
    adapter_version: rooms.version,
    inputs: table.layer === 'bronze' ? filesOf(context, step) : await tablesOf(context, step),
    output: placeOf(project, table),
    ...(lineage === undefined ? {} : { lineage }),
    ...(same && node.layer === 'gold' ? { sql: node.spec.sql } : {}),
    datasetsOf: (name) => datasetsOf(context, step, name),
  });
}

/** The same id always gives the same UUID (version 8: of our own making). */
function uuidOf(id: string): string {
  const hex = createHash('sha256').update(id).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function placeOf(project: Project, table: TableId): DatasetName {
  const folder = table.layer === 'quarantine' ? 'quarantine' : project.lake.layers[table.layer];
  const { url } = project.lake;
  if (!url.includes('://')) return { namespace: 'file', name: join(url, folder, table.name) };
  const { protocol, host, pathname } = new URL(url);
  return { namespace: `${protocol}//${host}`, name: `${pathname.replace(/\/$/, '')}/${folder}/${table.name}` };
}

/** The files that a bronze step took in. */
function filesOf({ project, files }: EventContext, step: StepRecord): readonly EventInput[] {
  const source = step.step.slice('bronze.'.length);
  return files
    .filter((file) => file.source === source && file.run_id === step.run_id && file.status === 'loaded')
    .slice(0, FILES_MAX)
    .map((file) => ({
      namespace: 'file',
      name: join(project.root, file.path),
      rows: file.records,
      size_bytes: file.size_bytes,
    }));
}

async function tablesOf(context: EventContext, step: StepRecord): Promise<readonly EventInput[]> {
  const inputs: EventInput[] = [];
  for (const [name, version] of Object.entries(step.inputs)) {
    const table = parseTableKey(name);
    if (table === undefined) continue;
    const snapshot = await context.lake.snapshot(table, { version }).catch(() => undefined);
    inputs.push({
      ...placeOf(context.project, table),
      table: name,
      version,
      ...(snapshot === undefined ? {} : factsOf(snapshot)),
    });
  }
  return inputs;
}

function factsOf(snapshot: Snapshot): Partial<EventInput> {
  const { rows, size_bytes, columns, files } = snapshot;
  const types = Object.fromEntries(columns.map((column) => [column.name, column.type]));
  const counts = columns.map(({ name }): [string, number] => [
    name,
    files.reduce((sum, file) => sum + (file.stats?.null_count[name] ?? 0), 0),
  ]);
  const known = files.every((file) => file.stats !== undefined);
  return { rows, size_bytes, types, ...(known ? { null_counts: Object.fromEntries(counts) } : {}) };
}

/** A table is one dataset; a source is the files that the step took in. */
function datasetsOf(context: EventContext, step: StepRecord, name: string): readonly DatasetName[] {
  const table = parseTableKey(name);
  if (table !== undefined) return [placeOf(context.project, table)];
  return filesOf(context, step)
    .slice(0, LINEAGE_FILES_MAX)
    .map(({ namespace, name: path }) => ({ namespace, name: path }));
}
