import { hostname } from 'node:os';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { type Destination, destinationsOf } from '../../core/model/destination.ts';
import type { Project } from '../../core/model/project.ts';
import { parseTableKey, type TableId, tableKey } from '../../core/model/table.ts';
import { buildGraph } from '../../core/planning/graph.ts';
import type { Engine } from '../../core/ports/engine.ts';
import type { Lake, RestorePreview } from '../../core/ports/lake.ts';
import type { UndoTablePlan } from '../../core/ports/ledger.ts';
import { timeSortedId } from '../../kit/ids.ts';
import { relationOf } from '../../medallion/context.ts';
import { quarantineCounts } from '../../medallion/quarantine-counts.ts';
import type { Rooms } from '../rooms.ts';
import { ledgerForReading, type OpenProject, openLedgerFor } from '../run/open-project.ts';
import { holdingPipeline } from '../run/pipeline-lock.ts';
import { reconcile } from '../run/reconcile.ts';
import { applyUndo, finishUndos } from './apply-undo.ts';
import { undoAim } from './find-release.ts';
import { planUndo, publishingRuns, readHistories } from './undo-plan.ts';
import type { UndoPlanning } from './undo-planning.ts';

export interface UndoOptions {
  /** A run (back to before it) or a release (back to it); without it the newest run that published. */
  readonly target?: string;
  /** Only these tables. */
  readonly tables?: readonly string[];
  readonly dry_run: boolean;
  /** The command line as typed, for the ledger. */
  readonly command: string;
  readonly signal: AbortSignal;
  readonly notice: (line: string) => void;
}

/** What became, or with `dry_run` would become, of one table. */
export interface UndoneTable {
  readonly table: string;
  readonly version_before: number;
  /** -1: it did not exist, and is empty now. */
  readonly restored_version: number;
  /** The version that holds the restored rows; null with `dry_run`. */
  readonly version: number | null;
  readonly rows_before: number;
  readonly rows: number;
  readonly files_back: number;
  readonly files_gone: number;
}

export interface UndoReport {
  /** Null when nothing was changed. */
  readonly run_id: string | null;
  readonly aim: string;
  readonly undone_runs: readonly string[];
  readonly tables: readonly UndoneTable[];
  /** Units of input that are no longer in the lake, and those that are in it again. */
  readonly inputs_undone: number;
  readonly inputs_back: number;
  readonly release_id: string | null;
  /** Destinations that hold what the undo took back: they differ from the lake now. */
  readonly destinations: readonly Destination[];
  readonly dry_run: boolean;
}

/**
 * Puts earlier table versions back as new commits. History stays: the undo is a run, and can itself be undone.
 * @throws DataflowError E_NO_RELEASE, E_SELECTION, E_UNDO_COLLECTED, E_LOCKED, E_LAKE_CONFLICT.
 */
export async function undo(rooms: Rooms, project: Project, options: UndoOptions): Promise<UndoReport> {
  const checks = await rooms.checks();
  const lake = await rooms.openLake(project);
  const ledger = options.dry_run
    ? await ledgerForReading(rooms, project, lake)
    : await openLedgerFor(rooms, project, lake);
  const open: OpenProject = { project, lake, ledger, checks, graph: buildGraph(project, checks) };
  try {
    if (options.dry_run) {
      if (ledger.undos().some((one) => !one.finished))
        options.notice('an undo was cut short: the next command that writes finishes it first');
      return (await prepared(rooms, open, options, '')).report;
    }
    return await holdingPipeline(rooms, open, { command: options.command, undoes: true }, async (lock) => {
      ledger.closeDeadRuns();
      for (const line of await reconcile(open.graph, lake, ledger)) options.notice(line);
      const finished = await finishUndos(open, lock);
      for (const line of finished) options.notice(line);
      const run_id = timeSortedId();
      // `undo` again after a crash means the same undo, not that of the undo.
      if (finished.length > 0 && options.target === undefined) return nothingUndone('that undo is done', false);
      const { report, plan, since_run } = await prepared(rooms, open, options, run_id);
      if (plan.length === 0 || since_run === undefined) return report;
      options.signal.throwIfAborted();
      const tables = plan.map((one) => one.step);
      const record = { run_id, since_run, tables, finished: false, plan };
      ledger.startUndo(runRecord(rooms, run_id, options.command), record);
      const release_id = await applyUndo(open, lock, record);
      return { ...report, run_id, release_id: release_id ?? null, tables: report.tables.map(published) };
    });
  } finally {
    ledger.close();
  }
}

function published(table: UndoneTable): UndoneTable {
  return { ...table, version: table.version_before + 1 };
}

function runRecord(rooms: Rooms, run_id: string, command: string) {
  const started_at = new Date().toISOString();
  const { pid } = process;
  const status = 'running' as const;
  return { run_id, command, started_at, status, pid, host: hostname(), dataflow_version: rooms.version };
}

function nothingUndone(aim: string, dry_run: boolean): UndoReport {
  return {
    run_id: null,
    aim,
    undone_runs: [],
    tables: [],
    inputs_undone: 0,
    inputs_back: 0,
    release_id: null,
    destinations: [],
    dry_run,
  };
}

interface Prepared {
  readonly report: UndoReport;
  readonly plan: readonly UndoTablePlan[];
  readonly since_run: string | undefined;
}

async function prepared(rooms: Rooms, open: OpenProject, options: UndoOptions, run_id: string): Promise<Prepared> {
  const { lake, ledger } = open;
  const histories = await readHistories(lake);
  const run_ids = ledger.runIds();
  const publishing = publishingRuns(histories);
  const aim = undoAim(ledger, run_ids, publishing, options.target);
  const empty = nothingUndone(aim.words, options.dry_run);
  if (aim.since_run === undefined) return { report: empty, plan: [], since_run: undefined };
  const rejects = rejectCounter(rooms, open, options.signal);
  const planning: UndoPlanning = {
    open,
    histories,
    run_ids,
    since_run: aim.since_run,
    run_id,
    started_at: new Date().toISOString(),
    notice: options.notice,
    countRejects: rejects.count,
  };
  try {
    const plan = await planUndo(planning, wantedTables(options.tables, histories));
    const tables = await previews(lake, plan);
    const inputs_undone = plan.reduce((sum, one) => sum + (one.outcome.undo?.inputs_undone.length ?? 0), 0);
    const inputs_back = plan.reduce((sum, one) => sum + (one.outcome.undo?.inputs_back.length ?? 0), 0);
    const idle = inputs_undone + inputs_back === 0 && tables.every((one) => one.files_back + one.files_gone === 0);
    if (idle) return { report: empty, plan: [], since_run: undefined };
    const later = run_ids.slice(run_ids.indexOf(aim.since_run));
    const undone_runs = later.some((id) => publishing.has(id)) ? later.filter((id) => publishing.has(id)) : later;
    const moved = new Set(plan.flatMap(({ step, table }) => (table === undefined ? [] : [step])));
    const destinations = destinationsOf(open.project, ledger, moved);
    const report = {
      ...{ ...empty, undone_runs, tables, inputs_undone, inputs_back },
      destinations: destinations.filter((one) => one.version !== null),
    };
    return { report, plan, since_run: aim.since_run };
  } finally {
    await rejects.close();
  }
}

function wantedTables(
  names: readonly string[] | undefined,
  histories: ReadonlyMap<string, unknown>,
): ReadonlySet<string> | undefined {
  if (names === undefined) return undefined;
  for (const name of names) {
    if (!histories.has(name) || name.startsWith('quarantine.'))
      throw new DataflowError('E_SELECTION', `the lake has no table ${name}`, {
        hint: 'Name tables as `dataflow status` does; a quarantine goes with its table.',
      });
  }
  return new Set(names);
}

/** What each table and quarantine would become. @throws DataflowError E_UNDO_COLLECTED when old files are gone. */
async function previews(lake: Lake, plan: readonly UndoTablePlan[]): Promise<readonly UndoneTable[]> {
  const tables: UndoneTable[] = [];
  const moves = plan.flatMap(({ step, table, beside }) => [
    ...(table === undefined ? [] : [{ key: step, move: table }]),
    ...beside.map((move) => ({ key: move.table, move })),
  ]);
  for (const { key, move } of moves) {
    const id = parseTableKey(key);
    if (id !== undefined) tables.push(await previewOf(lake, id, move));
  }
  return tables;
}

async function previewOf(lake: Lake, table: TableId, move: { from: number; to: number }): Promise<UndoneTable> {
  let preview: RestorePreview;
  try {
    preview = await lake.previewRestore(table, move.to);
  } catch (error) {
    if (!(error instanceof DataflowError) || error.code !== 'E_LAKE_NO_VERSION') throw error;
    throw collected(table, move.to, 'its log no longer tells of it', error);
  }
  const [first] = preview.missing;
  if (first !== undefined)
    throw collected(table, move.to, `${preview.missing.length} of its files are gone (${first})`);
  return {
    table: tableKey(table),
    version_before: move.from,
    restored_version: move.to,
    version: null,
    rows_before: preview.rows_before,
    rows: preview.rows,
    files_back: preview.files_back,
    files_gone: preview.files_gone,
  };
}

function collected(table: TableId, version: number, why: string, cause?: unknown): DataflowError {
  return new DataflowError('E_UNDO_COLLECTED', `${tableKey(table)} cannot go back to version ${version}: ${why}`, {
    kept: 'nothing was changed',
    cause,
  });
}

/** Counts the rows of a quarantine version in the engine, which is started only when there is something to count. */
function rejectCounter(
  rooms: Rooms,
  { project, lake }: OpenProject,
  signal: AbortSignal,
): { readonly count: UndoPlanning['countRejects']; close(): Promise<void> } {
  let engine: Engine | undefined;
  const count: UndoPlanning['countRejects'] = async (table, version, step) => {
    const snapshot = await lake.snapshot(table, { version }).catch(() => undefined);
    if (snapshot === undefined || snapshot.rows === 0) return [];
    // The files are looked for before anything is read from them.
    await previewOf(lake, table, { from: version, to: version });
    engine ??= await rooms.openEngine(project);
    const session = await engine.openSession({ label: 'undo', signal });
    try {
      await session.bind(relationOf(snapshot, 'rejects'));
      return await quarantineCounts(session, step, 'rejects');
    } finally {
      await session.close();
    }
  };
  return { count, close: async () => engine?.close() };
}
