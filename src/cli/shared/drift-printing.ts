import { type DriftRecord, driftText } from '../../core/model/drift.ts';
import type { Printer } from '../printer.ts';
import { printWrapped } from './wrapped.ts';

/** How the columns of sources changed, newest first: a table, and below it each event as a sentence. */
export function printDrift(printer: Printer, events: readonly DriftRecord[]): void {
  printer.report({
    document: events,
    sections: [
      {
        columns: [
          { name: 'recorded_at', title: 'when (UTC)', format: (value) => String(value).slice(0, 16).replace('T', ' ') },
          { name: 'source', give_way: true },
          { name: 'what', give_way: true },
          { name: 'column', give_way: true },
          { name: 'action', give_way: true },
          { name: 'files' },
          { name: 'rows' },
        ],
        rows: events.map((event) => ({ ...event, column: event.column ?? '' })),
        when_empty: 'no column of any source has changed',
      },
    ],
  });
  for (const event of events) printWrapped(printer, `  ${event.source}: ${driftText(event)}`);
}
