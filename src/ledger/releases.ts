import type { ReleaseRecord } from '../core/ports/ledger.ts';
import { text } from './cells.ts';
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

export function newestReleases(connection: Connection, limit: number): readonly ReleaseRecord[] {
  const sql = `select r.*, (select json_group_object(table_name, version) from release_tables t where t.release_id = r.release_id) as tables
    from releases r order by seq desc limit ?`;
  return connection.all(sql, limit).map(releaseOf);
}

function releaseOf(row: SqlRow): ReleaseRecord {
  return {
    release_id: text(row, 'release_id'),
    run_id: text(row, 'run_id'),
    created_at: text(row, 'created_at'),
    tables: JSON.parse(text(row, 'tables')) as Record<string, number>,
  };
}
