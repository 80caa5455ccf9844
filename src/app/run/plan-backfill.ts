import type { BackfillRequest } from '../../core/model/backfill.ts';
import type { Project } from '../../core/model/project.ts';
import type { Column } from '../../core/model/table.ts';
import { buildGraph } from '../../core/planning/graph.ts';
import type { Lake, Snapshot } from '../../core/ports/lake.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import { segmentsOf } from '../../medallion/backfill.ts';
import { relationOf } from '../../medallion/context.ts';
import { type Segment, segmentSql } from '../../medallion/segment.ts';
import type { Rooms } from '../rooms.ts';
import { windowsBehind } from './backfill-job.ts';
import { columnOf, findNode } from './backfill-table.ts';
import { ledgerForReading } from './open-project.ts';

/** A window that a backfill would compute. */
export interface PlannedWindow {
  readonly from: string;
  readonly to: string;
  /** Rows of the published version in it; null when there is none. */
  readonly rows_now: number | null;
  /** Published already by the same backfill, which was stopped: it is passed over. */
  readonly published: boolean;
}

export interface BackfillPlan {
  readonly step: string;
  readonly column: string;
  /** Version that the rows were counted in. */
  readonly version: number | null;
  readonly windows: readonly PlannedWindow[];
}

/** What `backfill --dry-run` prints: the windows and the rows that are in them now. Changes nothing. */
export async function planBackfill(
  rooms: Rooms,
  project: Project,
  request: BackfillRequest,
  signal: AbortSignal,
): Promise<BackfillPlan> {
  const node = findNode(buildGraph(project, await rooms.checks()), request.table);
  const column = columnOf(node, request);
  const lake = await rooms.openLake(project);
  const snapshot = await lake.snapshot({ layer: node.layer, name: node.name });
  const columns = snapshot?.columns ?? [guessedColumn(column, request)];
  const { segments, range } = segmentsOf(node.key, columns, { ...request, column });
  const rows = snapshot === undefined ? undefined : await countRows(rooms, project, snapshot, segments, signal);
  const behind = await publishedBefore(rooms, project, lake, (ledger) =>
    windowsBehind({ lake, ledger }, node, range, request),
  );
  const windows = segments.map(({ from, to }, i) => ({
    from,
    to,
    rows_now: rows?.[i] ?? null,
    published: behind.has(i),
  }));
  return { step: node.key, column: range.column, version: snapshot?.version ?? null, windows };
}

async function publishedBefore(
  rooms: Rooms,
  project: Project,
  lake: Lake,
  ask: (ledger: Ledger) => Promise<ReadonlySet<number>>,
): Promise<ReadonlySet<number>> {
  const ledger = await ledgerForReading(rooms, project, lake);
  try {
    return await ask(ledger);
  } finally {
    ledger.close();
  }
}

/** Before the first version the type of the column is not known without running the model; the limits tell what is meant. */
function guessedColumn(name: string, { from, to, window }: BackfillRequest): Column {
  const number = /^-?\d+$/.test(window.trim());
  const time = [from, to].some((text) => text.includes(':')) || /h/.test(window);
  return { name, type: number ? 'bigint' : time ? 'timestamp' : 'date', nullable: true };
}

/** Windows counted by one statement. */
const WINDOWS_A_QUERY = 200;

async function countRows(
  rooms: Rooms,
  project: Project,
  snapshot: Snapshot,
  segments: readonly Segment[],
  signal: AbortSignal,
): Promise<readonly number[]> {
  const engine = await rooms.openEngine(project);
  try {
    const session = await engine.openSession({ label: 'backfill', signal });
    try {
      await session.bind(relationOf(snapshot, 'published'));
      const counts: number[] = [];
      for (let i = 0; i < segments.length; i += WINDOWS_A_QUERY) {
        const some = segments.slice(i, i + WINDOWS_A_QUERY);
        const sql = some.map((segment, at) => `count(*) filter (where ${segmentSql(segment)}) as n${at}`).join(', ');
        const [row] = await session.rows(`select ${sql} from published`);
        counts.push(...some.map((_, at) => Number(row?.[`n${at}`] ?? 0)));
      }
      return counts;
    } finally {
      await session.close();
    }
  } finally {
    await engine.close();
  }
}
