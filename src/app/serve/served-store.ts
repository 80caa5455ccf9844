import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { HeldTable, LoadSpec } from '../../core/model/load.ts';
import type { Project } from '../../core/model/project.ts';
import { SERVE_SPEC } from '../../core/model/serve.ts';
import { buildGraph, type Graph } from '../../core/planning/graph.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import type { ReleaseRecord } from '../../core/ports/ledger.ts';
import type { Store, StoreView } from '../../core/ports/store.ts';
import { chosenColumns, type LoadedTable, loadedTables, loadOf } from '../load/load-tables.ts';
import type { Rooms } from '../rooms.ts';
import type { StoreTable } from './store-rows.ts';
import { keyColumns } from './table-request.ts';

/** A destination that tables are answered from, and what the project says of it. */
export class ServedStore {
  readonly name: string;
  readonly #store: Store;
  readonly #spec: LoadSpec;
  readonly #graph: Graph;
  readonly #project: Project;
  /** Of the release that was asked last. */
  #tables: { readonly release_id: string; readonly by_key: ReadonlyMap<string, LoadedTable> } | undefined;

  /** @throws DataflowError E_SELECTION, E_USAGE */
  static async open(rooms: Rooms, project: Project, name: string): Promise<ServedStore> {
    const spec = loadOf(project, name);
    const { concurrency, seconds_max } = (project.serve ?? SERVE_SPEC).limits;
    // One more than questions: the look at what it holds.
    const views_max = concurrency + 1;
    const graph = buildGraph(project, await rooms.checks());
    return new ServedStore(name, await rooms.openStore({ name, project, views_max, seconds_max }), {
      spec,
      graph,
      project,
    });
  }

  private constructor(
    name: string,
    store: Store,
    about: { readonly spec: LoadSpec; readonly graph: Graph; readonly project: Project },
  ) {
    this.name = name;
    this.#store = store;
    this.#spec = about.spec;
    this.#graph = about.graph;
    this.#project = about.project;
  }

  get place(): string {
    return this.#store.place;
  }

  view(signal: AbortSignal): Promise<StoreView> {
    return this.#store.view(signal);
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  /** Whether the destination is to hold the table as it is in a release. What is appended keeps rows that the release has no more. */
  offers(key: string, release: ReleaseRecord): boolean {
    const found = this.#loaded(release).get(key);
    return found !== undefined && found.mode !== 'append';
  }

  /** Whether the destination holds a release as a whole, in the way in which the project has it loaded. */
  holds(release: ReleaseRecord, held: readonly HeldTable[]): boolean {
    return [...this.#loaded(release).values()].every((table) =>
      held.some(
        (one) =>
          one.table === table.table &&
          one.release_id === release.release_id &&
          one.version === table.version &&
          (one.refused ?? 0) === 0 &&
          one.settings_hash === table.settings_hash,
      ),
    );
  }

  /** A table of the release as the destination has it. @throws DataflowError E_SERVE_UNKNOWN */
  table(key: string, release: ReleaseRecord, snapshot: Snapshot): StoreTable {
    const loaded = this.#loaded(release).get(key);
    if (loaded === undefined || !this.offers(key, release))
      throw new DataflowError('E_SERVE_UNKNOWN', `the destination does not hold ${key} as it is in a release`);
    const columns = chosenColumns(loaded, snapshot).map(({ from, as }) => ({ column: from, name: as }));
    const key_columns = keyColumns(this.#project, key);
    const whole = key_columns.every((name) => columns.some(({ column }) => column.name === name));
    return { name: loaded.name, columns, key_columns: whole ? key_columns : [] };
  }

  #loaded(release: ReleaseRecord): ReadonlyMap<string, LoadedTable> {
    if (this.#tables?.release_id === release.release_id) return this.#tables.by_key;
    const tables = loadedTables(this.#spec, this.#graph, release);
    const by_key = new Map(tables.map((one) => [one.table, one]));
    this.#tables = { release_id: release.release_id, by_key };
    return by_key;
  }
}
