import type { QuarantineCount } from '../core/ports/ledger.ts';
import { integer, text } from './cells.ts';
import type { Connection } from './connection.ts';
import type { SqlRow } from './sqlite.ts';

/** Adds the counts of one step, in place of what the same step recorded before. */
export function putQuarantine(connection: Connection, step_id: string, counts: readonly QuarantineCount[]): void {
  for (const table of new Set(counts.map((count) => count.table))) {
    connection.run('delete from quarantine where table_name = ? and step_id = ?', table, step_id);
  }
  for (const count of counts) {
    connection.run(
      `insert into quarantine (table_name, file, rule, step_id, run_id, rows) values (?, ?, ?, ?, ?, ?)
       on conflict (table_name, file, rule, step_id, run_id) do update set rows = rows + excluded.rows`,
      count.table,
      count.file,
      count.rule,
      step_id,
      count.run_id,
      count.rows,
    );
  }
}

/** The whole table was computed again: nothing of what lay in its quarantine is left there. */
export function clearQuarantine(connection: Connection, table: string): void {
  connection.run('delete from quarantine where table_name = ?', table);
}

/** These files came with new content: what was put aside of their old content is no longer in the quarantine. */
export function clearQuarantineOfFiles(connection: Connection, table: string, files: readonly string[]): void {
  if (connection.get('select 1 as found from quarantine where table_name = ? limit 1', table) === undefined) return;
  for (const file of files) connection.run('delete from quarantine where table_name = ? and file = ?', table, file);
}

export function openQuarantine(connection: Connection, table: string | undefined): readonly QuarantineCount[] {
  const rows =
    table === undefined
      ? connection.all('select * from quarantine order by table_name, file, rule, step_id, run_id')
      : connection.all('select * from quarantine where table_name = ? order by file, rule, step_id, run_id', table);
  return rows.map(countOf);
}

function countOf(row: SqlRow): QuarantineCount {
  return {
    run_id: text(row, 'run_id'),
    table: text(row, 'table_name'),
    rule: text(row, 'rule'),
    file: text(row, 'file'),
    rows: integer(row, 'rows'),
  };
}
