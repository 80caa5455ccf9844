import type { BackfillProgress } from '../core/model/backfill.ts';
import type { BackfillRecord, StepRecord } from '../core/ports/ledger.ts';
import { integer, text } from './cells.ts';
import type { Connection } from './connection.ts';

/** Records a window of a backfill that a step published; the first one brings the backfill itself. */
export function putBackfillWindow(
  connection: Connection,
  { step_id, output_version }: StepRecord,
  { job, position }: BackfillProgress,
): void {
  connection.run(
    `insert or ignore into backfills (backfill_id, step, column_name, from_value, to_value, window_size, windows, code_fingerprint, inputs)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    job.backfill_id,
    job.step,
    job.column,
    job.from,
    job.to,
    job.window,
    job.windows,
    job.code_fingerprint,
    JSON.stringify(job.inputs),
  );
  connection.run(
    'insert or replace into backfill_windows (backfill_id, position, version, step_id) values (?, ?, ?, ?)',
    job.backfill_id,
    position,
    output_version ?? -1,
    step_id,
  );
}

export function newestBackfill(connection: Connection, step: string): BackfillRecord | undefined {
  const row = connection.get('select * from backfills where step = ? order by seq desc limit 1', step);
  if (row === undefined) return undefined;
  const backfill_id = text(row, 'backfill_id');
  const windows = connection.all('select * from backfill_windows where backfill_id = ? order by position', backfill_id);
  return {
    job: {
      backfill_id,
      step: text(row, 'step'),
      column: text(row, 'column_name'),
      from: text(row, 'from_value'),
      to: text(row, 'to_value'),
      window: text(row, 'window_size'),
      windows: integer(row, 'windows'),
      code_fingerprint: text(row, 'code_fingerprint'),
      inputs: JSON.parse(text(row, 'inputs')) as Record<string, number>,
    },
    done: new Map(windows.map((one) => [integer(one, 'position'), integer(one, 'version')])),
  };
}
