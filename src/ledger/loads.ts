import type { LoadRecord } from '../core/model/load.ts';
import type { LoadLedger } from '../core/ports/load-ledger.ts';
import { text } from './cells.ts';
import type { Connection } from './connection.ts';

/** What each load holds. */
export function loadLedger(connection: Connection): LoadLedger {
  return {
    record: (records) =>
      connection.transaction(() => {
        for (const record of records) put(connection, record);
      }),
    records: (load) =>
      connection
        .guard(() =>
          connection.all(
            'select record from loads where ? is null or load = ?1 order by load, table_name',
            load ?? null,
          ),
        )
        .map((row) => JSON.parse(text(row, 'record')) as LoadRecord),
  };
}

function put(connection: Connection, record: LoadRecord): void {
  connection.run(
    `insert into loads (load, table_name, release_id, version, record, loaded_at) values (?, ?, ?, ?, ?, ?)
     on conflict (load, table_name) do update set release_id = excluded.release_id, version = excluded.version,
       record = excluded.record, loaded_at = excluded.loaded_at`,
    record.load,
    record.table,
    record.release_id,
    record.version,
    JSON.stringify(record),
    record.loaded_at,
  );
}
