import type { Ledger, RunStatus } from '../../core/ports/ledger.ts';
import type { RunTally } from '../../core/ports/tally-ledger.ts';
import { isAtWork, judgedRun } from '../run/judged-run.ts';
import type { MetricSheet } from './metric-sheet.ts';

const ENDS: readonly RunStatus[] = ['succeeded', 'failed', 'partial', 'interrupted'];
/** How far back the newest run that ended is looked for: others may be at work, or died without a word. */
const RUNS_MAX = 50;

/** Runs: how many, how they ended, what the newest one took. */
export function runMetrics(sheet: MetricSheet, ledger: Ledger): void {
  const tallies = new Map<string, RunTally>(ledger.tallies.runs().map((one) => [one.status, one]));
  for (const status of ENDS) {
    // A counter that begins at zero shows its first growth.
    sheet.set('dataflow_runs_total', tallies.get(status)?.runs ?? 0, { status });
    sheet.set('dataflow_run_seconds_total', tallies.get(status)?.seconds ?? 0, { status });
  }
  const runs = ledger.runs(RUNS_MAX);
  sheet.set('dataflow_run_in_progress', runs.some((run) => isAtWork(ledger, run)) ? 1 : 0);
  sheet.setTime('dataflow_run_last_success_timestamp_seconds', ledger.tallies.newestRun('succeeded')?.finished_at);
  const last = runs.map((run) => judgedRun(ledger, run)).find((run) => run.status !== 'running');
  if (last === undefined) return;
  for (const status of ENDS) sheet.set('dataflow_run_last_status', last.status === status ? 1 : 0, { status });
  sheet.setTime('dataflow_run_last_started_timestamp_seconds', last.started_at);
  sheet.setTime('dataflow_run_last_finished_timestamp_seconds', last.finished_at);
  if (last.finished_at !== undefined) {
    const ms = Math.max(0, Date.parse(last.finished_at) - Date.parse(last.started_at));
    sheet.set('dataflow_run_last_duration_seconds', ms / 1000);
  }
  const receipt = ledger.receipt(last.run_id);
  if (receipt === undefined) return;
  sheet.set('dataflow_run_last_cpu_seconds', receipt.cpu_ms / 1000);
  sheet.set('dataflow_run_last_peak_memory_bytes', receipt.peak_memory_bytes);
}
