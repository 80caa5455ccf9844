import { type DriftEvent, driftText } from '../../core/model/drift.ts';
import type { TestResult } from '../../core/ports/ledger.ts';
import type { SeenUnit } from './drift.ts';

/** Columns that changed, and dialects that moved: told as warnings of the step. An order is no trouble, so it is only recorded. */
export function driftTests(events: readonly DriftEvent[], units: readonly SeenUnit[]): readonly TestResult[] {
  const told = events
    .filter((event) => event.what !== 'columns_reordered')
    .map((event) => ({
      test: event.what === 'column_added' && event.action !== 'added' ? 'column_left_out' : event.what,
      message: driftText(event),
    }));
  const dialects = units.flatMap(({ unit, inspection }) => {
    const note = inspection.notes.find((text) => text.startsWith('dialect changed'));
    return note === undefined ? [] : [{ test: 'dialect_changed', message: `${unit.path}: ${note}` }];
  });
  return [...told, ...dialects].map((one) => ({ ...one, severity: 'warn', passed: false, failures: 1 }));
}
