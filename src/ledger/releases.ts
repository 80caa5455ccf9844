import type { ReleaseRecord } from '../core/ports/ledger.ts';
import { integer, text } from './cells.ts';
import type { Connection } from './connection.ts';
import type { SqlRow } from './sqlite.ts';

/** Stores a release as the newest one; recorded again under the same id it changes nothing. */
export function putRelease(connection: Connection, release: ReleaseRecord): void {
  if (connection.get('select 1 as found from releases where release_id = ?', release.release_id) !== undefined) return;
  connection.run(
    'insert into releases (release_id, run_id, created_at) values (?, ?, ?)',
    release.release_id,
    release.run_id,
    release.created_at,
  );
  for (const [table, version] of Object.entries(release.tables)) {
    connection.run(
      'insert into release_tables (release_id, table_name, version) values (?, ?, ?)',
      release.release_id,
      table,
      version,
    );
  }
}

const SELECT = `select r.*, (select json_group_object(table_name, version) from release_tables t where t.release_id = r.release_id) as tables,
  exists (select 1 from release_keeps k where k.release_id = r.release_id) as kept from releases r`;

export function newestReleases(connection: Connection, limit: number): readonly ReleaseRecord[] {
  return connection.all(`${SELECT} order by seq desc limit ?`, limit).map(releaseOf);
}

export function keptReleases(connection: Connection): readonly ReleaseRecord[] {
  const kept = 'release_id in (select release_id from release_keeps)';
  return connection.all(`${SELECT} where ${kept} order by seq desc`).map(releaseOf);
}

export function keepRelease(connection: Connection, release_id: string, keep: boolean): void {
  const sql = keep
    ? 'insert or ignore into release_keeps (release_id) values (?)'
    : 'delete from release_keeps where release_id = ?';
  connection.run(sql, release_id);
}

function releaseOf(row: SqlRow): ReleaseRecord {
  return {
    release_id: text(row, 'release_id'),
    run_id: text(row, 'run_id'),
    created_at: text(row, 'created_at'),
    tables: JSON.parse(text(row, 'tables')) as Record<string, number>,
    ...(integer(row, 'kept') === 1 ? { kept: true } : {}),
  };
}
