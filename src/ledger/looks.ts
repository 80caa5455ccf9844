import type { SourceLook } from '../core/model/pulled.ts';
import { integer, optional, optionalInteger, optionalText, text, word } from './cells.ts';
import type { Connection } from './connection.ts';

/** Rounds of each source that are kept: more than a day of one a second would be of no use to anybody. */
const KEPT = 20_000;
const PENDING: readonly SourceLook['pending'][] = ['none', 'some', 'unknown'];

export function putLooks(connection: Connection, looks: readonly SourceLook[]): void {
  for (const look of looks) {
    const seq = connection.run(
      `insert into source_looks (source, looked_at_ms, pending, behind, oldest_ms, rows_taken, wall_ms, error)
       values (?, ?, ?, ?, ?, ?, ?, ?)`,
      look.source,
      look.looked_at_ms,
      look.pending,
      look.behind ?? null,
      look.oldest_ms === undefined ? null : Math.round(look.oldest_ms),
      look.rows_taken,
      Math.round(look.wall_ms),
      look.error ?? null,
    );
    connection.run('delete from source_looks where source = ? and seq < ?', look.source, seq - KEPT);
  }
}

export function looksSince(connection: Connection, source: string, since_ms: number): readonly SourceLook[] {
  const sql = 'select * from source_looks where source = ? and looked_at_ms >= ? order by seq';
  return connection.all(sql, source, since_ms).map((row) => ({
    source: text(row, 'source'),
    looked_at_ms: integer(row, 'looked_at_ms'),
    pending: word(row, 'pending', PENDING),
    ...optional('behind', optionalInteger(row, 'behind')),
    ...optional('oldest_ms', optionalInteger(row, 'oldest_ms')),
    rows_taken: integer(row, 'rows_taken'),
    wall_ms: integer(row, 'wall_ms'),
    ...optional('error', optionalText(row, 'error')),
  }));
}
