import { parseTableKey } from '../../core/model/table.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import { showStatus } from '../explain/show-status.ts';

/** How the pipeline stands: the newest run, the newest release, every table. */
export interface PipelineStatus {
  readonly status: string;
  readonly run: {
    readonly run_id: string;
    readonly started_at: string;
    readonly finished_at: string | null;
  } | null;
  readonly release: { readonly release_id: string; readonly created_at: string } | null;
  readonly tables: readonly {
    readonly table: string;
    readonly status: string;
    readonly version: number | null;
    readonly rows: number | null;
    readonly quarantined: number;
    readonly finished_at: string | null;
  }[];
}

/** When a table was made last, and how long that took. */
export interface RefreshTime {
  /** The table's name without its layer. */
  readonly collection: string;
  readonly table: string;
  readonly refreshed_at: string;
  readonly refresh_ms: number;
  readonly rows: number | null;
  readonly run_id: string;
}

export function pipelineStatus(ledger: Ledger): PipelineStatus {
  const { run, release, tables } = showStatus(ledger);
  return {
    status: run?.status ?? 'never run',
    run:
      run === undefined
        ? null
        : { run_id: run.run_id, started_at: run.started_at, finished_at: run.finished_at ?? null },
    release: release === undefined ? null : { release_id: release.release_id, created_at: release.created_at },
    tables: tables.map(({ step, status, version, rows_out, quarantined, finished_at }) => ({
      table: step,
      status,
      version,
      rows: rows_out,
      quarantined,
      finished_at,
    })),
  };
}

/** @param tables whose times are told: those that may be read. */
export function refreshTimes(ledger: Ledger, tables: (key: string) => boolean): readonly RefreshTime[] {
  return ledger
    .latestSteps()
    .flatMap((step) => ledger.lastSuccess(step.step) ?? [])
    .filter((step) => tables(step.step) && step.finished_at !== undefined)
    .map((step) => ({
      collection: parseTableKey(step.step)?.name ?? step.step,
      table: step.step,
      refreshed_at: step.finished_at ?? '',
      refresh_ms: step.resources?.wall_ms ?? 0,
      rows: step.balance?.rows_out ?? null,
      run_id: step.run_id,
    }))
    .sort((a, b) => (a.table < b.table ? -1 : 1));
}
