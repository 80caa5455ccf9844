import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { BackfillProgress } from '../core/model/backfill.ts';
import type { Balance } from '../core/model/balance.ts';
import { imbalance } from '../core/model/balance.ts';
import type { DriftEvent } from '../core/model/drift.ts';
import type { PulledOutcome } from '../core/model/pulled.ts';
import { noteFor } from '../core/model/step-note.ts';
import type { Column } from '../core/model/table.ts';
import { testsFingerprint } from '../core/planning/fingerprint.ts';
import type { CandidateFile, CsvDialect, EngineUsage } from '../core/ports/engine.ts';
import type { CommitRequest, DataFile, Snapshot } from '../core/ports/lake.ts';
import type { InputRecord, QuarantineCount, StepOutcome, StepRecord, TestResult } from '../core/ports/ledger.ts';
import { faultPoint } from '../kit/fault.ts';
import type { StepContext } from './context.ts';
import { decidedInput } from './decisions.ts';
import { QUARANTINE_COLUMNS, type QuarantineChange, quarantineTxns } from './quarantine.ts';

/** A candidate that passed: everything that publishing needs. */
export interface Publication {
  readonly snapshot: Snapshot | undefined;
  readonly mode: 'append' | 'rewrite';
  readonly add: readonly CandidateFile[];
  readonly remove: readonly DataFile[];
  readonly columns: readonly Column[];
  readonly partition_by: readonly string[];
  readonly txns: readonly { readonly app_id: string; readonly version: number }[];
  /** What the table must stand at when this is committed. */
  readonly expected_txns?: CommitRequest['expected_txns'];
  readonly inputs: Readonly<Record<string, number>>;
  readonly balance: Balance;
  readonly tests: readonly TestResult[];
  readonly computed: 'full' | 'incremental';
  readonly quarantine?: QuarantineChange;
  readonly quarantine_counts: readonly QuarantineCount[];
  readonly replaces_quarantine: boolean;
  readonly returned?: StepOutcome['returned'] | undefined;
  readonly input_files?: readonly InputRecord[];
  readonly dialect?: { readonly source: string; readonly dialect: CsvDialect };
  /** The window of a backfill that this publishes. */
  readonly backfill?: BackfillProgress;
  /** The table is partly of this definition and partly not: it has no fingerprint, so that the next run computes it whole. */
  readonly mixed?: boolean;
  readonly drift?: readonly DriftEvent[];
  /** Where a pulled source stands once this is committed. */
  readonly pulled?: PulledOutcome;
  readonly usage: EngineUsage;
  readonly cpu_ms: number;
}

/**
 * Decision 4's last act. Checks the balance, commits the quarantine, then the table (the exclusive create of its log entry is
 * the publish), then tells the ledger. A crash in between loses nothing: the table commit carries the same note.
 * @throws DataflowError E_BALANCE when rows are unaccounted for; whatever the lake and the ledger throw.
 */
export async function publish(step: StepContext, p: Publication): Promise<StepRecord> {
  const missing = imbalance(p.balance);
  if (missing !== 0) {
    const b = p.balance;
    throw new DataflowError(
      'E_BALANCE',
      `${step.node.key}: ${b.rows_in} rows in, but ${b.rows_out} out + ${b.quarantined} quarantined + ${b.deduplicated} deduplicated + ${b.filtered} filtered leave ${missing} unaccounted for`,
      { kept: keptMessage(step, p.snapshot) },
    );
  }
  faultPoint('before-publish');
  const next_version = (p.snapshot?.version ?? -1) + 1;
  if (p.quarantine !== undefined) await commitQuarantine(step, p.quarantine, next_version);
  faultPoint('after-quarantine-commit');
  const record = recordOf(step, p);
  const outcome: StepOutcome = {
    step: record,
    quarantine: p.quarantine_counts,
    replaces_quarantine: p.replaces_quarantine,
    ...(p.returned === undefined || p.returned.length === 0 ? {} : { returned: p.returned }),
    ...(p.input_files === undefined ? {} : { inputs: p.input_files }),
    ...(p.dialect === undefined ? {} : { dialect: p.dialect }),
    ...(step.definition === undefined || p.mixed === true ? {} : { definition: step.definition }),
    ...(p.backfill === undefined ? {} : { backfill: p.backfill }),
    ...(p.drift === undefined ? {} : { drift: p.drift }),
    ...(p.pulled === undefined ? {} : { pulled: p.pulled }),
  };
  const committed = await step.run.lake.commit({
    table: { layer: step.node.layer, name: step.node.name },
    read_version: p.snapshot?.version,
    mode: p.mode,
    sole: true,
    add: p.add,
    remove: p.remove,
    columns: p.columns,
    partition_by: p.partition_by,
    txns: p.txns,
    ...(p.expected_txns === undefined ? {} : { expected_txns: p.expected_txns }),
    positions:
      step.node.layer === 'bronze'
        ? []
        : Object.entries(record.inputs).map(([table, version]) => ({ app_id: `input:${table}`, version })),
    note: noteFor(outcome),
    fence: () => step.run.lock.check(),
  });
  faultPoint('after-table-commit');
  const bytes_written = Math.max(committed.bytes_written, record.resources?.bytes_written ?? 0);
  const finished: StepRecord = {
    ...record,
    output_version: committed.version,
    finished_at: new Date().toISOString(),
    ...(record.resources === undefined
      ? {}
      : { resources: { ...record.resources, bytes_written, wall_ms: Date.now() - step.started_ms } }),
  };
  const files = p.input_files?.map((file) =>
    file.status === 'loaded' ? { ...file, version: committed.version } : file,
  );
  step.run.ledger.finishStep({ ...outcome, step: finished, ...(files === undefined ? {} : { inputs: files }) });
  faultPoint('after-ledger');
  await step.run.lake.discardStaging(step.run.run_id, step.step_id, { spent_later: true });
  return finished;
}

/**
 * Commits the quarantine's part of a step; `table_version` is the version of the table that it belongs to, undefined before there is one. `outcome`: all that the ledger learns,
 * when the table itself gets no commit that could tell it.
 */
export async function commitQuarantine(
  step: StepContext,
  change: QuarantineChange,
  table_version: number | undefined,
  outcome?: StepOutcome,
): Promise<void> {
  if (change.add.length === 0 && change.remove.length === 0) return;
  await step.run.lake.commit({
    table: change.table,
    read_version: change.snapshot?.version,
    mode: change.remove.length > 0 ? 'rewrite' : 'append',
    sole: true,
    add: change.add,
    remove: change.remove,
    columns: QUARANTINE_COLUMNS,
    partition_by: [],
    txns: quarantineTxns(step.node.key, change.snapshot, table_version ?? 0),
    note: {
      run_id: step.run.run_id,
      step_id: step.step_id,
      step: `quarantine of ${step.node.key}`,
      ...(outcome === undefined ? {} : { outcome: noteFor(outcome), table_version: table_version ?? -1 }),
    },
    fence: () => step.run.lock.check(),
  });
}

function recordOf(step: StepContext, p: Publication): StepRecord {
  return {
    run_id: step.run.run_id,
    step_id: step.step_id,
    step: step.node.key,
    status: 'succeeded',
    reason: reasonFor(step),
    mode: p.computed,
    ...(p.mixed === true ? {} : { code_fingerprint: step.code_fingerprint }),
    ...auditedBy(testsFingerprint(step.node)),
    inputs: withDecided(step, p.inputs),
    balance: p.balance,
    tests: p.tests,
    resources: {
      wall_ms: Date.now() - step.started_ms,
      cpu_ms: p.cpu_ms,
      peak_memory_bytes: p.usage.peak_memory_bytes,
      bytes_read: p.usage.bytes_read,
      bytes_written: p.usage.bytes_written,
    },
    started_at: new Date(step.started_ms).toISOString(),
  };
}

function auditedBy(tests_fingerprint: string | undefined): Pick<StepRecord, 'tests_fingerprint'> {
  return tests_fingerprint === undefined ? {} : { tests_fingerprint };
}

/** The versions that a step read, with that of the decisions about its rejected rows. */
export function withDecided(step: StepContext, inputs: StepRecord['inputs']): StepRecord['inputs'] {
  return step.decided === undefined
    ? inputs
    : { ...inputs, [decidedInput(step.node)]: step.settles ?? step.decided.version };
}

function reasonFor({ verdict, small, after_loss }: StepContext): string {
  if (small === undefined) return verdict.reason;
  const because = after_loss === true ? 'the engine was lost' : 'the engine ran out of memory';
  return `${verdict.reason}; done again because ${because}, ${small.words}`;
}

/** "silver.achats version 3 stays as it is", for the errors of steps that fail. */
export function keptMessage(step: StepContext, snapshot: Snapshot | undefined): string {
  return snapshot === undefined
    ? `${step.node.key} had no published version; nothing was published`
    : `the published version ${snapshot.version} of ${step.node.key} stays as it is`;
}

/**
 * The inputs moved, but nothing of this table depends on what moved: no commit, only the ledger learns the versions that were looked at.
 */
export function recordUnchanged(
  step: StepContext,
  version: number,
  returned: NonNullable<StepOutcome['returned']> = [],
): StepRecord {
  const record = unchanged(step, version);
  step.run.ledger.finishStep({ step: record, returned });
  return record;
}

/** What the ledger learns then. */
export function unchanged(step: StepContext, version: number): StepRecord {
  return {
    run_id: step.run.run_id,
    step_id: step.step_id,
    step: step.node.key,
    status: 'succeeded',
    reason: `${reasonFor(step)}; no row of this table is affected`,
    mode: 'incremental',
    code_fingerprint: step.code_fingerprint,
    // Nothing was audited here.
    ...auditedBy(step.run.ledger.lastSuccess(step.node.key)?.tests_fingerprint),
    inputs: withDecided(step, Object.fromEntries([...step.inputs].map(([table, input]) => [table, input.version]))),
    output_version: version,
    balance: { rows_in: 0, rows_out: 0, quarantined: 0, deduplicated: 0, filtered: 0 },
    tests: [],
    started_at: new Date(step.started_ms).toISOString(),
    finished_at: new Date().toISOString(),
  };
}
