import type { DiffShape } from '../../core/contract/pipeline-table.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import type { Graph } from '../../core/planning/graph.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import { diffReleases, type TableDiff } from '../releases/diff-releases.ts';
import type { Serving } from '../serve/serving.ts';

const SAMPLES = 5;
const CELL_CHARS_MAX = 300;

/** Compares a table in two releases, in an engine that has no more memory than the server's. @throws DataflowError as {@link diffReleases} */
export async function diffShape(
  serving: Serving,
  graph: Graph,
  asked: {
    readonly project: Project;
    readonly table: string;
    readonly from: string;
    readonly to: string;
    readonly rows_served: boolean;
    readonly signal: AbortSignal;
  },
): Promise<DiffShape> {
  const { rooms, lake } = serving;
  const { table, from, to, rows_served, signal } = asked;
  const work = (ledger: Ledger): ReturnType<typeof diffReleases> =>
    diffReleases(
      { lake, ledger, graph, openEngine: () => rooms.openEngine(asked.project) },
      { from, to, table, rows_max: rows_served ? SAMPLES : 0, signal },
    );
  const found = await serving.ask(work).catch((error) => {
    throw worded(error);
  });
  const diff = found.tables.find((one) => one.table === table);
  const side = (release: typeof found.from): DiffShape['from'] => ({
    release_id: release.release_id,
    version: release.tables[table] ?? null,
  });
  return { ...shapeOf(diff, rows_served), table, from: side(found.from), to: side(found.to) };
}

/** Tables of the same version have no difference. */
function shapeOf(diff: TableDiff | undefined, rows_served: boolean): Omit<DiffShape, 'table' | 'from' | 'to'> {
  return {
    key: diff?.key ?? [],
    rows_added: diff?.rows_added ?? 0,
    rows_removed: diff?.rows_removed ?? 0,
    rows_changed: diff?.rows_changed ?? 0,
    columns_changed: Object.entries(diff?.columns_changed ?? {}).map(([column, rows]) => ({ column, rows })),
    columns_added: diff?.columns_added ?? [],
    columns_removed: diff?.columns_removed ?? [],
    samples: rows_served
      ? (diff?.samples ?? []).map(({ kind, row }) => ({
          kind,
          row: Object.fromEntries(Object.entries(row).map(([column, value]) => [column, cellText(value)])),
        }))
      : null,
  };
}

function cellText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return (typeof value === 'object' ? JSON.stringify(value) : String(value)).slice(0, CELL_CHARS_MAX);
}

/** What whoever asks can do something about. */
function worded(error: unknown): unknown {
  if (!(error instanceof DataflowError)) return error;
  if (error.code === 'E_SELECTION') return new DataflowError('E_SERVE_UNKNOWN', 'neither release has this table');
  if (error.code === 'E_LAKE_NO_VERSION')
    return new DataflowError('E_SERVE_GONE', 'a version of this table is not kept any more', { cause: error });
  return error;
}
