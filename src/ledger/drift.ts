import { DRIFT_ACTIONS, DRIFTS, type DriftEvent, type DriftRecord } from '../core/model/drift.ts';
import type { StepRecord } from '../core/ports/ledger.ts';
import { integer, optional, optionalText, text, word } from './cells.ts';
import type { Connection } from './connection.ts';
import type { SqlRow } from './sqlite.ts';

/** Records how the columns of a source changed in a step, in place of what the same step recorded before. */
export function putDrift(connection: Connection, step: StepRecord, events: readonly DriftEvent[]): void {
  connection.run('delete from drift_events where step_id = ?', step.step_id);
  for (const event of events) {
    connection.run(
      `insert into drift_events (source, run_id, step_id, what, column_name, from_value, to_value, action, file, files, rows, affected, named_in, recorded_at)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      event.source,
      step.run_id,
      step.step_id,
      event.what,
      event.column ?? null,
      event.from ?? null,
      event.to ?? null,
      event.action,
      event.file,
      event.files,
      event.rows,
      JSON.stringify(event.affected),
      JSON.stringify(event.named_in),
      step.finished_at ?? step.started_at,
    );
  }
}

/** The newest events first. */
export function newestDrift(connection: Connection, source: string | undefined, limit: number): readonly DriftRecord[] {
  const rows =
    source === undefined
      ? connection.all('select * from drift_events order by seq desc limit ?', limit)
      : connection.all('select * from drift_events where source = ? order by seq desc limit ?', source, limit);
  return rows.map(recordOf);
}

function recordOf(row: SqlRow): DriftRecord {
  return {
    source: text(row, 'source'),
    run_id: text(row, 'run_id'),
    step_id: text(row, 'step_id'),
    what: word(row, 'what', DRIFTS),
    ...optional('column', optionalText(row, 'column_name')),
    ...optional('from', optionalText(row, 'from_value')),
    ...optional('to', optionalText(row, 'to_value')),
    action: word(row, 'action', DRIFT_ACTIONS),
    file: text(row, 'file'),
    files: integer(row, 'files'),
    rows: integer(row, 'rows'),
    affected: JSON.parse(text(row, 'affected')) as readonly string[],
    named_in: JSON.parse(text(row, 'named_in')) as readonly string[],
    recorded_at: text(row, 'recorded_at'),
  };
}
