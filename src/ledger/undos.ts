import { runsWithoutEffect } from '../core/planning/undone-runs.ts';
import type { CsvDialect } from '../core/ports/engine.ts';
import type {
  InputRecord,
  RunRecord,
  StepOutcome,
  UndoOutcome,
  UndoRecord,
  UndoTablePlan,
} from '../core/ports/ledger.ts';
import type { Hold, UndoneInput } from '../core/ports/undo.ts';
import { integer, optional, optionalText, text } from './cells.ts';
import type { Connection } from './connection.ts';
import { restoreReturned, undoDecisions } from './decisions.ts';
import { dialectIn, forgetDialect, putDialect } from './dialects.ts';
import { HISTORY_COLUMNS, historyInput, pointInputTo } from './inputs.ts';
import { insertRun } from './runs.ts';
import type { SqlRow } from './sqlite.ts';

export function allRunIds(connection: Connection): readonly string[] {
  return connection.all('select run_id from runs order by seq').map((row) => text(row, 'run_id'));
}

export function beginUndo(connection: Connection, run: RunRecord, undo: UndoRecord): void {
  insertRun(connection, run);
  connection.run(
    'insert into undos (run_id, since_run, tables, finished, plan) values (?, ?, ?, 0, ?)',
    undo.run_id,
    undo.since_run,
    JSON.stringify(undo.tables),
    JSON.stringify(undo.plan ?? []),
  );
}

export function endUndo(connection: Connection, run_id: string): void {
  connection.run('update undos set finished = 1, plan = null where run_id = ?', run_id);
}

export function allUndos(connection: Connection): readonly UndoRecord[] {
  return connection.all('select * from undos order by seq').map((row) => ({
    run_id: text(row, 'run_id'),
    since_run: text(row, 'since_run'),
    tables: JSON.parse(text(row, 'tables')) as string[],
    finished: integer(row, 'finished') === 1,
    ...optional('plan', planOf(row)),
  }));
}

function planOf(row: SqlRow): readonly UndoTablePlan[] | undefined {
  const plan = optionalText(row, 'plan');
  return plan === undefined ? undefined : (JSON.parse(plan) as UndoTablePlan[]);
}

/** What an undo of one table changes beside its step record; applied again it changes nothing. */
export function putUndo(connection: Connection, { step }: StepOutcome, undo: UndoOutcome): void {
  rememberTable(connection, step.run_id, undo.since_run, step.step);
  connection.run(
    'insert or replace into holds (step_id, run_id, code_fingerprint, inputs, emptied) values (?, ?, ?, ?, ?)',
    step.step_id,
    step.run_id,
    undo.hold.code_fingerprint ?? null,
    JSON.stringify(undo.hold.inputs),
    undo.hold.emptied ? 1 : 0,
  );
  const source = step.step.slice(step.step.indexOf('.') + 1);
  for (const input of undo.inputs_undone) {
    connection.run('delete from inputs where source = ? and path = ?', source, input.path);
    putUndone(connection, { ...input, source, status: 'undone', undone_by: step.run_id });
  }
  for (const input of undo.inputs_back) {
    pointInputTo(connection, input);
    connection.run(
      'delete from undone_inputs where source = ? and path = ? and sha256 = ?',
      source,
      input.path,
      input.sha256,
    );
  }
  if (undo.decisions !== undefined) undoDecisions(connection, step.step, step.run_id, undo.decisions);
  restoreReturned(connection, step.step, runsWithoutEffect(allRunIds(connection), allUndos(connection), step.step));
  if (undo.dialect === null) forgetDialect(connection, source);
  else if (undo.dialect !== undefined) putDialect(connection, source, undo.dialect, step.run_id);
}

/** An undo that was learnt from the lake comes table by table. */
function rememberTable(connection: Connection, run_id: string, since_run: string, table: string): void {
  const row = connection.get('select tables from undos where run_id = ?', run_id);
  if (row === undefined) {
    const sql = 'insert into undos (run_id, since_run, tables, finished, plan) values (?, ?, ?, 1, null)';
    connection.run(sql, run_id, since_run, JSON.stringify([table]));
    return;
  }
  const tables = JSON.parse(text(row, 'tables')) as string[];
  if (!tables.includes(table))
    connection.run('update undos set tables = ? where run_id = ?', JSON.stringify([...tables, table]), run_id);
}

export function putUndone(connection: Connection, input: UndoneInput): void {
  connection.run(
    `insert or replace into undone_inputs (source, path, sha256, size_bytes, mtime_ns, inode, run_id, undone_by)
     values (?, ?, ?, ?, ?, ?, ?, ?)`,
    input.source,
    input.path,
    input.sha256,
    input.size_bytes,
    input.mtime_ns,
    input.inode,
    input.run_id,
    input.undone_by,
  );
}

export function undoneInputs(connection: Connection, source: string | undefined): readonly UndoneInput[] {
  const rows =
    source === undefined
      ? connection.all('select * from undone_inputs order by source, path')
      : connection.all('select * from undone_inputs where source = ? order by path', source);
  return rows.map((row) => ({
    source: text(row, 'source'),
    path: text(row, 'path'),
    size_bytes: integer(row, 'size_bytes'),
    mtime_ns: text(row, 'mtime_ns'),
    inode: text(row, 'inode'),
    sha256: text(row, 'sha256'),
    status: 'undone',
    run_id: text(row, 'run_id'),
    undone_by: text(row, 'undone_by'),
  }));
}

/** Only while the undo is the newest success of the step: a later publish ends it. */
export function holdOf(connection: Connection, step: string): Hold | undefined {
  const row = connection.get(
    `select h.* from (select step_id from steps where step = ? and status = 'succeeded' order by seq desc limit 1) s
     join holds h on h.step_id = s.step_id`,
    step,
  );
  if (row === undefined) return undefined;
  return {
    run_id: text(row, 'run_id'),
    ...optional('code_fingerprint', optionalText(row, 'code_fingerprint')),
    inputs: JSON.parse(text(row, 'inputs')) as Record<string, number>,
    emptied: integer(row, 'emptied') === 1,
  };
}

/** Loaded units whose removal is history: an undo brought them back. */
export function removalsUndone(connection: Connection, source: string): ReadonlySet<string> {
  const sql = `select i.path from inputs i where i.source = ? and i.status = 'loaded' and exists (
    select 1 from input_history h where h.source = i.source and h.path = i.path and h.status = 'removed' and h.seq > i.history_seq)`;
  return new Set(connection.all(sql, source).map((row) => text(row, 'path')));
}

export function inputsOutside(
  connection: Connection,
  source: string,
  run_ids: ReadonlySet<string>,
): readonly InputRecord[] {
  const sql = `select ${HISTORY_COLUMNS}, max(seq) as newest from input_history
    where source = ? and run_id not in (select value from json_each(?)) group by path order by path`;
  return connection.all(sql, source, JSON.stringify([...run_ids])).map(historyInput);
}

export function dialectOutside(
  connection: Connection,
  source: string,
  run_ids: ReadonlySet<string>,
): CsvDialect | undefined {
  const sql =
    'select * from dialect_history where source = ? and run_id not in (select value from json_each(?)) order by seq desc limit 1';
  const row = connection.get(sql, source, JSON.stringify([...run_ids]));
  return row === undefined ? undefined : dialectIn(row);
}
