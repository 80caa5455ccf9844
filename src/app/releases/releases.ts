import { parseTableKey } from '../../core/model/table.ts';
import type { Lake, Snapshot } from '../../core/ports/lake.ts';
import type { Ledger, ReleaseRecord } from '../../core/ports/ledger.ts';
import { releasedMadeAnew } from '../run/made-anew.ts';
import { findRelease } from './find-release.ts';

/** One line of `release list`. */
export interface ReleaseLine {
  readonly release_id: string;
  readonly run_id: string;
  readonly created_at: string;
  readonly current: boolean;
  /** Pinned: retention keeps its versions. */
  readonly kept: boolean;
  readonly tables: number;
  /** Tables whose version differs from the release before. */
  readonly tables_changed: number;
  /** Rows of all tables, those in quarantine not counted; null when the lake no longer tells. */
  readonly rows: number | null;
}

/** One table of a release, against the release before. */
export interface ReleaseTable {
  readonly table: string;
  readonly version: number;
  readonly rows: number | null;
  readonly size_bytes: number | null;
  readonly files: number | null;
  readonly previous_version: number | null;
  readonly previous_rows: number | null;
  readonly change: 'new' | 'changed' | 'same';
}

export interface ReleaseContent {
  readonly release: ReleaseLine;
  readonly previous_id: string | null;
  readonly tables: readonly ReleaseTable[];
}

/** The newest releases, newest first. */
export async function listReleases(lake: Lake, ledger: Ledger, limit: number): Promise<readonly ReleaseLine[]> {
  const releases = ledger.releases(limit + 1);
  const lines: ReleaseLine[] = [];
  for (const [index, release] of releases.slice(0, limit).entries())
    lines.push(await lineOf(lake, ledger, release, releases[index + 1], index === 0));
  return lines;
}

/** One release with its tables, against the one before. @throws DataflowError E_NO_RELEASE. */
export async function showRelease(lake: Lake, ledger: Ledger, word: string): Promise<ReleaseContent> {
  const release = findRelease(ledger, word);
  const all = ledger.releases(1_000_000_000);
  const place = all.findIndex((one) => one.release_id === release.release_id);
  const previous = all[place + 1];
  const its = tablesOf(lake, ledger, release);
  const its_before = previous === undefined ? undefined : tablesOf(lake, ledger, previous);
  const tables: ReleaseTable[] = [];
  for (const [table, version] of Object.entries(release.tables).sort(byLayer)) {
    const now = await its.snapshot(table);
    const before = await its_before?.snapshot(table);
    const previous_version = previous?.tables[table];
    tables.push({
      table,
      version,
      rows: now?.rows ?? null,
      size_bytes: now?.size_bytes ?? null,
      files: now?.file_count ?? null,
      previous_version: previous_version ?? null,
      previous_rows: before?.rows ?? null,
      change: previous_version === undefined ? 'new' : its_before?.mark(table) === its.mark(table) ? 'same' : 'changed',
    });
  }
  return {
    release: await lineOf(lake, ledger, release, previous, place === 0),
    previous_id: previous?.release_id ?? null,
    tables,
  };
}

/** Pins a release, so that retention keeps its versions, or lets go of it. @throws DataflowError E_NO_RELEASE. */
export async function pinRelease(lake: Lake, ledger: Ledger, word: string, keep: boolean): Promise<ReleaseRecord> {
  const release = findRelease(ledger, word);
  await lake.keepRelease(release.release_id, keep);
  ledger.keepRelease(release.release_id, keep);
  return release;
}

async function lineOf(
  lake: Lake,
  ledger: Ledger,
  release: ReleaseRecord,
  previous: ReleaseRecord | undefined,
  current: boolean,
): Promise<ReleaseLine> {
  const data = Object.keys(release.tables).filter((table) => !table.startsWith('quarantine.'));
  const its = tablesOf(lake, ledger, release);
  const its_before = previous === undefined ? undefined : tablesOf(lake, ledger, previous);
  let rows: number | null = 0;
  for (const table of data) {
    const snapshot = await its.snapshot(table);
    rows = rows === null || snapshot === undefined ? null : rows + snapshot.rows;
  }
  return {
    release_id: release.release_id,
    run_id: release.run_id,
    created_at: release.created_at,
    current,
    kept: release.kept === true,
    tables: data.length,
    tables_changed: data.filter((table) => its_before?.mark(table) !== its.mark(table)).length,
    rows,
  };
}

/** What a release holds of its tables. */
function tablesOf(lake: Lake, ledger: Ledger, release: ReleaseRecord) {
  const anew = new Set(releasedMadeAnew(ledger, release));
  return {
    /** Releases with the same mark hold the same of the table. */
    mark: (key: string): string => `${release.tables[key]}${anew.has(key) ? ' of a table that was lost' : ''}`,
    /** Undefined when the lake no longer has the version. */
    snapshot: async (key: string): Promise<Snapshot | undefined> => {
      const table = parseTableKey(key);
      const version = release.tables[key];
      if (table === undefined || version === undefined || anew.has(key)) return undefined;
      return await lake.snapshot(table, { version }).catch(() => undefined);
    },
  };
}

const ORDER = ['bronze', 'silver', 'gold', 'quarantine'];

function byLayer([a]: readonly [string, number], [b]: readonly [string, number]): number {
  const rank = (key: string): number => ORDER.indexOf(key.split('.')[0] ?? '');
  return rank(a) - rank(b) || (a < b ? -1 : 1);
}
