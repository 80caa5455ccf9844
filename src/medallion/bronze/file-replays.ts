import { quarantineOf } from '../../core/model/table.ts';
import type { ReturnedRows, StepRecord } from '../../core/ports/ledger.ts';
import { appliedDecision, bindDecisions, reopenedSql } from '../decisions.ts';
import { withDecided } from '../publish.ts';
import { QUARANTINE_COLUMNS } from '../quarantine.ts';
import type { BronzeStep, FileReplay } from './step.ts';

/** Refused files that are still open and that a new decision sends again. */
export async function fileReplays(step: BronzeStep): Promise<readonly FileReplay[]> {
  const { run, node, decided } = step;
  if (decided === undefined || decided.version <= appliedDecision(step)) return [];
  const open = await run.lake.snapshot(quarantineOf(node));
  const session = await run.openSession(`${run.run_id}/${node.key}/files`);
  try {
    if (!(await bindDecisions(session, decided))) return [];
    await session.bind({ name: 'open_rows', columns: QUARANTINE_COLUMNS, files: open?.files ?? [] });
    const rows = await session.rows(
      `select file, decision, rule, run_id from in_force where decision > ${appliedDecision(step)} and action = 'replay' and raw is null
       and (quarantine_id in (select quarantine_id from open_rows) or ${reopenedSql(appliedDecision(step))}) order by file`,
      { rows_max: 1_000_000 },
    );
    return rows.map((row) => ({
      file: String(row['file']),
      decision: Number(row['decision']),
      rule: String(row['rule']),
      quarantine_run_id: String(row['run_id']),
    }));
  } finally {
    await session.close();
  }
}

/** Files that were sent again and are refused once more: their decisions did not close them. */
export function refusedAgain(
  files: readonly FileReplay[],
  isRefused: (file: string) => boolean,
): readonly ReturnedRows[] {
  return files
    .filter((one) => isRefused(one.file))
    .map(({ decision, file, rule, quarantine_run_id }) => ({ decision, file, rule, quarantine_run_id, rows: 1 }));
}

/** Enters what became of the files: loaded, refused again, or gone, which leaves them where they were. */
export function filesSettled(step: BronzeStep, loaded: StepRecord, files: readonly FileReplay[]): StepRecord {
  const { ledger } = step.run;
  const still = new Map(ledger.inputs(step.node.name).map((input) => [input.path, input.status]));
  const returned = refusedAgain(files, (file) => still.get(file) === 'quarantined');
  const record: StepRecord = {
    ...loaded,
    status: 'succeeded',
    inputs: withDecided(step, loaded.inputs),
    balance: loaded.balance ?? { rows_in: 0, rows_out: 0, quarantined: 0, deduplicated: 0, filtered: 0 },
  };
  ledger.finishStep({ step: record, returned });
  return record;
}
