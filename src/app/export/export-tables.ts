import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import { type Column, parseTableKey } from '../../core/model/table.ts';
import { buildGraph } from '../../core/planning/graph.ts';
import { type Selection, selectNodes } from '../../core/planning/selection.ts';
import { tablesNamedIn } from '../../core/planning/sql-refs.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { Lake, Snapshot } from '../../core/ports/lake.ts';
import type { ReleaseRecord } from '../../core/ports/ledger.ts';
import { storedColumns } from '../../core/types/stored-columns.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { relationOf } from '../../medallion/context.ts';
import type { Rooms } from '../rooms.ts';

/** What is exported: tables of a release, or the rows of one query over them. */
export interface Wanted {
  /** Names of tables, as typed. */
  readonly tables: readonly string[];
  readonly selection: Selection;
  readonly query?: string;
}

/** One table, or the query, with what it reads. */
export interface ExportSource {
  readonly table: string;
  readonly snapshots: Readonly<Record<string, Snapshot>>;
  readonly query?: string;
}

/** @throws DataflowError E_SELECTION, E_USAGE, E_LAKE_NO_TABLE, E_LAKE_NO_VERSION. */
export async function exportSources(
  rooms: Rooms,
  project: Project,
  lake: Lake,
  release: ReleaseRecord,
  wanted: Wanted,
): Promise<readonly ExportSource[]> {
  if (wanted.query !== undefined) {
    const snapshots: Record<string, Snapshot> = {};
    for (const key of tablesNamedIn(wanted.query)) snapshots[key] = await releasedSnapshot(lake, release, key);
    return [{ table: 'query', snapshots, query: wanted.query }];
  }
  const sources: ExportSource[] = [];
  for (const key of await tablesWanted(rooms, project, release, wanted))
    sources.push({ table: key, snapshots: { [key]: await releasedSnapshot(lake, release, key) } });
  return sources;
}

/** A name of a table of the release stands for it, whatever the project says today; other words are a selection. */
async function tablesWanted(
  rooms: Rooms,
  project: Project,
  release: ReleaseRecord,
  { tables, selection }: Wanted,
): Promise<readonly string[]> {
  const exact = tables.filter((word) => release.tables[word] !== undefined);
  const select = [...selection.select, ...tables.filter((word) => !exact.includes(word))];
  if (exact.length + select.length === 0)
    throw new DataflowError('E_USAGE', 'say what to export', {
      hint: "Name tables (gold.dim_clients, 'gold.*'), or give --select or --query.",
    });
  const graph = buildGraph(project, await rooms.checks());
  const selected = select.length === 0 ? [] : [...selectNodes(graph, { ...selection, select })];
  const found = [...new Set([...exact, ...selected.filter((key) => release.tables[key] !== undefined)])];
  if (found.length > 0) return found;
  throw new DataflowError('E_SELECTION', `release ${release.release_id} has none of these tables`, {
    hint: `It has ${Object.keys(release.tables).join(', ')}.`,
  });
}

async function releasedSnapshot(lake: Lake, release: ReleaseRecord, key: string): Promise<Snapshot> {
  const version = release.tables[key];
  const table = parseTableKey(key);
  const snapshot = table === undefined || version === undefined ? undefined : await lake.snapshot(table, { version });
  if (snapshot !== undefined) return snapshot;
  throw new DataflowError('E_LAKE_NO_TABLE', `release ${release.release_id} has no table ${key}`, {
    hint: `It has ${Object.keys(release.tables).join(', ')}.`,
  });
}

/** Makes the rows of a source readable as `rows_out`, in the types that the lake would store. */
export async function defineRows(session: EngineSession, source: ExportSource): Promise<readonly Column[]> {
  for (const [key, snapshot] of Object.entries(source.snapshots)) await session.bind(relationOf(snapshot, key));
  const [only] = Object.values(source.snapshots);
  if (source.query === undefined) {
    const name = source.table.split('.').map(quoteIdent).join('.');
    await session.define('rows_out', `select * from ${name}`);
    return only?.columns ?? [];
  }
  const sql = source.query.replace(/[\s;]+$/, '');
  const columns = storedColumns(await session.describe(sql), 'the query');
  const cast = columns.map(({ name, type }) => `cast(${quoteIdent(name)} as ${type}) as ${quoteIdent(name)}`);
  await session.define('rows_out', `select ${cast.join(', ')} from (\n${sql}\n)`);
  return columns;
}
