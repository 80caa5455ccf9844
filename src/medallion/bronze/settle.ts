import { quarantineOf } from '../../core/model/table.ts';
import { reasonOf } from '../../core/planning/reasons.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import type { QuarantineCount, StepRecord } from '../../core/ports/ledger.ts';
import { faultPoint } from '../../kit/fault.ts';
import { timeSortedId } from '../../kit/ids.ts';
import { quoteText } from '../../kit/sql.ts';
import { appliedDecision, bindDecisions, reopenedSql, returnedRows } from '../decisions.ts';
import { DISCARDED_SQL } from '../discards.ts';
import { commitQuarantine, publish, withDecided } from '../publish.ts';
import { QUARANTINE_COLUMNS, quarantineRanAhead, quarantineSql, stageQuarantine } from '../quarantine.ts';
import { quarantineCounts } from '../quarantine-counts.ts';
import { declaredColumns } from './columns.ts';
import { insertRecords } from './insert.ts';
import { rejectRuleSql } from './record-rules.ts';
import { parseRecords } from './records.ts';
import type { BronzeStep, FileReplay } from './step.ts';

/**
 * Carries out decisions about rejected records of a source: those that are sent again are parsed with today's columns and join the table at their place,
 * the others stay with the new reason; discarded ones leave the quarantine. A publish of its own, before or after the load of files.
 * Undefined when there is nothing of the kind to do. While whole files wait to be sent again, the load that follows has the last word.
 */
export async function settleDecisions(
  given: BronzeStep,
  files: readonly FileReplay[],
): Promise<StepRecord | undefined> {
  const { run, decided } = given;
  const applied = appliedDecision(given);
  if (decided === undefined || decided.version <= applied) return undefined;
  const step = settlingStep(given, decided.version - applied, files.length > 0 ? applied : undefined);
  const cpu = process.cpuUsage();
  const snapshot = await run.lake.snapshot({ layer: 'bronze', name: step.node.name });
  const session = await run.openSession(`${run.run_id}/${step.node.key}/decisions`);
  try {
    if (!(await bindDecisions(session, decided))) return undefined;
    const columns = snapshot?.columns ?? declaredColumns(step);
    await bindPending(step, session, snapshot);
    await parseRecords(
      session,
      columns,
      { temp_folder: run.temp_folder, folder: (part) => run.lake.stage(run.run_id, step.step_id, part) },
      recordOptions(step),
    );
    const [rows_in, rows_out] = [await countOf(session, 'pending'), await countOf(session, 'good_records')];
    const placed = rows_out === 0 ? { add: [], remove: [] } : await insertRecords(step, session, snapshot, columns);
    faultPoint('after-mend');
    const change = await stageQuarantine(
      step,
      session,
      rows_in === rows_out ? undefined : failedSql(step),
      `quarantine_id in (select quarantine_id from pending) or ${DISCARDED_SQL}`,
    );
    const quarantine_counts = await countsOf(step, session, change.add);
    const returned = await returnedRows(session, applied, FAILED);
    if (rows_out === 0) {
      const record = settled(step, snapshot, rows_in);
      const outcome = { step: record, quarantine: quarantine_counts, replaces_quarantine: true, returned };
      await commitQuarantine(step, change, snapshot?.version, outcome);
      faultPoint('after-quarantine-commit');
      run.ledger.finishStep(outcome);
      await run.lake.discardStaging(run.run_id, step.step_id);
      return record;
    }
    const used = process.cpuUsage(cpu);
    return await publish(step, {
      snapshot,
      mode: placed.remove.length > 0 ? 'rewrite' : 'append',
      ...placed,
      columns,
      partition_by: [],
      txns: [],
      inputs: run.ledger.lastSuccess(step.node.key)?.inputs ?? {},
      balance: { rows_in, rows_out, quarantined: rows_in - rows_out, deduplicated: 0, filtered: 0 },
      tests: [],
      computed: 'incremental',
      quarantine: change,
      quarantine_counts,
      replaces_quarantine: true,
      returned,
      usage: session.usage(),
      cpu_ms: Math.round((used.user + used.system) / 1000),
    });
  } finally {
    await session.close();
  }
}

/** A step of its own beside the load. `settles`: what it counts as carried out, while something is left for the load. */
function settlingStep(given: BronzeStep, decisions: number, settles: number | undefined): BronzeStep {
  const causes = [{ kind: 'decided' as const, decisions }];
  return {
    ...given,
    step_id: timeSortedId(),
    started_ms: Date.now(),
    verdict: { ...given.verdict, causes, reason: reasonOf(causes) },
    ...(settles === undefined ? {} : { settles }),
  };
}

async function countOf(session: EngineSession, relation: string): Promise<number> {
  const [row] = await session.rows(`select count(*) as n from ${relation}`);
  return Number(row?.['n'] ?? 0);
}

const FAILED = 'quarantine_id in (select p.quarantine_id from pending p join bad_records b on b.n = p.n)';

/** How records are read today: the declared options of the source stand above the layout that the file had. */
export function recordOptions(step: Pick<BronzeStep, 'node'>): Parameters<typeof parseRecords>[3] {
  const { options, schema_change, checks } = step.node.spec;
  const names = ['delimiter', 'quote', 'escape', 'null_values'].filter((name) => options[name] !== undefined);
  return {
    drift_stays: schema_change === 'discard_row',
    dialect: Object.fromEntries(names.map((name) => [name, options[name]])),
    ...(checks === undefined ? {} : { checks }),
  };
}

/**
 * Defines `pending` and `to_parse`: records to be sent again. They must still be open with this very content; unless a crash came between quarantine
 * and table, where the decision alone knows them.
 */
async function bindPending(step: BronzeStep, session: EngineSession, snapshot: Snapshot | undefined): Promise<void> {
  const open = await step.run.lake.snapshot(quarantineOf(step.node));
  await session.bind({ name: 'open_rows', columns: QUARANTINE_COLUMNS, files: open?.files ?? [] });
  const is_open = (await quarantineRanAhead(step, snapshot?.version))
    ? 'true'
    : `((quarantine_id, raw) in (select (quarantine_id, raw) from open_rows where raw is not null) or ${reopenedSql(appliedDecision(step))})`;
  await session.materialize(
    'pending',
    `select *, row_number() over (order by file, line, byte_offset, quarantine_id) as n from in_force
     where decision > ${appliedDecision(step)} and action <> 'discard' and raw is not null and ${is_open}`,
  );
  await session.define('to_parse', 'select n, raw, mended, mended_raw, layout from pending');
}

function failedSql(step: BronzeStep): string {
  return quarantineSql(step.run, step.node, {
    from: '(select p.*, b.reason as _reason, b.column_name as _column from pending p join bad_records b on b.n = p.n)',
    known_id: 'quarantine_id',
    identity: `''`,
    rule: rejectRuleSql(step.node.spec.checks, '_reason'),
    reason: '_reason',
    column_name: '_column',
    file: 'file',
    line: 'line',
    byte_offset: 'byte_offset',
    raw: 'raw',
    origin: quoteText(`source.${step.node.name}`),
    layout: 'layout',
  });
}

/** What lies in the quarantine after this step. */
async function countsOf(
  step: BronzeStep,
  session: EngineSession,
  files: Parameters<EngineSession['bind']>[0]['files'],
): Promise<readonly QuarantineCount[]> {
  await session.bind({ name: 'next_quarantine', columns: QUARANTINE_COLUMNS, files });
  return await quarantineCounts(session, step.node.key, 'next_quarantine');
}

/** Nothing came into the table: only quarantine and ledger hear of it. */
function settled(step: BronzeStep, snapshot: Snapshot | undefined, rows: number): StepRecord {
  return {
    run_id: step.run.run_id,
    step_id: step.step_id,
    step: step.node.key,
    status: 'succeeded',
    reason: step.verdict.reason,
    mode: 'incremental',
    code_fingerprint: step.code_fingerprint,
    inputs: withDecided(step, step.run.ledger.lastSuccess(step.node.key)?.inputs ?? {}),
    ...(snapshot === undefined ? {} : { output_version: snapshot.version }),
    balance: { rows_in: rows, rows_out: 0, quarantined: rows, deduplicated: 0, filtered: 0 },
    tests: [],
    started_at: new Date(step.started_ms).toISOString(),
    finished_at: new Date().toISOString(),
  };
}
