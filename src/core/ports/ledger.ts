import type { BackfillJob, BackfillProgress, BackfillRequest } from '../model/backfill.ts';
import type { Balance } from '../model/balance.ts';
import type { DriftEvent, DriftRecord } from '../model/drift.ts';
import type { PulledOutcome } from '../model/pulled.ts';
import type { Receipt } from '../model/receipt.ts';
import type { DestinationLedger } from './destination-ledger.ts';
import type { CsvDialect } from './engine.ts';
import type { KnownInput, StampPage } from './source.ts';
import type { SourceLedger } from './source-ledger.ts';
import type { SpareLedgerOf } from './spare-ledger.ts';
import type { UndoLedgerOf, UndoOutcomeOf, UndoRecordOf, UndoTablePlanOf } from './undo.ts';

export type RunStatus = 'running' | 'succeeded' | 'failed' | 'partial' | 'interrupted';
export type StepStatus = 'running' | 'succeeded' | 'failed' | 'skipped' | 'up_to_date';

export interface RunRecord {
  readonly run_id: string;
  readonly command: string;
  readonly started_at: string;
  readonly finished_at?: string;
  readonly status: RunStatus;
  readonly pid: number;
  readonly host: string;
  readonly dataflow_version: string;
  readonly error?: StepError;
  /** What was asked for, so that it can be asked again; unknown for runs that were rebuilt from the lake. */
  readonly options?: RunOptionsRecord;
}

/** How a run was asked for, after the selection was resolved: what `retry` starts from. */
export interface RunOptionsRecord {
  /** Steps that the run was about, in order. */
  readonly steps: readonly string[];
  readonly full_refresh: boolean;
  readonly force: boolean;
  readonly rehash: boolean;
  readonly redo?: boolean;
  readonly allow_missing?: boolean;
  readonly fail_fast: boolean;
  /** The run that this one continues. */
  readonly retry_of?: string;
  /** For a backfill: what was asked for. */
  readonly backfill?: BackfillRequest;
}

export interface StepError {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  /** What was kept; told when it happens, not remembered. */
  readonly kept?: string;
}

export interface TestResult {
  readonly test: string;
  readonly severity: 'fail' | 'warn';
  readonly passed: boolean;
  readonly failures: number;
  readonly message: string;
}

export interface Resources {
  readonly wall_ms: number;
  readonly cpu_ms: number;
  readonly peak_memory_bytes: number;
  readonly bytes_read: number;
  readonly bytes_written: number;
}

export interface StepRecord {
  readonly run_id: string;
  readonly step_id: string;
  /** `silver.achats`. */
  readonly step: string;
  readonly status: StepStatus;
  /** The same words as `plan` and `why` print. */
  readonly reason: string;
  readonly mode?: 'full' | 'incremental';
  readonly code_fingerprint?: string;
  readonly tests_fingerprint?: string;
  /** Input table → version read. For bronze: the source's name → number of units taken. */
  readonly inputs: Readonly<Record<string, number>>;
  readonly output_version?: number;
  readonly balance?: Balance;
  readonly tests: readonly TestResult[];
  readonly resources?: Resources;
  readonly error?: StepError;
  readonly started_at: string;
  readonly finished_at?: string;
}

/** A unit of input as recorded when it was taken (or refused). */
export interface InputRecord extends KnownInput {
  readonly source: string;
  readonly run_id: string;
  readonly records: number;
  readonly rejected: number;
  /** Bronze version that holds its rows. */
  readonly version?: number;
  /** For a duplicate: the path under which the same bytes were loaded. */
  readonly same_as?: string;
  readonly reason?: string;
  /** Needed to turn a row position into a line. */
  readonly first_record_line: number;
  readonly multiline_records: boolean;
  /** Where records begin whose lines do not follow from their numbers; absent where that is not known. */
  readonly record_lines?: string;
}

/** How many rows of a table were put aside by one rule from one file in one run. The rows are in the lake. */
export interface QuarantineCount {
  readonly run_id: string;
  /** `silver.achats`. */
  readonly table: string;
  readonly rule: string;
  readonly file: string;
  readonly rows: number;
}

/** What a person decided about a set of rejected rows of one table. The rows themselves are in the lake (`quarantine.decided_…`). */
export interface DecisionRecord {
  /** `silver.achats`. */
  readonly table: string;
  /** Number of the decision: the version of the table's decisions that brought it. */
  readonly decision: number;
  readonly action: 'fix' | 'replay' | 'discard';
  readonly why?: string;
  readonly decided_by: string;
  readonly decided_at: string;
  /** The run that took the decision. */
  readonly run_id: string;
  readonly groups: readonly DecisionGroup[];
}

/** Rows of one decision that had been put aside by one rule from one file in one run. */
export interface DecisionGroup {
  readonly file: string;
  readonly rule: string;
  readonly quarantine_run_id: string;
  readonly rows: number;
  /** How many of them are in quarantine again since. */
  readonly returned?: number;
}

/** A decision as the ledger holds it: the run that carried it out is known once a step of the table has succeeded since; the undo, when one took it back. */
export interface DecisionEntry extends DecisionRecord {
  readonly applied_run_id?: string;
  readonly undone_by?: string;
}

/** Rows of a decision that were rejected again when they were sent through the table. */
export interface ReturnedRows {
  readonly decision: number;
  readonly file: string;
  readonly rule: string;
  readonly quarantine_run_id: string;
  readonly rows: number;
}

export interface ReleaseRecord {
  readonly release_id: string;
  readonly run_id: string;
  readonly created_at: string;
  /** Table → version that belongs to it. */
  readonly tables: Readonly<Record<string, number>>;
  /** Pinned: its versions stay until it is dropped. */
  readonly kept?: boolean;
}

/** A held lock. The token grows with every holder: a zombie is recognised at publish. */
export interface Lock {
  readonly scope: string;
  readonly token: number;
  /** Throws E_LOCK_LOST when somebody else has taken the lock since. */
  check(): void;
  release(): void;
}

export interface LockHolder {
  readonly scope: string;
  readonly pid: number;
  readonly host: string;
  readonly since: string;
  readonly command: string;
  /** `unknown`: on another host or in another container; only a `dead` holder loses its lock. */
  readonly state?: 'alive' | 'dead' | 'unknown';
}

/** All that one publish changes in the ledger; written in one transaction. */
export interface StepOutcome {
  readonly step: StepRecord;
  readonly inputs?: readonly InputRecord[];
  readonly quarantine?: readonly QuarantineCount[];
  /** True: the quarantine counts replace all earlier ones of this table (the whole table was computed again). */
  readonly replaces_quarantine?: boolean;
  /** Decided rows that this step sent through the table and that were rejected again. */
  readonly returned?: readonly ReturnedRows[];
  readonly dialect?: { readonly source: string; readonly dialect: CsvDialect };
  /** How the columns of the source changed. */
  readonly drift?: readonly DriftEvent[];
  /** Text of the definition behind the step's fingerprint, secrets masked; given when the ledger does not hold it yet. */
  readonly definition?: string;
  /** Present when the publish went back to an older version. */
  readonly undo?: UndoOutcome;
  /** Where a pulled source stands after the publish. */
  readonly pulled?: PulledOutcome;
  /** The window of a backfill that the step published. */
  readonly backfill?: BackfillProgress;
}

/** A backfill as far as it came. */
export interface BackfillRecord {
  readonly job: BackfillJob;
  /** Position of each published window → the table's version after it. */
  readonly done: ReadonlyMap<number, number>;
}

// What going back adds, in terms of the records above.
type UndoLedger = UndoLedgerOf<RunRecord, StepRecord, InputRecord, StepOutcome>;
export type UndoOutcome = UndoOutcomeOf<InputRecord>;
export type UndoTablePlan = UndoTablePlanOf<StepOutcome>;
export type UndoRecord = UndoRecordOf<StepOutcome>;

/**
 * What dataflow remembers between runs. Synchronous (an embedded database), small, in one transaction per call.
 * Every method may throw E_LEDGER_BUSY, E_LEDGER_CORRUPT, E_LEDGER_READ_ONLY, E_LEDGER_NEWER.
 */
export interface Ledger extends DestinationLedger, SpareLedgerOf<RunRecord, StepRecord>, UndoLedger {
  startRun(run: RunRecord): void;
  finishRun(run_id: string, status: RunStatus, error?: StepError): void;
  /** Runs still marked running whose process is gone become `interrupted`; returns their ids. */
  closeDeadRuns(): readonly string[];
  runs(limit: number): readonly RunRecord[];
  run(run_id: string): RunRecord | undefined;
  /** What a run took and used; replaces an earlier one of the run. */
  recordReceipt(receipt: Receipt): void;
  receipt(run_id: string): Receipt | undefined;
  /** Newest first. */
  receipts(limit: number): readonly Receipt[];

  startStep(step: StepRecord): void;
  finishStep(outcome: StepOutcome): void;
  steps(run_id: string): readonly StepRecord[];
  /** Newest record of each step, of any status but `running`. */
  latestSteps(): readonly StepRecord[];
  /** Newest succeeded record of a step: what freshness compares with. */
  lastSuccess(step: string): StepRecord | undefined;
  /** The success that a record came after: what its freshness was judged by. */
  successBefore(record: Pick<StepRecord, 'step' | 'step_id'>): StepRecord | undefined;
  /** Successful records of a step whose output version lies above `from` and not above `to`, oldest first; with `after`, only those that came after that step. */
  publishes(step: string, from: number, to: number, after?: string): readonly StepRecord[];
  /** Records of any status whose step id begins so, at most a few. */
  stepsLike(prefix: string): readonly StepRecord[];
  /** Runs whose id begins so, newest first, at most a few. */
  runsLike(prefix: string): readonly RunRecord[];
  /** The newest backfill of a step, with its windows that are published. */
  newestBackfill(step: string): BackfillRecord | undefined;
  /** The text kept for a fingerprint of a step. */
  definition(step: string, code_fingerprint: string): string | undefined;

  knownInputs(source: string): ReadonlyMap<string, KnownInput>;
  /** The same as texts, without those that are gone from their place: for holding a whole folder against it at once. */
  inputStamps(source: string): readonly StampPage[];
  inputs(source?: string): readonly InputRecord[];
  /** Records and bytes of a source's units that hold records: what an estimate needs, without reading each. */
  inputTotals(source: string): { readonly records: number; readonly size_bytes: number };
  /** Units that a run refused as a whole. */
  refusedInputs(run_id: string): number;
  /** The loaded input of this source with these bytes, under whatever name. */
  inputByHash(source: string, sha256: string): InputRecord | undefined;
  dialect(source: string): CsvDialect | undefined;
  /** Where sources that are asked stand. */
  readonly sources: SourceLedger;
  /** How the columns of sources changed, newest first. */
  drift(source: string | undefined, limit: number): readonly DriftRecord[];

  /** Open quarantine, grouped; `table` narrows. */
  quarantine(table?: string): readonly QuarantineCount[];

  /** Enters a decision; known ones change nothing. Discarded rows leave the open quarantine. */
  recordDecision(decision: DecisionRecord): void;
  /** Decisions, oldest first; `table` narrows. */
  decisions(table?: string): readonly DecisionEntry[];

  recordRelease(release: ReleaseRecord): void;
  latestRelease(): ReleaseRecord | undefined;
  releases(limit: number): readonly ReleaseRecord[];
  /** Pins a release, or lets go of it. */
  keepRelease(release_id: string, keep: boolean): void;
  /** Releases that are pinned, newest first: retention must not collect their versions. */
  keptReleases(): readonly ReleaseRecord[];

  /** @throws E_LOCKED with the holder when another live process has it. */
  lock(scope: string, command: string): Lock;
  lockHolders(): readonly LockHolder[];
  /** Looks at the whole file, indexes too. @throws DataflowError E_LEDGER_CORRUPT */
  checkIntegrity(): void;
  close(): void;
}
