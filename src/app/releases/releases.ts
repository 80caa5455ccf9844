import { parseTableKey } from '../../core/model/table.ts';
import type { Lake, Snapshot } from '../../core/ports/lake.ts';
import type { Ledger, ReleaseRecord } from '../../core/ports/ledger.ts';
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
    lines.push(await lineOf(lake, release, releases[index + 1], index === 0));
  return lines;
}

/** One release with its tables, against the one before. @throws DataflowError E_NO_RELEASE. */
export async function showRelease(lake: Lake, ledger: Ledger, word: string): Promise<ReleaseContent> {
  const release = findRelease(ledger, word);
  const all = ledger.releases(1_000_000_000);
  const place = all.findIndex((one) => one.release_id === release.release_id);
  const previous = all[place + 1];
  const tables: ReleaseTable[] = [];
  for (const [table, version] of Object.entries(release.tables).sort(byLayer)) {
    const now = await snapshotAt(lake, table, version);
    const previous_version = previous?.tables[table];
    const before = previous_version === undefined ? undefined : await snapshotAt(lake, table, previous_version);
    tables.push({
      table,
      version,
      rows: now?.rows ?? null,
      size_bytes: now?.size_bytes ?? null,
      files: now?.files.length ?? null,
      previous_version: previous_version ?? null,
      previous_rows: before?.rows ?? null,
      change: previous_version === undefined ? 'new' : previous_version === version ? 'same' : 'changed',
    });
  }
  return {
    release: await lineOf(lake, release, previous, place === 0),
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
  release: ReleaseRecord,
  previous: ReleaseRecord | undefined,
  current: boolean,
): Promise<ReleaseLine> {
  const data = Object.entries(release.tables).filter(([table]) => !table.startsWith('quarantine.'));
  let rows: number | null = 0;
  for (const [table, version] of data) {
    const snapshot = await snapshotAt(lake, table, version);
    rows = rows === null || snapshot === undefined ? null : rows + snapshot.rows;
  }
  return {
    release_id: release.release_id,
    run_id: release.run_id,
    created_at: release.created_at,
    current,
    kept: release.kept === true,
    tables: data.length,
    tables_changed: data.filter(([table, version]) => previous?.tables[table] !== version).length,
    rows,
  };
}

/** Undefined when the log no longer tells of the version. */
async function snapshotAt(lake: Lake, key: string, version: number): Promise<Snapshot | undefined> {
  const table = parseTableKey(key);
  return table === undefined ? undefined : await lake.snapshot(table, { version }).catch(() => undefined);
}

const ORDER = ['bronze', 'silver', 'gold', 'quarantine'];

function byLayer([a]: readonly [string, number], [b]: readonly [string, number]): number {
  const rank = (key: string): number => ORDER.indexOf(key.split('.')[0] ?? '');
  return rank(a) - rank(b) || (a < b ? -1 : 1);
}
