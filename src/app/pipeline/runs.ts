import type {
  FailureShape,
  ReceiptShape,
  RunDetail,
  RunList,
  RunShape,
  RunWord,
  StepShape,
} from '../../core/contract/pipeline.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Receipt } from '../../core/model/receipt.ts';
import { LAYERS } from '../../core/model/table.ts';
import type { Ledger, RunRecord, StepError, StepRecord } from '../../core/ports/ledger.ts';
import { judgedRun, judgedSteps } from '../run/judged-run.ts';
import type { Scope } from './scope.ts';

export const RUN_WORDS: readonly RunWord[] = ['running', 'succeeded', 'failed', 'partial', 'interrupted'];
/** A backfill has a step for each window. */
const STEPS_MAX = 2_000;

/** Secrets masked. */
export type Redact = (text: string) => string;

export interface RunsAsked {
  readonly status?: RunWord;
  readonly limit: number;
  readonly before?: string;
}

/** Runs, newest first. One that died is told as interrupted, though the ledger does not say so yet. */
export function runList(ledger: Ledger, asked: RunsAsked, scope: Scope, redact: Redact): RunList {
  const { status, limit, before } = asked;
  const found = ledger.pages.runs({ ...asked, limit: limit + 1 });
  const page = found.slice(0, limit);
  const died = status === 'interrupted' && before === undefined ? ledger.pages.runs({ status: 'running', limit }) : [];
  const runs = [...died, ...page].map((run) => judgedRun(ledger, run));
  const data = runs
    .filter((run) => status === undefined || run.status === status)
    .map((run) => runShape(run, ledger.receipt(run.run_id), scope, redact));
  return { data, next: found.length > limit ? (page.at(-1)?.run_id ?? null) : null };
}

/** One run by its id, or the newest by `last`. @throws DataflowError E_SERVE_UNKNOWN */
export function runDetail(ledger: Ledger, run_id: string, here: string, scope: Scope, redact: Redact): RunDetail {
  const run = runNamed(ledger, run_id);
  const receipt = ledger.receipt(run.run_id);
  const records = judgedSteps(run, ledger.steps(run.run_id)).filter(({ step }) => scope.may(step));
  const met = new Set(records.map(({ step }) => step));
  const waiting = run.status === 'running' ? (run.options?.steps ?? []).filter((step) => !met.has(step)) : [];
  return {
    ...runShape(run, receipt, scope, redact),
    dataflow_version: run.dataflow_version,
    steps: inOrder(records)
      .slice(0, STEPS_MAX)
      .map((step) => stepShape(ledger, step, redact)),
    steps_truncated: records.length > STEPS_MAX,
    waiting: waiting.filter((step) => scope.may(step)),
    receipt: receipt === undefined || !scope.all ? null : receiptShape(receipt),
    alive_here: isAliveHere(ledger, run, here),
  };
}

/** As it stands. @throws DataflowError E_SERVE_UNKNOWN */
export function runNamed(ledger: Ledger, run_id: string): RunRecord {
  const found = run_id === 'last' ? ledger.runs(1)[0] : ledger.run(run_id);
  if (found === undefined) throw new DataflowError('E_SERVE_UNKNOWN', 'there is no such run');
  return judgedRun(ledger, found);
}

/** Whether a process of this machine, known to be alive, works on the run. */
export function isAliveHere(ledger: Ledger, run: RunRecord, here: string): boolean {
  if (run.status !== 'running' || run.host !== here) return false;
  return ledger.lockHolders().some((one) => one.pid === run.pid && one.host === run.host && one.state === 'alive');
}

function runShape(run: RunRecord, receipt: Receipt | undefined, { all }: Scope, redact: Redact): RunShape {
  const told = all ? receipt : undefined;
  const ended = run.finished_at === undefined ? undefined : Date.parse(run.finished_at) - Date.parse(run.started_at);
  return {
    run_id: run.run_id,
    status: run.status,
    command: all ? redact(run.command) : null,
    started_at: run.started_at,
    finished_at: run.finished_at ?? null,
    wall_ms: ended ?? null,
    rows_in: told?.rows_in ?? null,
    rows_out: told?.rows_out ?? null,
    rows_quarantined: told?.rows_quarantined ?? null,
    money: told?.money ?? null,
    currency: told?.currency ?? null,
    error: failureShape(run.error, all, redact),
  };
}

/** @param told whether the message may be told: it may name any table. */
export function failureShape(error: StepError | undefined, told: boolean, redact: Redact): FailureShape | null {
  if (error === undefined) return null;
  return {
    code: error.code,
    message: told ? redact(error.message) : null,
    hint: told && error.hint !== undefined ? redact(error.hint) : null,
  };
}

function stepShape(ledger: Ledger, step: StepRecord, redact: Redact): StepShape {
  const at_work = step.status === 'running';
  return {
    step_id: step.step_id,
    table: step.step,
    status: step.status,
    reason: redact(step.reason),
    mode: step.mode ?? null,
    started_at: step.started_at,
    finished_at: step.finished_at ?? null,
    wall_ms: step.resources?.wall_ms ?? null,
    last_wall_ms: at_work ? (ledger.lastSuccess(step.step)?.resources?.wall_ms ?? null) : null,
    version: step.output_version ?? null,
    balance: step.balance ?? null,
    tests: step.tests.map((test) => ({ ...test, message: redact(test.message) })),
    error: failureShape(step.error, true, redact),
  };
}

export function receiptShape(receipt: Receipt): ReceiptShape {
  const { run_id, wall_ms, cpu_ms, peak_memory_bytes, rows_in, rows_out, rows_quarantined } = receipt;
  const { bytes_in, bytes_out, rows_per_second, money, currency, over_budget } = receipt;
  return {
    ...{ run_id, wall_ms, cpu_ms, peak_memory_bytes, rows_in, rows_out, rows_quarantined },
    ...{ bytes_in, bytes_out, rows_per_second, money, currency, over_budget },
  };
}

/** By layer and name: the order in which steps happened to end side by side says nothing. */
function inOrder(steps: readonly StepRecord[]): readonly StepRecord[] {
  const place = ({ step }: StepRecord): string => `${LAYERS.findIndex((layer) => step.startsWith(layer))} ${step}`;
  return steps.toSorted((a, b) => (place(a) < place(b) ? -1 : place(a) > place(b) ? 1 : 0));
}
