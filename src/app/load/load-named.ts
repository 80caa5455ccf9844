import { setTimeout as sleep } from 'node:timers/promises';
import { DataflowError, withName } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import { buildGraph } from '../../core/planning/graph.ts';
import type { Engine, EngineSession } from '../../core/ports/engine.ts';
import type { Sink } from '../../core/ports/sink.ts';
import { type Backoff, jitteredWait } from '../../kit/backoff.ts';
import { timeSortedId } from '../../kit/ids.ts';
import { refuseMadeAnew } from '../releases/still-there.ts';
import type { Rooms } from '../rooms.ts';
import { releasedMadeAnew } from '../run/made-anew.ts';
import { ledgerForReading, openLedgerFor } from '../run/open-project.ts';
import { idleLoad } from './idle-load.ts';
import { type PlannedWork, planLoad } from './load-plan.ts';
import { type Moves, Progress } from './load-progress.ts';
import type { LoadReport } from './load-report.ts';
import { loadedTables, loadOf } from './load-tables.ts';
import type { Loading, LoadOptions } from './loading.ts';
import { movingTables } from './moving.ts';
import { putTables, rowsOf } from './put-tables.ts';
import { RefusedRows } from './refused-rows.ts';
import { releaseFor } from './release-for.ts';

const ATTEMPTS: Backoff = { attempts: 4, base_ms: 500, max_ms: 8000 };
const WORTH_ANOTHER: ReadonlySet<string> = new Set(['E_LOAD_CONFLICT', 'E_LOAD_UNREACHABLE', 'E_LOAD_UNKNOWN']);

/**
 * Brings a destination to a release, under the load's lock: see {@link planLoad} and {@link putTables}. What the destination says of itself decides; the
 * ledger remembers it. An attempt that fails for a reason that may pass is followed by another, which looks again.
 * @throws DataflowError E_SELECTION, E_LOCKED, E_NO_RELEASE, E_LOAD_…
 */
export async function loadNamed(rooms: Rooms, project: Project, options: LoadOptions): Promise<LoadReport> {
  const { name, full_refresh, signal, note } = options;
  loadOf(project, name);
  const sink = await rooms.openSink({ name, project, signal, note });
  try {
    const idle = full_refresh ? undefined : await idleLoad(rooms, project, options, sink);
    return idle ?? (await lockedLoad(rooms, project, options, sink));
  } catch (error) {
    throw withName(error, name);
  } finally {
    await sink.close();
  }
}

/** @param sink a way in that is open already: the first attempt takes it, and closes it. */
async function lockedLoad(rooms: Rooms, project: Project, options: LoadOptions, sink: Sink): Promise<LoadReport> {
  const { name, dry_run } = options;
  const spec = loadOf(project, name);
  const lake = await rooms.openLake(project);
  const ledger = await (dry_run ? ledgerForReading : openLedgerFor)(rooms, project, lake);
  try {
    const lock = dry_run ? undefined : ledger.lock(`load:${project.name}/${name}`, options.command);
    // Before any version is looked up: from here on nothing is collected that is read below.
    const lease = await (await rooms.openLeases(project)).open('load');
    try {
      const release = releaseFor(ledger, options.release);
      const graph = buildGraph(project, await rooms.checks());
      const loading: Loading = {
        ...{ rooms, project, spec, lake, ledger, release, graph, options },
        run_id: timeSortedId(),
      };
      if (!dry_run) options.entered?.(loading.run_id);
      return await persistently(loading, sink);
    } finally {
      await lease.release();
      lock?.release();
    }
  } finally {
    ledger.close();
  }
}

async function persistently(loading: Loading, opened: Sink): Promise<LoadReport> {
  const { rooms, project, options } = loading;
  const began = performance.now();
  let engine: Engine | undefined;
  const progress = new Progress(loading);
  let told: string | undefined;
  try {
    for (let attempt = 1; ; attempt += 1) {
      const { name, signal, note } = options;
      const sink = attempt === 1 ? opened : await rooms.openSink({ name, project, signal, note });
      const session = lazySession(async () => {
        engine ??= await rooms.openEngine(project);
        return await engine.openSession({ label: `load/${options.name}`, signal: options.signal });
      });
      try {
        await attemptLoad(loading, sink, session.get, progress);
        return progress.report(sink.place, attempt, Math.round(performance.now() - began));
      } catch (error) {
        if (!mayPass(error) || attempt >= ATTEMPTS.attempts || options.signal.aborted) throw error;
        if (error.message !== told) options.note(`load ${options.name}: ${error.message}; trying again`);
        told = error.message;
        await sleep(jitteredWait(attempt, ATTEMPTS), undefined, { signal: options.signal }).catch(() => undefined);
      } finally {
        await session.close().finally(() => sink.close());
      }
    }
  } finally {
    await engine?.close();
  }
}

function mayPass(error: unknown): error is DataflowError {
  return error instanceof DataflowError && WORTH_ANOTHER.has(error.code);
}

function lazySession(open: () => Promise<EngineSession>): { get(): Promise<EngineSession>; close(): Promise<void> } {
  let opened: EngineSession | undefined;
  return {
    get: async () => {
      opened ??= await open();
      return opened;
    },
    close: async () => opened?.close(),
  };
}

async function attemptLoad(
  { rooms, project, spec, graph, release, lake, ledger, options, run_id }: Loading,
  sink: Sink,
  session: () => Promise<EngineSession>,
  progress: Progress,
): Promise<void> {
  const tables = loadedTables(spec, graph, release);
  const { full_refresh, dry_run } = options;
  if (!dry_run) await sink.finish?.();
  const planned = await planLoad({ lake, sink, release, tables, full_refresh, writes: !dry_run });
  const works = planned.flatMap((one) => (one.action === 'none' ? [] : [one]));
  refuseMadeAnew(
    release,
    releasedMadeAnew(ledger, release),
    works.map(({ loaded: { table } }) => table),
  );
  await progress.begin(sink, planned);
  if (dry_run) {
    for (const work of works) progress.counted(work, await counted(session, work));
    return;
  }
  const refused = new RefusedRows(rooms.stateFolder(project), options.name);
  for (const { loaded, standing } of planned) refused.settle(loaded.table, standing.held);
  await putTables(
    {
      ...{ sink, run_id, session, release_id: release.release_id, refused },
      moving: movingTables(works, options.progress),
      views_pending: progress.views.length > 0,
      at_once: spec.transaction === 'release' && sink.whole_release,
      done: (work, held, counts, wall_ms) => progress.put(work, held, counts, wall_ms),
      committed: () => progress.committed(sink.place),
    },
    works,
  );
}

async function counted(session: () => Promise<EngineSession>, work: PlannedWork): Promise<Moves> {
  if (work.action === 'record') return { inserts: 0, updates: 0, deletes: 0 };
  const opened = await session();
  const { count_sql } = await rowsOf(opened, work);
  const [row] = await opened.rows(count_sql);
  const number = (name: string): number => Number(row?.[name] ?? 0);
  const gone = work.action === 'whole' ? (work.standing.rows ?? 0) : number('deletes');
  const updates = work.loaded.mode === 'append' ? 0 : number('updates');
  return { inserts: number('inserts'), updates, deletes: gone };
}
