import type { HeldTable, LoadRecord } from '../../core/model/load.ts';
import type { PutCounts, Sink } from '../../core/ports/sink.ts';
import type { PlannedTable, PlannedWork } from './load-plan.ts';
import type { LoadReport, LoadTableReport } from './load-report.ts';
import type { Loading } from './loading.ts';

/** Rows that a load moves, as the engine counts them. */
export interface Moves {
  readonly inserts: number;
  readonly updates: number;
  readonly deletes: number;
}

/** What became of each table, over all attempts; what is committed goes into the ledger at once. */
export class Progress {
  readonly #loading: Loading;
  readonly #tables = new Map<string, LoadTableReport>();
  readonly #moved = new Set<string>();
  /** Statements that make the views what they shall be. */
  views: readonly string[] = [];
  #waiting: { readonly record: Omit<LoadRecord, 'place'>; readonly report: LoadTableReport }[] = [];

  constructor(loading: Loading) {
    this.#loading = loading;
  }

  async begin(sink: Sink, planned: readonly PlannedTable[]): Promise<void> {
    this.#waiting = [];
    this.views = (await sink.outlineViews?.())?.statements ?? [];
    for (const one of planned)
      if (!this.#moved.has(one.loaded.table)) this.#tables.set(one.loaded.table, tableReport(one));
    if (this.#loading.options.dry_run) return;
    // What an earlier attempt committed without an answer, or another ledger remembers, is entered here.
    const known = new Map(
      this.#loading.ledger.loads.records(this.#loading.options.name).map((one) => [one.table, one]),
    );
    const told = planned.flatMap(({ action, standing: { held } }) =>
      action === 'none' && held !== undefined && known.get(held.table)?.run_id !== held.run_id ? [held] : [],
    );
    const nothing = { inserted: 0, updated: 0, deleted: 0, wall_ms: 0 };
    const { name: load } = this.#loading.options;
    if (told.length > 0)
      this.#loading.ledger.loads.record(told.map((held) => ({ ...held, ...nothing, load, place: sink.place })));
  }

  counted({ loaded, after }: PlannedWork, moves: Moves): void {
    const known = this.#tables.get(loaded.table);
    if (known !== undefined) this.#tables.set(loaded.table, { ...known, ...moves, rows: after.rows });
  }

  put({ loaded }: PlannedWork, held: HeldTable, { inserted, updated, deleted }: PutCounts, wall_ms: number): void {
    const known = this.#tables.get(loaded.table);
    if (known === undefined) return;
    const report = {
      ...known,
      inserts: inserted,
      updates: updated,
      deletes: deleted,
      rows: held.rows,
      refused: held.refused ?? 0,
      wall_ms,
    };
    const { name: load } = this.#loading.options;
    this.#waiting.push({ record: { ...held, load, inserted, updated, deleted, wall_ms }, report });
  }

  committed(place: string): void {
    for (const { report } of this.#waiting) {
      this.#tables.set(report.table, report);
      this.#moved.add(report.table);
    }
    this.#loading.ledger.loads.record(this.#waiting.map(({ record }) => ({ ...record, place })));
    for (const { report } of this.#waiting) this.#loading.options.put?.(report);
    this.#waiting = [];
  }

  report(place: string, attempts: number, wall_ms: number): LoadReport {
    const { options, release, spec, run_id } = this.#loading;
    const tables = [...this.#tables.values()];
    const sum = (of: (table: LoadTableReport) => number): number => tables.reduce((total, one) => total + of(one), 0);
    const idle = tables.every(({ action }) => action === 'none') && this.views.length === 0;
    return {
      load: options.name,
      connection: spec.connection,
      place,
      release_id: release.release_id,
      status: idle ? 'up_to_date' : options.dry_run ? 'planned' : 'loaded',
      run_id,
      tables,
      inserts: sum((one) => one.inserts),
      updates: sum((one) => one.updates),
      deletes: sum((one) => one.deletes),
      view_statements: this.views,
      attempts,
      refresh_ms: Math.max(0, Date.now() - Date.parse(release.created_at)),
      wall_ms,
      dry_run: options.dry_run,
    };
  }
}

function tableReport(planned: PlannedTable): LoadTableReport {
  const { loaded, standing, action, reason } = planned;
  const outline = action === 'none' ? undefined : planned.outline;
  return {
    ...{ table: loaded.table, name: loaded.name, mode: loaded.mode, action, reason },
    version_from: standing.held?.version ?? null,
    version_to: loaded.version,
    ...{
      inserts: 0,
      updates: 0,
      deletes: 0,
      rows: standing.held?.rows ?? 0,
      refused: standing.held?.refused ?? 0,
      wall_ms: 0,
    },
    statements: outline?.statements ?? [],
    remarks: outline?.remarks ?? [],
  };
}
