import type { StepOutcome } from '../core/ports/ledger.ts';
import { text } from './cells.ts';
import type { Connection } from './connection.ts';

/** Keeps the definition that a step ran under, once per fingerprint: the first text stays. */
export function putDefinition(connection: Connection, { step, definition }: StepOutcome): void {
  if (definition === undefined || step.code_fingerprint === undefined) return;
  connection.run(
    'insert or ignore into definitions (step, code_fingerprint, definition, run_id) values (?, ?, ?, ?)',
    step.step,
    step.code_fingerprint,
    definition,
    step.run_id,
  );
}

export function definitionOf(connection: Connection, step: string, code_fingerprint: string): string | undefined {
  const sql = 'select definition from definitions where step = ? and code_fingerprint = ?';
  const row = connection.get(sql, step, code_fingerprint);
  return row === undefined ? undefined : text(row, 'definition');
}
