import type { RunTally, StepTally, TallyLedger } from '../core/ports/tally-ledger.ts';
import { integer, optional, optionalText, text } from './cells.ts';
import type { Connection } from './connection.ts';

const RUNS = `select status, count(*) as runs, total((julianday(finished_at) - julianday(started_at)) * 86400) as seconds
  from runs where finished_at is not null group by status order by status`;

/** Steps that were up to date did nothing: they are no work to be counted. */
const STEPS = `select step, status, count(*) as steps, total(wall_ms) / 1000 as seconds, total(rows_in) as rows_in, total(rows_out) as rows_out,
    total(quarantined) as quarantined, total(deduplicated) as deduplicated, total(filtered) as filtered
  from steps where status in ('succeeded', 'failed', 'skipped') group by step, status order by step, status`;

/** Sums over runs and steps, made by the database. */
export function tallyLedger(connection: Connection): TallyLedger {
  return {
    runs: () =>
      connection
        .guard(() => connection.all(RUNS))
        .map(
          (row): RunTally => ({
            status: text(row, 'status'),
            runs: integer(row, 'runs'),
            seconds: Math.max(0, Math.round(integer(row, 'seconds') * 1000) / 1000),
          }),
        ),
    steps: () =>
      connection
        .guard(() => connection.all(STEPS))
        .map(
          (row): StepTally => ({
            step: text(row, 'step'),
            status: text(row, 'status'),
            steps: integer(row, 'steps'),
            seconds: integer(row, 'seconds'),
            rows_in: integer(row, 'rows_in'),
            rows_out: integer(row, 'rows_out'),
            quarantined: integer(row, 'quarantined'),
            deduplicated: integer(row, 'deduplicated'),
            filtered: integer(row, 'filtered'),
          }),
        ),
    newestRun: (status) => {
      const sql = 'select run_id, started_at, finished_at from runs where status = ? order by seq desc limit 1';
      const row = connection.guard(() => connection.get(sql, status));
      if (row === undefined) return undefined;
      return {
        run_id: text(row, 'run_id'),
        started_at: text(row, 'started_at'),
        ...optional('finished_at', optionalText(row, 'finished_at')),
      };
    },
  };
}
