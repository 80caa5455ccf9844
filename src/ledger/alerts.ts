import type { AlertLedger, AlertState } from '../core/ports/alert-ledger.ts';
import { integer, optional, text } from './cells.ts';
import type { Connection } from './connection.ts';
import type { SqlRow } from './sqlite.ts';

/** What alerts have said. */
export function alertLedger(connection: Connection): AlertLedger {
  return {
    states: () =>
      connection.guard(() => connection.all('select * from alert_states order by alert, subject')).map(stateFrom),
    put: ({ alert, subject, open, value, since }) =>
      connection.transaction(() => {
        connection.run(
          `insert into alert_states (alert, subject, open, value, since) values (?, ?, ?, ?, ?)
           on conflict (alert, subject) do update set open = excluded.open, value = excluded.value, since = excluded.since`,
          ...[alert, subject, open ? 1 : 0, value ?? null, since],
        );
      }),
    forget: (alert, subject) =>
      connection.transaction(() => {
        connection.run('delete from alert_states where alert = ? and subject = ?', alert, subject);
      }),
  };
}

function stateFrom(row: SqlRow): AlertState {
  const value = row['value'];
  return {
    alert: text(row, 'alert'),
    subject: text(row, 'subject'),
    open: integer(row, 'open') === 1,
    ...optional('value', typeof value === 'number' ? value : undefined),
    since: text(row, 'since'),
  };
}
