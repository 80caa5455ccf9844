import type { Project } from '../../core/model/project.ts';
import { parseTableKey } from '../../core/model/table.ts';
import { buildGraph } from '../../core/planning/graph.ts';
import type { Comparison, Standing } from '../../core/ports/sink.ts';
import { refuseMadeAnew } from '../releases/still-there.ts';
import type { Rooms } from '../rooms.ts';
import { releasedMadeAnew } from '../run/made-anew.ts';
import { ledgerForReading } from '../run/open-project.ts';
import { chosenColumns, type LoadedTable, loadedTables, loadOf, sinkTable } from './load-tables.ts';
import { allRows } from './out-rows.ts';
import { releaseFor } from './release-for.ts';

/** One table of the newest release, and what the destination has of it. */
export interface ComparedTable extends Comparison {
  readonly table: string;
  /** At the destination. */
  readonly name: string;
  readonly equal: boolean;
  readonly words: string | null;
}

export interface LoadProof {
  readonly load: string;
  readonly place: string;
  readonly release_id: string;
  readonly equal: boolean;
  readonly tables: readonly ComparedTable[];
}

/**
 * Whether a destination has the rows of the newest release, and no others: each table is compared row by row, in the destination's own types. Nothing is
 * changed that anybody sees.
 * @throws DataflowError E_SELECTION, E_NO_RELEASE, E_LOAD_…
 */
export async function compareLoad(
  rooms: Rooms,
  project: Project,
  {
    name,
    signal,
    note,
  }: { readonly name: string; readonly signal: AbortSignal; readonly note: (text: string) => void },
): Promise<LoadProof> {
  const spec = loadOf(project, name);
  const lake = await rooms.openLake(project);
  const ledger = await ledgerForReading(rooms, project, lake);
  const lease = await (await rooms.openLeases(project)).open('verify');
  const sink = await rooms.openSink({ name, project, signal, note });
  const engine = await rooms.openEngine(project);
  try {
    const release = releaseFor(ledger, undefined);
    const loaded = loadedTables(spec, buildGraph(project, await rooms.checks()), release);
    refuseMadeAnew(
      release,
      releasedMadeAnew(ledger, release),
      loaded.map(({ table }) => table),
    );
    const standing = await sink.standing(loaded, { deep: true });
    const session = await engine.openSession({ label: `compare/${name}`, signal });
    const tables: ComparedTable[] = [];
    for (const one of loaded) {
      const id = parseTableKey(one.table);
      const snapshot = id === undefined ? undefined : await lake.snapshot(id, { version: one.version });
      if (snapshot === undefined) continue;
      const chosen = chosenColumns(one, snapshot);
      const missing = standing.get(one.table)?.state === 'absent';
      const { rows } = await allRows(session, snapshot, chosen);
      const found = missing ? nothingThere(snapshot.rows) : await sink.compare(sinkTable(one, chosen), rows);
      tables.push(compared(one, found, standing.get(one.table)));
    }
    await session.close();
    const equal = tables.every((one) => one.equal);
    return { load: name, place: sink.place, release_id: release.release_id, equal, tables };
  } finally {
    await engine.close();
    await sink.close();
    await lease.release();
    ledger.close();
  }
}

function nothingThere(rows_lake: number): Comparison {
  return { rows_lake, rows_there: 0, only_lake: rows_lake, only_there: 0, samples: [] };
}

/** A table that is appended to keeps rows that the lake has no longer, and rows as they were. */
function compared(
  { table, name, mode }: LoadedTable,
  found: Comparison,
  standing: Standing | undefined,
): ComparedTable {
  const words = standing?.state === 'absent' ? 'there is no such table' : (standing?.words ?? null);
  const there = standing?.state !== 'absent';
  const equal = there && found.only_lake === 0 && (mode === 'append' || found.only_there === 0);
  return { ...found, table, name, equal, words };
}
