import type { Receipt } from '../core/model/receipt.ts';
import type { CsvDialect } from '../core/ports/engine.ts';
import type {
  DecisionEntry,
  DecisionRecord,
  InputRecord,
  Ledger,
  Lock,
  LockHolder,
  ReleaseRecord,
  RunRecord,
  RunStatus,
  StepError,
  StepOutcome,
  StepRecord,
  UndoRecord,
} from '../core/ports/ledger.ts';
import type { Hold, UndoneInput } from '../core/ports/undo.ts';
import { faultPoint } from '../kit/fault.ts';
import { newestBackfill } from './backfills.ts';
import type { Connection } from './connection.ts';
import { decisionsOf, putDecision } from './decisions.ts';
import { definitionOf } from './definitions.ts';
import { destinationLedger } from './destinations.ts';
import { dialectOf } from './dialects.ts';
import { newestDrift } from './drift.ts';
import { inputStamps } from './input-stamps.ts';
import { allInputs, inputByHash, inputTotals, knownInputs, refusedInputs } from './inputs.ts';
import { checkIntegrity } from './integrity.ts';
import { lockHolders, takeLock } from './locks.ts';
import { putOutcome } from './outcomes.ts';
import { sourceLedger } from './positions.ts';
import { openQuarantine } from './quarantine.ts';
import { newestReceipts, putReceipt, receiptOfRun } from './receipts.ts';
import { keepRelease, keptReleases, newestReleases, putRelease } from './releases.ts';
import { closeDeadRuns, insertRun, newestRuns, runById, runsLike, updateRun } from './runs.ts';
import { spareLedger } from './spare.ts';
import {
  lastSuccess,
  lastSuccessOutside,
  latestSteps,
  publishes,
  putStep,
  stepsLike,
  stepsOfRun,
  successBefore,
} from './steps.ts';
import {
  allRunIds,
  allUndos,
  beginUndo,
  dialectOutside,
  endUndo,
  holdOf,
  inputsOutside,
  putUndone,
  removalsUndone,
  undoneInputs,
} from './undos.ts';

/** Fault points around every transaction that records a publish or a release. */
export const LEDGER_FAULT_POINTS = ['before-ledger-write', 'during-ledger-write', 'after-ledger-write'] as const;

/** The ledger on SQLite: one file per table beside this one does the work, one transaction per call. */
export class SqliteLedger implements Ledger {
  readonly #connection: Connection;
  readonly #now: () => number;
  readonly streams: Ledger['streams'];
  readonly sources: Ledger['sources'];
  readonly lookups: Ledger['lookups'];
  readonly parity: Ledger['parity'];
  readonly alerts: Ledger['alerts'];
  readonly tallies: Ledger['tallies'];
  readonly pages: Ledger['pages'];
  readonly loads: Ledger['loads'];
  readonly mirrors: Ledger['mirrors'];

  constructor(connection: Connection, now: () => number) {
    this.#connection = connection;
    this.#now = now;
    this.sources = sourceLedger(connection, now);
    const spare = spareLedger(connection);
    ({
      lookups: this.lookups,
      parity: this.parity,
      alerts: this.alerts,
      tallies: this.tallies,
      pages: this.pages,
    } = spare);
    ({ streams: this.streams, loads: this.loads, mirrors: this.mirrors } = destinationLedger(connection));
  }

  startRun(run: RunRecord): void {
    this.#connection.transaction(() => insertRun(this.#connection, run));
  }

  finishRun(run_id: string, status: RunStatus, error?: StepError): void {
    this.#connection.transaction(() => updateRun(this.#connection, run_id, status, this.#nowIso(), error));
  }

  closeDeadRuns(): readonly string[] {
    return this.#connection.transaction(() => closeDeadRuns(this.#connection, this.#nowIso()));
  }

  runs(limit: number): readonly RunRecord[] {
    return this.#connection.guard(() => newestRuns(this.#connection, limit));
  }

  run(run_id: string): RunRecord | undefined {
    return this.#connection.guard(() => runById(this.#connection, run_id));
  }

  recordReceipt(receipt: Receipt): void {
    this.#connection.transaction(() => putReceipt(this.#connection, receipt));
  }

  receipt(run_id: string): Receipt | undefined {
    return this.#connection.guard(() => receiptOfRun(this.#connection, run_id));
  }

  receipts(limit: number): readonly Receipt[] {
    return this.#connection.guard(() => newestReceipts(this.#connection, limit));
  }

  startStep(step: StepRecord): void {
    this.#connection.hastyTransaction(() => putStep(this.#connection, step));
  }

  finishStep(outcome: StepOutcome): void {
    this.#recorded(() => putOutcome(this.#connection, outcome), 'hastyTransaction');
  }

  steps(run_id: string): readonly StepRecord[] {
    return this.#connection.guard(() => stepsOfRun(this.#connection, run_id));
  }

  latestSteps(): readonly StepRecord[] {
    return this.#connection.guard(() => latestSteps(this.#connection));
  }

  lastSuccess(step: string): StepRecord | undefined {
    return this.#connection.guard(() => lastSuccess(this.#connection, step));
  }

  successBefore(record: Pick<StepRecord, 'step' | 'step_id'>): StepRecord | undefined {
    return this.#connection.guard(() => successBefore(this.#connection, record));
  }

  publishes(step: string, from: number, to: number, after?: string): readonly StepRecord[] {
    return this.#connection.guard(() => publishes(this.#connection, step, from, to, after));
  }

  stepsLike(prefix: string): readonly StepRecord[] {
    return this.#connection.guard(() => stepsLike(this.#connection, prefix));
  }

  runsLike(prefix: string): readonly RunRecord[] {
    return this.#connection.guard(() => runsLike(this.#connection, prefix));
  }

  readonly newestBackfill: Ledger['newestBackfill'] = (step) =>
    this.#connection.guard(() => newestBackfill(this.#connection, step));

  readonly definition: Ledger['definition'] = (step, code_fingerprint) =>
    this.#connection.guard(() => definitionOf(this.#connection, step, code_fingerprint));

  readonly knownInputs: Ledger['knownInputs'] = (source) =>
    this.#connection.guard(() => knownInputs(this.#connection, source));

  readonly inputStamps: Ledger['inputStamps'] = (source) =>
    this.#connection.guard(() => inputStamps(this.#connection, source));

  readonly inputs: Ledger['inputs'] = (source) => this.#connection.guard(() => allInputs(this.#connection, source));

  readonly inputTotals: Ledger['inputTotals'] = (source) =>
    this.#connection.guard(() => inputTotals(this.#connection, source));

  readonly refusedInputs: Ledger['refusedInputs'] = (run_id) =>
    this.#connection.guard(() => refusedInputs(this.#connection, run_id));

  readonly inputByHash: Ledger['inputByHash'] = (source, sha256) =>
    this.#connection.guard(() => inputByHash(this.#connection, source, sha256));

  readonly dialect: Ledger['dialect'] = (source) => this.#connection.guard(() => dialectOf(this.#connection, source));

  readonly drift: Ledger['drift'] = (source, limit) =>
    this.#connection.guard(() => newestDrift(this.#connection, source, limit));

  readonly quarantine: Ledger['quarantine'] = (table) =>
    this.#connection.guard(() => openQuarantine(this.#connection, table));

  recordDecision(decision: DecisionRecord): void {
    this.#recorded(() => putDecision(this.#connection, decision));
  }

  decisions(table?: string): readonly DecisionEntry[] {
    return this.#connection.guard(() => decisionsOf(this.#connection, table));
  }

  recordRelease(release: ReleaseRecord): void {
    this.#recorded(() => putRelease(this.#connection, release));
  }

  readonly latestRelease: Ledger['latestRelease'] = () => this.releases(1)[0];

  releases(limit: number): readonly ReleaseRecord[] {
    return this.#connection.guard(() => newestReleases(this.#connection, limit));
  }

  keepRelease(release_id: string, keep: boolean): void {
    this.#connection.transaction(() => keepRelease(this.#connection, release_id, keep));
  }

  keptReleases(): readonly ReleaseRecord[] {
    return this.#connection.guard(() => keptReleases(this.#connection));
  }

  runIds(): readonly string[] {
    return this.#connection.guard(() => allRunIds(this.#connection));
  }

  readonly undos: Ledger['undos'] = () => this.#connection.guard(() => allUndos(this.#connection));

  startUndo(run: RunRecord, undo: UndoRecord): void {
    this.#recorded(() => beginUndo(this.#connection, run, undo));
  }

  finishUndo(run_id: string): void {
    this.#recorded(() => endUndo(this.#connection, run_id));
  }

  undoneInputs(source?: string): readonly UndoneInput[] {
    return this.#connection.guard(() => undoneInputs(this.#connection, source));
  }

  rememberUndone(inputs: readonly UndoneInput[]): void {
    this.#connection.transaction(() => {
      for (const input of inputs) putUndone(this.#connection, input);
    });
  }

  hold(step: string): Hold | undefined {
    return this.#connection.guard(() => holdOf(this.#connection, step));
  }

  lastSuccessOutside(step: string, run_ids: ReadonlySet<string>): StepRecord | undefined {
    return this.#connection.guard(() => lastSuccessOutside(this.#connection, step, run_ids));
  }

  removalsUndone(source: string): ReadonlySet<string> {
    return this.#connection.guard(() => removalsUndone(this.#connection, source));
  }

  inputsOutside(source: string, run_ids: ReadonlySet<string>): readonly InputRecord[] {
    return this.#connection.guard(() => inputsOutside(this.#connection, source, run_ids));
  }

  dialectOutside(source: string, run_ids: ReadonlySet<string>): CsvDialect | undefined {
    return this.#connection.guard(() => dialectOutside(this.#connection, source, run_ids));
  }

  lock(scope: string, command: string): Lock {
    return this.#connection.guard(() => takeLock(this.#connection, scope, command, this.#now()));
  }

  checkIntegrity(): void {
    this.#connection.guard(() => checkIntegrity(this.#connection));
  }

  lockHolders(): readonly LockHolder[] {
    return this.#connection.guard(() => lockHolders(this.#connection));
  }

  close(): void {
    this.#connection.close();
  }

  /** `hasty`: what is written can be found again in the lake, and the release at the end of the run makes it durable anyway. */
  #recorded(work: () => void, how: 'transaction' | 'hastyTransaction' = 'transaction'): void {
    this.#connection.guard(() => {
      faultPoint('before-ledger-write');
      this.#connection[how](() => {
        work();
        faultPoint('during-ledger-write');
      });
      faultPoint('after-ledger-write');
    });
  }

  #nowIso(): string {
    return new Date(this.#now()).toISOString();
  }
}
