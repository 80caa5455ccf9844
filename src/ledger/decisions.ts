import type { DecisionEntry, DecisionRecord, ReturnedRows, StepRecord, UndoOutcome } from '../core/ports/ledger.ts';
import { integer, optional, optionalText, text, word } from './cells.ts';
import type { Connection } from './connection.ts';

const ACTIONS: readonly DecisionRecord['action'][] = ['fix', 'replay', 'discard'];

/** Enters a decision once. Rows that were discarded are no longer open from now on. */
export function putDecision(connection: Connection, record: DecisionRecord): void {
  const { table, decision } = record;
  const known = 'select 1 as found from quarantine_decisions where table_name = ? and decision = ?';
  if (connection.get(known, table, decision) !== undefined) return;
  connection.run(
    `insert into quarantine_decisions (table_name, decision, action, why, decided_by, decided_at, run_id)
     values (?, ?, ?, ?, ?, ?, ?)`,
    table,
    decision,
    record.action,
    record.why ?? null,
    record.decided_by,
    record.decided_at,
    record.run_id,
  );
  for (const group of record.groups) {
    connection.run(
      `insert into quarantine_decided (table_name, decision, file, rule, quarantine_run_id, rows) values (?, ?, ?, ?, ?, ?)`,
      table,
      decision,
      group.file,
      group.rule,
      group.quarantine_run_id,
      group.rows,
    );
    if (record.action === 'discard') takeAway(connection, table, group);
  }
}

/** Several steps of one run may have put rows of a group aside. */
function takeAway(connection: Connection, table: string, group: DecisionRecord['groups'][number]): void {
  let left = group.rows;
  const entries = connection.all(
    'select step_id, rows from quarantine where table_name = ? and file = ? and rule = ? and run_id = ? order by step_id',
    table,
    group.file,
    group.rule,
    group.quarantine_run_id,
  );
  for (const entry of entries) {
    const taken = Math.min(left, integer(entry, 'rows'));
    left -= taken;
    connection.run(
      'update quarantine set rows = rows - ? where table_name = ? and file = ? and rule = ? and step_id = ? and run_id = ?',
      taken,
      table,
      group.file,
      group.rule,
      text(entry, 'step_id'),
      group.quarantine_run_id,
    );
  }
  connection.run('delete from quarantine where table_name = ? and rows <= 0', table);
}

/** A step of the table succeeded: the decisions that it took into account are carried out. */
export function applyDecisions(connection: Connection, step: StepRecord, returned: readonly ReturnedRows[]): void {
  const applied = step.inputs[`quarantine.decided_${step.step.replace('.', '_')}`];
  if (applied === undefined || step.status !== 'succeeded') return;
  connection.run(
    'update quarantine_decisions set applied_run_id = ? where table_name = ? and decision <= ? and applied_run_id is null',
    step.run_id,
    step.step,
    applied,
  );
  for (const rows of returned) {
    const group = [step.step, rows.decision, rows.file, rows.rule, rows.quarantine_run_id] as const;
    connection.run(
      'update quarantine_decided set returned = ? where table_name = ? and decision = ? and file = ? and rule = ? and quarantine_run_id = ?',
      rows.rows,
      ...group,
    );
    connection.run(
      `insert into quarantine_returned (table_name, decision, file, rule, quarantine_run_id, run_id, rows) values (?, ?, ?, ?, ?, ?, ?)`,
      ...group,
      step.run_id,
      rows.rows,
    );
  }
}

/** After an undo: how many rows came back is what the runs say that still have a part in the table. */
export function restoreReturned(connection: Connection, table: string, without: ReadonlySet<string>): void {
  connection.run(
    `update quarantine_decided as g set returned = coalesce((select r.rows from quarantine_returned r
       where r.table_name = g.table_name and r.decision = g.decision and r.file = g.file and r.rule = g.rule
         and r.quarantine_run_id = g.quarantine_run_id and r.run_id not in (select value from json_each(?2))
       order by r.seq desc limit 1), 0) where g.table_name = ?1`,
    table,
    JSON.stringify([...without]),
  );
}

/** An undo took decisions back, or brought earlier ones into force again. */
export function undoDecisions(
  connection: Connection,
  table: string,
  run_id: string,
  { in_force, up_to }: NonNullable<UndoOutcome['decisions']>,
): void {
  const listed = 'in (select value from json_each(?))';
  connection.run(
    `update quarantine_decisions set undone_by = ? where table_name = ? and undone_by is null and decision <= ? and decision not ${listed}`,
    run_id,
    table,
    up_to,
    JSON.stringify(in_force),
  );
  connection.run(
    `update quarantine_decisions set undone_by = null where table_name = ? and decision ${listed}`,
    table,
    JSON.stringify(in_force),
  );
}

export function decisionsOf(connection: Connection, table: string | undefined): readonly DecisionEntry[] {
  const rows = connection.all(
    `select d.*, (select json_group_array(json_object('file', file, 'rule', rule, 'quarantine_run_id', quarantine_run_id,
         'rows', rows, 'returned', returned)) from quarantine_decided g where g.table_name = d.table_name and g.decision = d.decision) as groups
       from quarantine_decisions d where ?1 is null or d.table_name = ?1 order by d.run_id, d.table_name, d.decision`,
    table ?? null,
  );
  return rows.map((row) => ({
    table: text(row, 'table_name'),
    decision: integer(row, 'decision'),
    action: word(row, 'action', ACTIONS),
    ...optional('why', optionalText(row, 'why')),
    decided_by: text(row, 'decided_by'),
    decided_at: text(row, 'decided_at'),
    run_id: text(row, 'run_id'),
    ...optional('applied_run_id', optionalText(row, 'applied_run_id')),
    ...optional('undone_by', optionalText(row, 'undone_by')),
    groups: JSON.parse(text(row, 'groups')) as DecisionEntry['groups'],
  }));
}
