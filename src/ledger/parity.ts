import type { ParityRecord, ParityResult } from '../core/model/parity.ts';
import type { ParityLedger } from '../core/ports/parity-ledger.ts';
import { optional, text } from './cells.ts';
import type { Connection } from './connection.ts';
import type { SqlRow } from './sqlite.ts';

/** What comparisons of engines came to. */
export function parityLedger(connection: Connection): ParityLedger {
  return {
    record: (record) => connection.transaction(() => put(connection, record)),
    records: () =>
      connection.guard(() => connection.all('select * from parity order by table_name, engine')).map(recordFrom),
  };
}

function put(connection: Connection, record: ParityRecord): void {
  connection.run(
    `insert into parity (table_name, engine, result, code_fingerprint, inputs, sample_percent, checked_at) values (?, ?, ?, ?, ?, ?, ?)
     on conflict (table_name, engine) do update set result = excluded.result, code_fingerprint = excluded.code_fingerprint,
       inputs = excluded.inputs, sample_percent = excluded.sample_percent, checked_at = excluded.checked_at`,
    record.table,
    record.engine,
    record.result,
    record.code_fingerprint,
    JSON.stringify(record.inputs),
    record.sample_percent ?? null,
    record.checked_at,
  );
}

function recordFrom(row: SqlRow): ParityRecord {
  const sample = row['sample_percent'];
  return {
    table: text(row, 'table_name'),
    engine: text(row, 'engine'),
    result: text(row, 'result') as ParityResult,
    code_fingerprint: text(row, 'code_fingerprint'),
    inputs: JSON.parse(text(row, 'inputs')) as Readonly<Record<string, number>>,
    ...optional('sample_percent', typeof sample === 'number' ? sample : undefined),
    checked_at: text(row, 'checked_at'),
  };
}
