import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { HeldTable } from '../../core/model/load.ts';
import type { Project } from '../../core/model/project.ts';
import { buildGraph, type Graph } from '../../core/planning/graph.ts';
import type { Ledger, ReleaseRecord } from '../../core/ports/ledger.ts';
import type { Sink, Standing } from '../../core/ports/sink.ts';
import type { Rooms } from '../rooms.ts';
import { releasedMadeAnew } from '../run/made-anew.ts';
import { ledgerForReading } from '../run/open-project.ts';
import { namedLoads } from './load-all.ts';
import { type LoadedTable, loadedTables, loadOf } from './load-tables.ts';
import { releaseFor } from './release-for.ts';

/** How one table of a destination stands. */
export interface LoadedTableLine {
  readonly table: string;
  readonly name: string;
  /**
   * `current`: the newest release. `behind`: an older version. `same`: an older release with the same version. `unknown`: the destination did not
   * answer, and nothing is remembered.
   */
  readonly state: 'current' | 'same' | 'behind' | 'missing' | 'changed' | 'foreign' | 'unknown';
  readonly release_id: string | null;
  readonly version: number | null;
  readonly version_newest: number;
  readonly rows: number | null;
  /** Rows of its version that the destination could not hold. */
  readonly refused: number;
  readonly loaded_at: string | null;
  /** From the publication of the version in the lake to the end of its load. */
  readonly refresh_ms: number | null;
  readonly words: string | null;
}

/** How one destination stands. */
export interface LoadLine {
  readonly load: string;
  readonly place: string;
  readonly state: 'current' | 'behind' | 'empty' | 'changed' | 'mixed' | 'unreachable';
  /** The release that it holds as a whole; null: none, or not one. */
  readonly release_id: string | null;
  /** Releases that came after it; null: not known. */
  readonly releases_behind: number | null;
  /** Since the newest release was made, while the destination does not hold it. */
  readonly lag_ms: number | null;
  readonly loaded_at: string | null;
  readonly refresh_ms: number | null;
  readonly rows: number;
  readonly tables: readonly LoadedTableLine[];
  /** True: the destination did not answer, and this is what the ledger remembers. */
  readonly remembered: boolean;
  readonly words: string | null;
}

/** What each destination holds, by its own word, against the newest release; changes nothing. */
export async function loadStatus(
  rooms: Rooms,
  project: Project,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly LoadLine[]> {
  const all = namedLoads(project, names);
  const lake = await rooms.openLake(project);
  const ledger = await ledgerForReading(rooms, project, lake);
  try {
    const graph = buildGraph(project, await rooms.checks());
    const release = releaseFor(ledger, undefined);
    const lines: LoadLine[] = [];
    for (const name of all) lines.push(await oneLoad(rooms, { project, ledger, graph, release }, name, signal));
    return lines;
  } finally {
    ledger.close();
  }
}

interface Looking {
  readonly project: Project;
  readonly ledger: Ledger;
  readonly graph: Graph;
  readonly release: ReleaseRecord;
}

/** What a destination that answers says of itself; `deep`: rows are read where only they tell. */
export async function answeredLine(
  looking: Looking,
  name: string,
  sink: Pick<Sink, 'place' | 'standing'>,
  options: { readonly deep: boolean },
): Promise<LoadLine> {
  const tables = loadedTables(loadOf(looking.project, name), looking.graph, looking.release);
  const standing = await sink.standing(tables, options);
  return lineOf(looking, name, sink.place, tables, (table) => standing.get(table) ?? { state: 'absent' });
}

async function oneLoad(rooms: Rooms, looking: Looking, name: string, signal: AbortSignal): Promise<LoadLine> {
  const { project, graph, release, ledger } = looking;
  try {
    const sink = await rooms.openSink({ name, project, signal, note: () => undefined });
    try {
      return await answeredLine(looking, name, sink, { deep: true });
    } finally {
      await sink.close();
    }
  } catch (error) {
    if (!(error instanceof DataflowError) || error.code === 'E_INTERRUPTED') throw error;
    const tables = loadedTables(loadOf(project, name), graph, release);
    const known = new Map(ledger.loads.records(name).map((record) => [record.table, record]));
    const [first] = known.values();
    const line = lineOf(looking, name, first?.place ?? '', tables, (table): Standing => {
      const held = known.get(table);
      return held === undefined ? { state: 'absent' } : { state: 'as_left', held };
    });
    return {
      ...line,
      state: 'unreachable',
      tables: line.tables.map((one) => (one.state === 'missing' ? { ...one, state: 'unknown' } : one)),
      remembered: true,
      words: rooms.redact(error.message),
    };
  }
}

function lineOf(
  { ledger, release }: Looking,
  load: string,
  place: string,
  tables: readonly LoadedTable[],
  standingOf: (table: string) => Standing,
): LoadLine {
  const all = ledger.releases(1_000_000);
  const standings = tables.map(({ table }) => standingOf(table));
  const named = new Set(standings.map(({ held }) => held?.release_id));
  const anew = new Map(
    all.flatMap((one) => (named.has(one.release_id) ? [[one.release_id, releasedMadeAnew(ledger, one)]] : [])),
  );
  const lines = tables.map((table, index) => tableLine(table, standings[index] ?? { state: 'absent' }, release, anew));
  const helds = lines.filter((line) => line.release_id !== null);
  const releases = new Set(helds.map((line) => line.release_id));
  const [release_id = null] = releases.size === 1 && helds.length === lines.length ? [...releases] : [];
  const known = all.findIndex((one) => one.release_id === release_id);
  const newest =
    helds
      .map((line) => line.loaded_at ?? '')
      .sort()
      .at(-1) ?? null;
  const current = release_id === release.release_id;
  return {
    ...{ load, place, release_id, remembered: false, words: null, tables: lines, loaded_at: newest },
    state: stateOf(lines, current, release_id),
    releases_behind: known < 0 ? null : known,
    lag_ms: current ? 0 : Math.max(0, Date.now() - Date.parse(release.created_at)),
    refresh_ms: helds.reduce<number | null>((most, { refresh_ms }) => Math.max(most ?? 0, refresh_ms ?? 0), null),
    rows: lines.reduce((sum, line) => sum + (line.rows ?? 0), 0),
  };
}

/** Which releases a destination holds parts of: a load was cut off, or tables came to it that it never had. */
export function mixedWords(tables: LoadLine['tables']): string {
  const releases = [...new Set(tables.map(({ release_id }) => release_id))];
  return releases
    .map((release) => {
      const count = tables.filter(({ release_id }) => release_id === release).length;
      const some = `${count} of ${tables.length} tables ${count === 1 ? 'holds' : 'hold'}`;
      return `${some} ${release === null ? 'nothing yet' : `release ${release}`}`;
    })
    .join(', ');
}

/** Release → its tables that were made anew since: the numbers of their versions say nothing then. */
type Anew = ReadonlyMap<string, readonly string[]>;

function stateOf(lines: readonly LoadedTableLine[], current: boolean, release_id: string | null): LoadLine['state'] {
  if (lines.some(({ state }) => state === 'changed' || state === 'foreign')) return 'changed';
  if (lines.every((line) => line.release_id === null)) return 'empty';
  if (lines.some(({ state, release_id: held }) => state === 'missing' && held !== null)) return 'changed';
  if (release_id === null) return 'mixed';
  return current ? 'current' : 'behind';
}

function tableLine(
  loaded: LoadedTable,
  { held, state, words, rows, under_way }: Standing,
  release: ReleaseRecord,
  anew: Anew,
): LoadedTableLine {
  return {
    table: loaded.table,
    name: loaded.name,
    state: tableState(loaded, state, held, release, anew),
    release_id: held?.release_id ?? null,
    version: held?.version ?? null,
    version_newest: loaded.version,
    rows: rows ?? held?.rows ?? null,
    refused: held?.refused ?? 0,
    loaded_at: held?.loaded_at ?? null,
    refresh_ms:
      held === undefined ? null : Math.max(0, Date.parse(held.loaded_at) - Date.parse(held.gold_processed_at)),
    words:
      words ??
      (under_way === undefined ? null : `a load of release ${under_way.release_id} is under way, or was cut off`),
  };
}

function tableState(
  { table, version }: LoadedTable,
  state: Standing['state'],
  held: HeldTable | undefined,
  { release_id }: ReleaseRecord,
  anew: Anew,
): LoadedTableLine['state'] {
  if (state === 'changed' || state === 'foreign') return state;
  if (held === undefined || state === 'absent') return 'missing';
  if (held.release_id === release_id) return 'current';
  const same = held.version === version && anew.get(held.release_id)?.includes(table) !== true;
  return same ? 'same' : 'behind';
}
