import { hostname } from 'node:os';
import type { RunRecord, StepRecord } from '../../core/ports/ledger.ts';

/** A run as the commits of its steps tell of it: from the first beginning to the last end. What was asked for no commit tells. */
export function toldRun(step: StepRecord, committed_at_ms: number, known?: RunRecord): RunRecord {
  const { run_id, started_at, finished_at = new Date(committed_at_ms).toISOString() } = step;
  return {
    run_id,
    command: '(rebuilt from the lake)',
    started_at: known === undefined || started_at < known.started_at ? started_at : known.started_at,
    finished_at: known?.finished_at === undefined || finished_at > known.finished_at ? finished_at : known.finished_at,
    status: 'succeeded',
    pid: 0,
    host: hostname(),
    dataflow_version: 'unknown',
  };
}
