import { hostname } from 'node:os';
import { join } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import { parseTableKey } from '../../core/model/table.ts';
import { buildGraph, type Graph } from '../../core/planning/graph.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import { ledgerStamp } from '../monitor/kept-metrics.ts';
import { openRows } from '../quarantine/show-quarantine.ts';
import type { Rooms } from '../rooms.ts';
import { KeptLedger } from '../run/kept-ledger.ts';
import { notedProgress } from '../run/run-progress.ts';
import type { LiveState, TableDetail } from './live-state.ts';
import { emptyLive, readLive } from './read-live.ts';
import type { WatchRequest } from './watch-request.ts';

const VERSIONS_SHOWN = 20;
const REJECTED_SHOWN = 10;

/** Reads for the terminal view. While the files of the ledger are as they were and no run is at work, it is not asked. */
export async function openWatch(
  rooms: Rooms,
  project: Project,
  signal: AbortSignal,
): Promise<Pick<WatchRequest, 'read' | 'detail'> & { close(): void }> {
  const graph = buildGraph(project, await rooms.checks());
  const folder = rooms.stateFolder(project);
  const here = hostname();
  const kept = new KeptLedger(join(folder, 'ledger.db'), () =>
    rooms.openLedger(project, { read_only: true, create: false }),
  );
  let seen = '';
  const read = async (): Promise<LiveState | undefined> => {
    const now = ledgerStamp(join(folder, 'ledger.db'));
    if (now === seen) return undefined;
    const live = await askIfThere(kept, (ledger) =>
      readLive(project, graph, ledger, here, (run_id) => notedProgress(folder, run_id, Date.now())),
    );
    // A run at work may die without a word.
    seen = live?.runs[0]?.status === 'running' ? '' : now;
    return live ?? emptyLive(project, graph);
  };
  return {
    read,
    detail: (table) => detailOf({ rooms, project, graph, kept, signal }, table),
    close: () => kept.close(),
  };
}

/** Undefined as long as there is no ledger. */
async function askIfThere<T>(kept: KeptLedger, work: (ledger: Ledger) => T): Promise<T | undefined> {
  try {
    return await kept.ask(work);
  } catch (error) {
    if (error instanceof DataflowError && error.code === 'E_LEDGER_MISSING') return undefined;
    throw error;
  }
}

interface Watched {
  readonly rooms: Rooms;
  readonly project: Project;
  readonly graph: Graph;
  readonly kept: KeptLedger;
  readonly signal: AbortSignal;
}

async function detailOf({ rooms, project, graph, kept, signal }: Watched, key: string): Promise<TableDetail> {
  const table = parseTableKey(key);
  const snapshot = table === undefined ? undefined : await (await rooms.openLake(project)).snapshot(table);
  const told = await askIfThere(kept, (ledger) => ({
    publishes: ledger.publishes(key, -1, Number.MAX_SAFE_INTEGER),
    rejected: ledger.quarantine(key).length > 0,
  }));
  const node = graph.byKey.get(key);
  const shown = { filter: {}, limit: REJECTED_SHOWN, signal };
  const rejecting = told?.rejected === true && node !== undefined && node.layer !== 'gold';
  const { rows } = rejecting ? await openRows(rooms, project, node, shown) : { rows: [] };
  const text = (value: unknown): string => (value === null || value === undefined ? '' : String(value));
  return {
    key,
    columns: (snapshot?.columns ?? []).map(({ name, type, nullable, kept_as }) => ({
      name,
      type: kept_as ?? type,
      nullable,
    })),
    versions: (told?.publishes ?? [])
      .toReversed()
      .slice(0, VERSIONS_SHOWN)
      .map((step) => ({
        version: step.output_version ?? 0,
        at: step.finished_at ?? step.started_at,
        run_id: step.run_id,
        rows_out: step.balance?.rows_out ?? null,
        reason: step.reason,
      })),
    rejected: rows.map((row) => ({
      file: text(row['file']),
      line: text(row['line']),
      rule: text(row['rule']),
      reason: text(row['reason']),
    })),
  };
}
