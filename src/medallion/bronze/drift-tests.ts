import { type DriftEvent, driftText } from '../../core/model/drift.ts';
import type { TestResult } from '../../core/ports/ledger.ts';
import type { SeenUnit } from './drift.ts';

/** From so many changed columns on a refused file is told of in one sentence. */
const TOLD_TOGETHER_MIN = 3;

/** Columns that changed, and dialects that moved: told as warnings of the step. An order is no trouble, so it is only recorded. */
export function driftTests(events: readonly DriftEvent[], units: readonly SeenUnit[]): readonly TestResult[] {
  const refusals = new Map<string, DriftEvent[]>();
  for (const event of events)
    if (event.action === 'file_quarantined') refusals.set(event.file, [...(refusals.get(event.file) ?? []), event]);
  const told = events
    .filter((event) => event.what !== 'columns_reordered')
    .flatMap((event) => {
      const beside = refusals.get(event.file) ?? [];
      if (event.action !== 'file_quarantined' || beside.length < TOLD_TOGETHER_MIN)
        return [{ test: event.what, message: driftText(event) }];
      return beside[0] === event ? [{ test: 'columns_changed', message: together(beside) }] : [];
    });
  const dialects = units.flatMap(({ unit, inspection }) => {
    const note = inspection.notes.find((text) => text.startsWith('dialect changed'));
    return note === undefined ? [] : [{ test: 'dialect_changed', message: `${unit.path}: ${note}` }];
  });
  return [...told, ...dialects].map((one) => ({ ...one, severity: 'warn', passed: false, failures: 1 }));
}

const NAMED_MAX = 3;

/** One sentence for all that is wrong with the columns of a file. */
function together(events: readonly DriftEvent[]): string {
  const named = (what: DriftEvent['what']): string => {
    const columns = events.flatMap((event) => (event.what === what ? [event.column ?? ''] : []));
    const more = columns.length - NAMED_MAX;
    return `${columns.slice(0, NAMED_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  };
  const parts = [
    ['column_removed', 'lacks the columns'],
    ['column_added', 'has columns that are not declared:'],
  ] as const;
  const said = parts.flatMap(([what, words]) => (named(what) === '' ? [] : [`${words} ${named(what)}`]));
  return `${events[0]?.file} ${said.join(' and ')}: the file is quarantined (dataflow status --drift)`;
}
