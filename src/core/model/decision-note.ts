import { DataflowError } from '../errors/dataflow-error.ts';
import type { CommitNote } from '../ports/lake.ts';
import type { DecisionGroup, DecisionRecord, ReturnedRows } from '../ports/ledger.ts';
import { asArray, asInteger, asObject, asText, asWord, field, NoteProblem } from './note-fields.ts';

const ACTIONS = ['fix', 'replay', 'discard'] as const;

/** The note of a commit that brings a decision about rejected rows: the ledger learns it from there. */
export function decisionNote(record: DecisionRecord, step_id: string): CommitNote {
  const { run_id, decision: _, ...rest } = record;
  return { format: 1, kind: 'decision', run_id, step_id, step: `decisions about ${record.table}`, ...rest };
}

/**
 * The decision that a note tells of; `version` is its number. Undefined for notes of another kind.
 * @throws DataflowError E_LAKE_CORRUPT when a field is not what it should be.
 */
export function decisionFrom(note: CommitNote | undefined, version: number): DecisionRecord | undefined {
  if (note?.['kind'] !== 'decision') return undefined;
  try {
    const fields = asObject(note, 'note');
    return {
      table: asText(fields['table'], 'table'),
      decision: version,
      action: asWord(ACTIONS)(fields['action'], 'action'),
      ...field(fields, 'why', 'why', asText),
      decided_by: asText(fields['decided_by'], 'decided_by'),
      decided_at: asText(fields['decided_at'], 'decided_at'),
      run_id: note.run_id,
      groups: asArray(fields['groups'], 'groups', groupFrom),
    };
  } catch (error) {
    if (!(error instanceof NoteProblem)) throw error;
    throw new DataflowError(
      'E_LAKE_CORRUPT',
      `the note of ${note.step} version ${version} is damaged: ${error.message}`,
      {
        hint: 'Restore this log entry from a backup.',
        cause: error,
      },
    );
  }
}

function groupFrom(value: unknown, at: string): DecisionGroup {
  const o = asObject(value, at);
  return {
    file: asText(o['file'], `${at}.file`),
    rule: asText(o['rule'], `${at}.rule`),
    quarantine_run_id: asText(o['quarantine_run_id'], `${at}.quarantine_run_id`),
    rows: asInteger(o['rows'], `${at}.rows`),
  };
}

/** Rows that came back, as a step's note has them. */
export function returnedFrom(value: unknown, at: string): ReturnedRows {
  return { ...groupFrom(value, at), decision: asInteger(asObject(value, at)['decision'], `${at}.decision`) };
}
