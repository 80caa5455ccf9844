import type { DriftEvent } from '../../core/model/drift.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import type { QuarantineCount, StepOutcome, StepRecord, TestResult } from '../../core/ports/ledger.ts';
import { commitQuarantine, withDecided } from '../publish.ts';
import type { QuarantineChange } from '../quarantine.ts';
import { refusedAgain } from './file-replays.ts';
import type { Intake } from './intake.ts';
import type { RefusedUnit } from './refused.ts';
import type { BronzeStep } from './step.ts';

/** Nothing to load: renamed or touched files are remembered, so that they cost one stat from now on. */
export function onlyRemember(step: BronzeStep, intake: Intake, snapshot: Snapshot | undefined): StepRecord {
  const what = intake.known.length === 0 ? 'no new input' : knownWords(intake.known.length);
  const record = remembered(step, what, snapshot);
  step.run.ledger.finishStep({ step: record, inputs: intake.known });
  return record;
}

function knownWords(files: number): string {
  return files === 1 ? '1 file holds what is loaded already' : `${files} files hold what is loaded already`;
}

/** Nothing sound came in: only the quarantine and the ledger hear of it; the table keeps its version. */
export async function onlyRefused(
  step: BronzeStep,
  refused: readonly RefusedUnit[],
  intake: Intake,
  quarantine: {
    readonly change: QuarantineChange;
    readonly counts: readonly QuarantineCount[];
    readonly drift: readonly DriftEvent[];
    readonly tests: readonly TestResult[];
  },
  snapshot: Snapshot | undefined,
): Promise<StepRecord> {
  const record: StepRecord = {
    ...remembered(
      step,
      `${refused.length === 1 ? '1 file was' : `${refused.length} files were`} refused, nothing was loaded`,
      snapshot,
    ),
    status: 'succeeded',
    inputs: withDecided(step, {}),
    tests: quarantine.tests,
    balance: { rows_in: 0, rows_out: 0, quarantined: 0, deduplicated: 0, filtered: 0 },
  };
  const again = new Set(refused.map((one) => one.record.path));
  const returned = refusedAgain(step.replays ?? [], (file) => again.has(file));
  const outcome: StepOutcome = {
    step: record,
    inputs: [...refused.map((one) => one.record), ...intake.known],
    quarantine: quarantine.counts,
    ...(returned.length === 0 ? {} : { returned }),
    ...(quarantine.drift.length === 0 ? {} : { drift: quarantine.drift }),
  };
  await commitQuarantine(step, quarantine.change, snapshot?.version, outcome);
  step.run.ledger.finishStep(outcome);
  await step.run.lake.discardStaging(step.run.run_id, step.step_id);
  return record;
}

/** The record of a step that found nothing to take. */
export function remembered(step: BronzeStep, reason: string, snapshot: Snapshot | undefined): StepRecord {
  return {
    run_id: step.run.run_id,
    step_id: step.step_id,
    step: step.node.key,
    status: 'up_to_date',
    reason,
    code_fingerprint: step.code_fingerprint,
    inputs: {},
    ...(snapshot === undefined ? {} : { output_version: snapshot.version }),
    tests: [],
    started_at: new Date(step.started_ms).toISOString(),
    finished_at: new Date().toISOString(),
  };
}
