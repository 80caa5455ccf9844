import type { Balance } from '../core/model/balance.ts';
import type { Resources, StepRecord, StepStatus, TestResult } from '../core/ports/ledger.ts';
import type { LoggedSteps } from '../core/ports/page-ledger.ts';
import { integer, optional, optionalInteger, optionalText, text, word } from './cells.ts';
import type { Connection } from './connection.ts';
import { errorCells, errorOf } from './runs.ts';
import type { SqlRow } from './sqlite.ts';

const STATUSES: readonly StepStatus[] = ['running', 'succeeded', 'failed', 'skipped', 'up_to_date'];
const MODES = ['full', 'incremental'] as const;

/** One statement reads a step whole: its inputs and tests come along as JSON. */
const SELECT = `select s.*,
  (select json_group_object(input, version) from step_inputs i where i.step_id = s.step_id) as inputs,
  (select json_group_array(json_array(test, severity, passed, failures, message) order by position) from step_tests t where t.step_id = s.step_id) as tests
  from steps s`;

/**
 * Stores a step, in place of an earlier record with its id. The record becomes the newest one: order is that of writing, so
 * that a step entered late (from the lake) comes after what was known before.
 */
export function putStep(connection: Connection, step: StepRecord): void {
  connection.run('delete from steps where step_id = ?', step.step_id);
  const b = step.balance;
  const r = step.resources;
  connection.run(
    `insert into steps (step_id, run_id, step, status, reason, mode, code_fingerprint, tests_fingerprint, output_version,
       rows_in, rows_out, quarantined, deduplicated, filtered, wall_ms, cpu_ms, peak_memory_bytes, bytes_read, bytes_written,
       error_code, error_message, error_hint, started_at, finished_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    step.step_id,
    step.run_id,
    step.step,
    step.status,
    step.reason,
    step.mode ?? null,
    step.code_fingerprint ?? null,
    step.tests_fingerprint ?? null,
    step.output_version ?? null,
    ...(b === undefined
      ? [null, null, null, null, null]
      : [b.rows_in, b.rows_out, b.quarantined, b.deduplicated, b.filtered]),
    ...(r === undefined
      ? [null, null, null, null, null]
      : [r.wall_ms, r.cpu_ms, r.peak_memory_bytes, r.bytes_read, r.bytes_written]),
    ...errorCells(step.error),
    step.started_at,
    step.finished_at ?? null,
  );
  for (const [input, version] of Object.entries(step.inputs)) {
    connection.run('insert into step_inputs (step_id, input, version) values (?, ?, ?)', step.step_id, input, version);
  }
  for (const [position, test] of step.tests.entries()) {
    connection.run(
      'insert into step_tests (step_id, position, test, severity, passed, failures, message) values (?, ?, ?, ?, ?, ?, ?)',
      step.step_id,
      position,
      test.test,
      test.severity,
      test.passed ? 1 : 0,
      test.failures,
      test.message,
    );
  }
}

export function stepsOfRun(connection: Connection, run_id: string): readonly StepRecord[] {
  return connection.all(`${SELECT} where s.run_id = ? order by s.seq`, run_id).map(stepOf);
}

/** Jumps from name to name through the index instead of reading every record ever written. */
export function latestSteps(connection: Connection): readonly StepRecord[] {
  const sql = `with recursive names (step) as (
      select min(step) from steps
      union all
      select (select min(step) from steps where step > names.step) from names where names.step is not null
    )
    ${SELECT} where s.seq in (
      select (select seq from steps where step = names.step and status <> 'running' order by seq desc limit 1) from names where names.step is not null
    ) order by s.step`;
  return connection.all(sql).map(stepOf);
}

export function lastSuccess(connection: Connection, step: string): StepRecord | undefined {
  const row = connection.get(`${SELECT} where s.step = ? and s.status = 'succeeded' order by s.seq desc limit 1`, step);
  return row === undefined ? undefined : stepOf(row);
}

/** Newest first, without those that found nothing to do: each of the others is met through the index by status. */
export function newestSteps(connection: Connection, step: string, limit: number): readonly StepRecord[] {
  const told = STATUSES.filter((status) => status !== 'up_to_date');
  const newest = told.map(
    (status) =>
      `select * from (select seq from steps where step = ?1 and status = '${status}' order by seq desc limit ?2)`,
  );
  const sql = `${SELECT} where s.seq in (${newest.join(' union all ')}) order by s.seq desc limit ?2`;
  return connection.all(sql, step, limit).map(stepOf);
}

/**
 * Records that the log names, whatever they say; those that say that they published a version which can be read, or name one beyond it; and those
 * whose balance does not add up. Found by the database: a long history is mostly of versions that were collected.
 */
export function provableSteps(
  connection: Connection,
  step: string,
  { step_ids, from, to }: LoggedSteps,
): readonly StepRecord[] {
  const published = `status = 'succeeded' and output_version >= ?2 and (wall_ms is not null or output_version > ?3)`;
  const sql = `${SELECT} where s.seq in (
      select seq from steps where step = ?1 and (${published} or rows_in <> rows_out + quarantined + deduplicated + filtered)
      union select seq from steps where step_id in (select value from json_each(?4))
    ) order by s.seq`;
  return connection.all(sql, step, from, to, JSON.stringify(step_ids)).map(stepOf);
}

/** By the order of writing, not by any clock. */
export function successBefore(
  connection: Connection,
  { step, step_id }: Pick<StepRecord, 'step' | 'step_id'>,
): StepRecord | undefined {
  const sql = `${SELECT} where s.step = ? and s.status = 'succeeded'
    and s.seq < coalesce((select seq from steps where step_id = ?), 0) order by s.seq desc limit 1`;
  const row = connection.get(sql, step, step_id);
  return row === undefined ? undefined : stepOf(row);
}

export function publishes(
  connection: Connection,
  step: string,
  from: number,
  to: number,
  after?: string,
): readonly StepRecord[] {
  const sql = `${SELECT} where s.step = ? and s.status = 'succeeded' and s.output_version > ? and s.output_version <= ?
    and s.seq > coalesce((select seq from steps where step_id = ?), 0) order by s.seq`;
  return connection.all(sql, step, from, to, after ?? null).map(stepOf);
}

/** Enough to see that a prefix is not unique. */
const LIKE_MAX = 5;

export function stepsLike(connection: Connection, prefix: string): readonly StepRecord[] {
  const sql = `${SELECT} where substr(s.step_id, 1, ?) = ? order by s.seq desc limit ${LIKE_MAX}`;
  return connection.all(sql, prefix.length, prefix).map(stepOf);
}

export function lastSuccessOutside(
  connection: Connection,
  step: string,
  run_ids: ReadonlySet<string>,
): StepRecord | undefined {
  const sql = `${SELECT} where s.step = ? and s.status = 'succeeded' and s.run_id not in (select value from json_each(?))
    order by s.seq desc limit 1`;
  const row = connection.get(sql, step, JSON.stringify([...run_ids]));
  return row === undefined ? undefined : stepOf(row);
}

function stepOf(row: SqlRow): StepRecord {
  return {
    run_id: text(row, 'run_id'),
    step_id: text(row, 'step_id'),
    step: text(row, 'step'),
    status: word(row, 'status', STATUSES),
    reason: text(row, 'reason'),
    ...optional('mode', row['mode'] === null ? undefined : word(row, 'mode', MODES)),
    ...optional('code_fingerprint', optionalText(row, 'code_fingerprint')),
    ...optional('tests_fingerprint', optionalText(row, 'tests_fingerprint')),
    inputs: JSON.parse(text(row, 'inputs')) as Record<string, number>,
    ...optional('output_version', optionalInteger(row, 'output_version')),
    ...optional('balance', balanceOf(row)),
    tests: testsOf(text(row, 'tests')),
    ...optional('resources', resourcesOf(row)),
    ...optional('error', errorOf(row)),
    started_at: text(row, 'started_at'),
    ...optional('finished_at', optionalText(row, 'finished_at')),
  };
}

function testsOf(json: string): readonly TestResult[] {
  const rows = JSON.parse(json) as [string, TestResult['severity'], 0 | 1, number, string][];
  return rows.map(([test, severity, passed, failures, message]) => ({
    test,
    severity,
    passed: passed === 1,
    failures,
    message,
  }));
}

function balanceOf(row: SqlRow): Balance | undefined {
  if (row['rows_in'] === null) return undefined;
  return {
    rows_in: integer(row, 'rows_in'),
    rows_out: integer(row, 'rows_out'),
    quarantined: integer(row, 'quarantined'),
    deduplicated: integer(row, 'deduplicated'),
    filtered: integer(row, 'filtered'),
  };
}

function resourcesOf(row: SqlRow): Resources | undefined {
  if (row['wall_ms'] === null) return undefined;
  return {
    wall_ms: integer(row, 'wall_ms'),
    cpu_ms: integer(row, 'cpu_ms'),
    peak_memory_bytes: integer(row, 'peak_memory_bytes'),
    bytes_read: integer(row, 'bytes_read'),
    bytes_written: integer(row, 'bytes_written'),
  };
}
