import type { RunRecord, StepRecord } from '../../core/ports/ledger.ts';
import { groupedDigits } from '../../kit/units.ts';
import type { LiveLogLine } from './live-state.ts';

/** What happened in these runs, oldest first. Tables that were up to date are not told of. */
export function liveLog(
  told: readonly { readonly run: RunRecord; readonly steps: readonly StepRecord[] }[],
): readonly LiveLogLine[] {
  const lines = told.flatMap(({ run, steps }) => [beginOf(run), ...steps.flatMap(stepLines), ...endOf(run)]);
  return lines.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

function beginOf(run: RunRecord): LiveLogLine {
  return { at: run.started_at, tone: 'plain', text: `run ${run.run_id}: ${run.command}` };
}

function endOf({ run_id, status, finished_at, error }: RunRecord): readonly LiveLogLine[] {
  if (status === 'running' || finished_at === undefined) return [];
  const tone = status === 'succeeded' ? 'good' : status === 'failed' ? 'bad' : 'warn';
  const why = error === undefined ? '' : `: ${error.code}: ${error.message}`;
  return [{ at: finished_at, tone, text: `run ${run_id}: ${status}${why}` }];
}

function stepLines(step: StepRecord): readonly LiveLogLine[] {
  const at = step.finished_at ?? step.started_at;
  switch (step.status) {
    case 'running':
      return [{ at: step.started_at, tone: 'plain', text: `${step.step}: begun, ${step.reason}` }];
    case 'succeeded':
      return [{ at, tone: 'good', text: `${step.step}: ${doneWords(step)}` }, ...warnings(step, at)];
    case 'failed':
      return [
        { at, tone: 'bad', text: `${step.step}: ${step.error?.code ?? ''}: ${step.error?.message ?? step.reason}` },
      ];
    case 'skipped':
      return [{ at, tone: 'warn', text: `${step.step}: skipped, ${step.reason}` }];
    case 'up_to_date':
      return [];
  }
}

function doneWords({ output_version, balance, resources }: StepRecord): string {
  const parts = [output_version === undefined ? 'no new version' : `version ${output_version}`];
  if (balance !== undefined && resources !== undefined) {
    parts.push(`${groupedDigits(balance.rows_in)} in, ${groupedDigits(balance.rows_out)} out`);
    if (balance.quarantined > 0) parts.push(`${groupedDigits(balance.quarantined)} quarantined`);
    parts.push(`${(resources.wall_ms / 1000).toFixed(2)} s`);
  }
  return parts.join(', ');
}

function warnings({ step, tests }: StepRecord, at: string): readonly LiveLogLine[] {
  return tests
    .filter((test) => !test.passed)
    .map((test) => ({ at, tone: 'warn' as const, text: `${step}: ${test.test}: ${test.message}` }));
}
