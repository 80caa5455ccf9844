import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import { buildGraph } from '../../core/planning/graph.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import type { Sink } from '../../core/ports/sink.ts';
import { timeSortedId } from '../../kit/ids.ts';
import type { Rooms } from '../rooms.ts';
import { ledgerForReading } from '../run/open-project.ts';
import { planIdle } from './load-plan.ts';
import { Progress } from './load-progress.ts';
import type { LoadReport } from './load-report.ts';
import { loadedTables, loadOf } from './load-tables.ts';
import type { LoadOptions } from './loading.ts';
import { releaseFor } from './release-for.ts';

/**
 * A load with nothing to do only looks: no lock is taken and nothing is opened for writing. Undefined: there is something to do, to enter into the ledger, or
 * to find out under the lock.
 * @throws DataflowError E_SELECTION, E_NO_RELEASE
 */
export async function idleLoad(
  rooms: Rooms,
  project: Project,
  options: LoadOptions,
  sink: Sink,
): Promise<LoadReport | undefined> {
  const began = performance.now();
  const spec = loadOf(project, options.name);
  const lake = await rooms.openLake(project);
  // One that cannot be read as it is may be one that a writer brings up to date.
  const ledger = await ledgerForReading(rooms, project, lake).catch(unless('E_LEDGER_'));
  if (ledger === undefined) return undefined;
  try {
    const release = releaseFor(ledger, options.release);
    const graph = buildGraph(project, await rooms.checks());
    const tables = loadedTables(spec, graph, release);
    const planned = await planIdle({ lake, sink, release, tables, full_refresh: false, writes: false });
    if (planned === undefined || !isRemembered(ledger, options.name, planned)) return undefined;
    const loading = { rooms, project, spec, lake, ledger, release, graph, options, run_id: timeSortedId() };
    const progress = new Progress(loading);
    await progress.begin(sink, planned);
    return progress.views.length > 0
      ? undefined
      : progress.report(sink.place, 1, Math.round(performance.now() - began));
  } catch (error) {
    // Whatever the destination says now is said again, and tried again, by the load itself.
    return unless('E_LOAD_')(error);
  } finally {
    ledger.close();
  }
}

function unless(codes: string): (error: unknown) => undefined {
  return (error) => {
    if (error instanceof DataflowError && error.code.startsWith(codes)) return undefined;
    throw error;
  };
}

function isRemembered(
  ledger: Ledger,
  load: string,
  planned: NonNullable<Awaited<ReturnType<typeof planIdle>>>,
): boolean {
  const known = new Map(ledger.loads.records(load).map(({ table, run_id }) => [table, run_id]));
  return planned.every(({ loaded: { table }, standing }) => known.get(table) === standing.held?.run_id);
}
