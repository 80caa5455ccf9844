import type { StepOutcome } from '../core/ports/ledger.ts';
import { putBackfillWindow } from './backfills.ts';
import type { Connection } from './connection.ts';
import { applyDecisions } from './decisions.ts';
import { putDefinition } from './definitions.ts';
import { putDialect } from './dialects.ts';
import { putDrift } from './drift.ts';
import { forgetInputs, putInputs } from './inputs.ts';
import { putPosition } from './positions.ts';
import { clearQuarantine, clearQuarantineOfFiles, putQuarantine } from './quarantine.ts';
import { putStep } from './steps.ts';
import { putUndo } from './undos.ts';

/** All that one publish changes; part of the caller's transaction. */
export function putOutcome(connection: Connection, outcome: StepOutcome): void {
  const { step } = outcome;
  putStep(connection, step);
  putDefinition(connection, outcome);
  if (outcome.backfill !== undefined) putBackfillWindow(connection, step, outcome.backfill);
  if (outcome.replaces_quarantine === true) clearQuarantine(connection, step.step);
  if (outcome.pulled?.replaces === true) forgetInputs(connection, outcome.pulled.source);
  const renewed = putInputs(connection, outcome.inputs ?? []);
  clearQuarantineOfFiles(connection, step.step, renewed);
  putQuarantine(connection, step.step_id, outcome.quarantine ?? []);
  applyDecisions(connection, step, outcome.returned ?? []);
  // A step that is entered again with what became of its replays keeps what it saw.
  if (outcome.drift !== undefined) putDrift(connection, step, outcome.drift);
  if (outcome.dialect !== undefined)
    putDialect(connection, outcome.dialect.source, outcome.dialect.dialect, step.run_id);
  if (outcome.pulled !== undefined) putPosition(connection, step, outcome.pulled);
  if (outcome.undo !== undefined) putUndo(connection, outcome, outcome.undo);
}
