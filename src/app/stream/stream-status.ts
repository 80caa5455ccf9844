import type { Project } from '../../core/model/project.ts';
import type { Rooms } from '../rooms.ts';
import { lookAtSource } from '../run/look-at-source.ts';
import { ledgerForReading } from '../run/open-project.ts';
import { pulledNodes } from './run-stream.ts';

/** How one source that is asked stands. */
export interface StreamLine {
  readonly source: string;
  readonly type: string;
  /** Number of its newest batch; 0: none. */
  readonly batch: number;
  readonly committed_at: string | null;
  readonly committed_age_ms: number | null;
  /** Records that wait, when the source knows. */
  readonly behind: number | null;
  readonly oldest_ms: number | null;
  /** Taken by the service in the last hour. */
  readonly rows_per_second: number | null;
  readonly words: string;
}

const HOUR_MS = 3_600_000;

/** Asks each source what waits, and says what the ledger knows of it; changes nothing. */
export async function streamStatus(
  rooms: Rooms,
  project: Project,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly StreamLine[]> {
  const nodes = await pulledNodes(rooms, project, names);
  const lake = await rooms.openLake(project);
  const ledger = await ledgerForReading(rooms, project, lake);
  const now_ms = Date.now();
  try {
    const run = { project, lake, ledger, redo: false, now_ms, signal, temp_folder: '', redact: rooms.redact };
    const lines: StreamLine[] = [];
    for (const node of nodes) {
      const outlook = await lookAtSource(rooms, { ...run, notice: () => undefined }, node);
      const standing = ledger.sources.position(node.name);
      const looks = ledger.sources.looks(node.name, now_ms - HOUR_MS);
      const rows = looks.reduce((sum, look) => sum + look.rows_taken, 0);
      const [first] = looks;
      const seconds = first === undefined ? 0 : Math.max(1, (now_ms - first.looked_at_ms + first.wall_ms) / 1000);
      lines.push({
        source: node.name,
        type: node.spec.type,
        batch: standing?.sequence ?? 0,
        committed_at: standing?.committed_at ?? null,
        committed_age_ms: standing === undefined ? null : Math.max(0, now_ms - Date.parse(standing.committed_at)),
        behind: outlook.records ?? null,
        oldest_ms: outlook.oldest_ms ?? null,
        rows_per_second: seconds === 0 ? null : rows / seconds,
        words: rooms.redact(outlook.words),
      });
    }
    return lines;
  } finally {
    ledger.close();
  }
}
