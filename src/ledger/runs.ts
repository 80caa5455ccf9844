import type { RunOptionsRecord, RunRecord, RunStatus, StepError } from '../core/ports/ledger.ts';
import { livenessOf, thisProcess } from '../kit/process-identity.ts';
import { integer, optional, optionalText, text, word } from './cells.ts';
import type { Connection } from './connection.ts';
import type { SqlRow } from './sqlite.ts';

const STATUSES: readonly RunStatus[] = ['running', 'succeeded', 'failed', 'partial', 'interrupted'];

/** Stores the record as it is; a run of this process is stored with what tells it from a later process of the same pid. */
export function insertRun(connection: Connection, run: RunRecord): void {
  const here = thisProcess();
  const mine = run.pid === here.pid && run.host === here.host;
  const identity = mine ? [here.boot_id, here.process_start, here.pid_namespace] : [null, null, null];
  connection.run(
    `insert into runs (run_id, command, started_at, finished_at, status, pid, host, dataflow_version,
       error_code, error_message, error_hint, boot_id, process_start, pid_namespace, options)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    run.run_id,
    run.command,
    run.started_at,
    run.finished_at ?? null,
    run.status,
    run.pid,
    run.host,
    run.dataflow_version,
    ...errorCells(run.error),
    ...identity,
    run.options === undefined ? null : JSON.stringify(run.options),
  );
}

export function updateRun(
  connection: Connection,
  run_id: string,
  status: RunStatus,
  finished_at: string,
  error: StepError | undefined,
): void {
  connection.run(
    'update runs set status = ?, finished_at = ?, error_code = ?, error_message = ?, error_hint = ? where run_id = ?',
    status,
    finished_at,
    ...errorCells(error),
    run_id,
  );
}

/**
 * Runs whose process is provably gone become `interrupted`, and their unfinished steps `skipped`: nothing of them was published, or
 * the lake knows it and the step is entered again from there.
 */
export function closeDeadRuns(connection: Connection, finished_at: string): readonly string[] {
  const dead = connection
    .all(`select * from runs where status = 'running' order by seq`)
    .filter((row) => livenessOf(identityOf(row)) === 'dead');
  const error: StepError = {
    code: 'E_INTERRUPTED',
    message: 'the process died',
    hint: 'Run again: finished steps are not repeated.',
  };
  for (const row of dead) {
    updateRun(connection, text(row, 'run_id'), 'interrupted', finished_at, error);
    connection.run(
      `update steps set status = 'skipped', reason = 'the process that worked on it died', finished_at = ?, error_code = ?, error_message = ?, error_hint = ?
       where run_id = ? and status = 'running'`,
      finished_at,
      ...errorCells(error),
      text(row, 'run_id'),
    );
  }
  return dead.map((row) => text(row, 'run_id'));
}

export function newestRuns(connection: Connection, limit: number): readonly RunRecord[] {
  return connection.all('select * from runs order by seq desc limit ?', limit).map(runOf);
}

/** Enough to see that a prefix is not unique. */
const LIKE_MAX = 5;

export function runsLike(connection: Connection, prefix: string): readonly RunRecord[] {
  const sql = `select * from runs where substr(run_id, 1, ?) = ? order by seq desc limit ${LIKE_MAX}`;
  return connection.all(sql, prefix.length, prefix).map(runOf);
}

export function runById(connection: Connection, run_id: string): RunRecord | undefined {
  const row = connection.get('select * from runs where run_id = ?', run_id);
  return row === undefined ? undefined : runOf(row);
}

export function runOf(row: SqlRow): RunRecord {
  return {
    run_id: text(row, 'run_id'),
    command: text(row, 'command'),
    started_at: text(row, 'started_at'),
    ...optional('finished_at', optionalText(row, 'finished_at')),
    status: word(row, 'status', STATUSES),
    pid: integer(row, 'pid'),
    host: text(row, 'host'),
    dataflow_version: text(row, 'dataflow_version'),
    ...optional('error', errorOf(row)),
    ...optional('options', optionsOf(row)),
  };
}

function optionsOf(row: SqlRow): RunOptionsRecord | undefined {
  const json = optionalText(row, 'options');
  return json === undefined ? undefined : (JSON.parse(json) as RunOptionsRecord);
}

function identityOf(row: SqlRow): Parameters<typeof livenessOf>[0] {
  return {
    pid: integer(row, 'pid'),
    host: text(row, 'host'),
    boot_id: optionalText(row, 'boot_id') ?? null,
    process_start: optionalText(row, 'process_start') ?? null,
    pid_namespace: optionalText(row, 'pid_namespace') ?? null,
  };
}

/** The cells of `error_code, error_message, error_hint`. */
export function errorCells(error: StepError | undefined): [string | null, string | null, string | null] {
  return [error?.code ?? null, error?.message ?? null, error?.hint ?? null];
}

export function errorOf(row: SqlRow): StepError | undefined {
  const code = optionalText(row, 'error_code');
  if (code === undefined) return undefined;
  return {
    code,
    message: optionalText(row, 'error_message') ?? '',
    ...optional('hint', optionalText(row, 'error_hint')),
  };
}
