import type { CommitNote } from '../ports/lake.ts';
import type { StepOutcome } from '../ports/ledger.ts';
import { outcomeFrom } from './step-note.ts';

/**
 * The outcome that a commit of a quarantine tells of, when the table of the step got no commit: it saw version `table_version`, -1 when there was
 * no such table yet.
 */
export function settledFrom(note: CommitNote, committed_at_ms: number): StepOutcome | undefined {
  const { outcome, table_version } = note;
  if (outcome === undefined || typeof table_version !== 'number') return undefined;
  const told = outcomeFrom(outcome as CommitNote, table_version, committed_at_ms);
  if (table_version >= 0) return told;
  const { output_version: _, ...step } = told.step;
  return { ...told, step };
}
