import type { Overrun, Receipt } from '../core/model/receipt.ts';
import { integer, optionalText, text } from './cells.ts';
import type { Connection } from './connection.ts';
import type { SqlRow } from './sqlite.ts';

/** Stores what a run took and used, in place of an earlier receipt of the run. */
export function putReceipt(connection: Connection, receipt: Receipt): void {
  connection.run('delete from receipts where run_id = ?', receipt.run_id);
  connection.run(
    `insert into receipts (run_id, rows_in, rows_out, rows_quarantined, bytes_in, bytes_out, wall_ms, cpu_ms, peak_memory_bytes,
       reader_peak_memory_bytes, rows_per_second, money, currency, memory_limit_bytes, threads, retried_steps, over_budget)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    receipt.run_id,
    receipt.rows_in,
    receipt.rows_out,
    receipt.rows_quarantined,
    receipt.bytes_in,
    receipt.bytes_out,
    receipt.wall_ms,
    receipt.cpu_ms,
    receipt.peak_memory_bytes,
    receipt.reader_peak_memory_bytes,
    receipt.rows_per_second,
    receipt.money,
    receipt.currency,
    receipt.memory_limit_bytes,
    receipt.threads,
    JSON.stringify(receipt.retried_steps),
    JSON.stringify(receipt.over_budget),
  );
}

export function receiptOfRun(connection: Connection, run_id: string): Receipt | undefined {
  const row = connection.get('select * from receipts where run_id = ?', run_id);
  return row === undefined ? undefined : receiptOf(row);
}

export function newestReceipts(connection: Connection, limit: number): readonly Receipt[] {
  return connection.all('select * from receipts order by seq desc limit ?', limit).map(receiptOf);
}

function receiptOf(row: SqlRow): Receipt {
  return {
    run_id: text(row, 'run_id'),
    rows_in: integer(row, 'rows_in'),
    rows_out: integer(row, 'rows_out'),
    rows_quarantined: integer(row, 'rows_quarantined'),
    bytes_in: integer(row, 'bytes_in'),
    bytes_out: integer(row, 'bytes_out'),
    wall_ms: Number(row['wall_ms']),
    cpu_ms: Number(row['cpu_ms']),
    peak_memory_bytes: integer(row, 'peak_memory_bytes'),
    reader_peak_memory_bytes: integer(row, 'reader_peak_memory_bytes'),
    rows_per_second: row['rows_per_second'] === null ? null : Number(row['rows_per_second']),
    money: row['money'] === null ? null : Number(row['money']),
    currency: optionalText(row, 'currency') ?? null,
    memory_limit_bytes: integer(row, 'memory_limit_bytes'),
    threads: integer(row, 'threads'),
    retried_steps: JSON.parse(text(row, 'retried_steps')) as readonly string[],
    over_budget: JSON.parse(text(row, 'over_budget')) as readonly Overrun[],
  };
}
