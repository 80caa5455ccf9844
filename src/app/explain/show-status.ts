import type { Receipt } from '../../core/model/receipt.ts';
import type { ParityStanding } from '../../core/planning/parity-standing.ts';
import type { Ledger, ReleaseRecord, RunRecord, StepRecord } from '../../core/ports/ledger.ts';
import { type UndoneState, undoneState } from '../releases/undone-state.ts';
import { judgedRun } from '../run/judged-run.ts';

/** One line of `status`. */
export interface TableStatus {
  readonly step: string;
  readonly status: string;
  readonly version: number | null;
  /** How the newest computation went; its rows are those below. */
  readonly mode: 'full' | 'incremental' | null;
  readonly rows_in: number | null;
  readonly rows_out: number | null;
  /** Rows of this table that lie in quarantine now. */
  readonly quarantined: number;
  readonly deduplicated: number | null;
  readonly filtered: number | null;
  /** Of a model that was refreshed in part, whose `rows_out` is what it grew by: the rows of the table, where the records tell. Null for others. */
  readonly rows_refreshed: number | null;
  readonly finished_at: string | null;
  readonly wall_ms: number | null;
  readonly reason: string;
  readonly error: string | null;
}

export interface StatusReport {
  readonly run: RunRecord | undefined;
  /** What the newest run took and used. */
  readonly receipt: Receipt | undefined;
  readonly release: ReleaseRecord | undefined;
  /** What is as an undo left it. */
  readonly undone: UndoneState | undefined;
  readonly tables: readonly TableStatus[];
  /** How tables stand to another engine; absent where that is no matter. */
  readonly parity?: readonly ParityStanding[];
}

/** What the ledger knows of every table: answers at once, no engine, no lake. */
export function showStatus(ledger: Ledger): StatusReport {
  const open = new Map<string, number>();
  for (const entry of ledger.pages.quarantine()) open.set(entry.table, (open.get(entry.table) ?? 0) + entry.rows);
  const tables = ledger.latestSteps().map((step) => tableStatus(ledger, step, open.get(step.step) ?? 0));
  const [newest] = ledger.runs(1);
  const run = newest === undefined ? undefined : judgedRun(ledger, newest);
  const receipt = run === undefined ? undefined : ledger.receipt(run.run_id);
  const undone = undoneState(ledger);
  return { run, receipt, release: ledger.latestRelease(), undone, tables: [...tables].sort(byLayer) };
}

function tableStatus(ledger: Ledger, step: StepRecord, quarantined: number): TableStatus {
  const published = ledger.lastSuccess(step.step);
  // What did nothing, or failed, leaves the published version, whose rows are shown.
  const computed = step.status === 'succeeded' ? step : published;
  const balance = computed === undefined || movedNothing(computed) ? undefined : computed.balance;
  return {
    step: step.step,
    status: step.status,
    version: step.output_version ?? published?.output_version ?? null,
    mode: balance === undefined ? null : (computed?.mode ?? null),
    rows_in: balance?.rows_in ?? null,
    rows_out: balance?.rows_out ?? null,
    quarantined,
    deduplicated: balance?.deduplicated ?? null,
    filtered: balance?.filtered ?? null,
    rows_refreshed: computed === undefined || !wasRefreshed(computed) ? null : rowsOf(ledger, computed),
    finished_at: step.finished_at ?? null,
    wall_ms: step.resources?.wall_ms ?? null,
    reason: step.reason,
    error: step.error === undefined ? null : `${step.error.code}: ${step.error.message}`,
  };
}

/** An undo, a decision and an audit take no rows in and give none out: zeros would look like an empty table. */
function movedNothing({ reason, resources, balance }: StepRecord): boolean {
  return reason.startsWith('undone: ') || (resources === undefined && balance?.rows_in === 0 && balance.rows_out === 0);
}

/** Of a model some rows were computed again and put in place of older ones: its balance would look like one of duplicates. */
export function wasRefreshed({ step, mode, balance }: StepRecord): boolean {
  return step.startsWith('gold.') && mode === 'incremental' && (balance?.deduplicated ?? 0) > 0;
}

/** What the last computation of the whole table put out, and what it grew by since. Null when that one was forgotten. */
function rowsOf(ledger: Ledger, { step, output_version = -1 }: StepRecord): number | null {
  const records = ledger.publishes(step, -1, output_version);
  const whole = records.findLastIndex(({ mode }) => mode === 'full');
  if (whole < 0) return null;
  return records.slice(whole).reduce((sum, { balance }) => sum + (balance?.rows_out ?? 0), 0);
}

const ORDER = ['bronze', 'silver', 'gold'];

function byLayer(a: TableStatus, b: TableStatus): number {
  const rank = (status: TableStatus): number => ORDER.indexOf(status.step.split('.')[0] ?? '');
  return rank(a) - rank(b) || (a.step < b.step ? -1 : 1);
}
