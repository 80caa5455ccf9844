import type { AlertSpec } from '../../../core/model/monitor.ts';
import type { Project } from '../../../core/model/project.ts';
import type { AlertState } from '../../../core/ports/alert-ledger.ts';
import type { Ledger } from '../../../core/ports/ledger.ts';
import { matchesGlob } from '../../../kit/glob.ts';
import { groupedDigits } from '../../../kit/units.ts';
import { judgedRun } from '../../run/judged-run.ts';
import { destinationLags } from '../destination-metrics.ts';
import { staleLimits } from '../stale-limits.ts';

/** How one subject of an alert stands at this moment. */
export interface Condition {
  /** A table, a destination, or `runs`. */
  readonly subject: string;
  readonly wrong: boolean;
  readonly text: string;
  /** What the next look compares with. */
  readonly value?: number;
  readonly run_id?: string;
  readonly code?: string;
  /** The command to begin with. */
  readonly next?: string;
}

const HOUR_MS = 3_600_000;
const RUNS_MAX = 50;

/** All subjects of an alert, wrong or not. @param known what the alert said of a subject before. */
export function conditionsOf(
  spec: AlertSpec,
  project: Project,
  ledger: Ledger,
  known: (subject: string) => AlertState | undefined,
  now_ms: number,
): readonly Condition[] {
  const about = (table: string): boolean => spec.tables.some((pattern) => matchesGlob(pattern, table));
  switch (spec.when) {
    case 'run_failed':
    case 'run_recovered':
      return runs(project, ledger);
    case 'table_stale':
      return staleTables(spec, project, ledger, now_ms).filter(({ subject }) => about(subject));
    case 'quarantine_growing':
      return quarantines(ledger, known).filter(({ subject }) => about(subject));
    case 'destination_behind':
      return destinations(spec, project, ledger, now_ms);
  }
}

function runs(project: Project, ledger: Ledger): readonly Condition[] {
  const last = ledger
    .runs(RUNS_MAX)
    .map((run) => judgedRun(ledger, run))
    .find((run) => run.status !== 'running');
  if (last === undefined) return [];
  const { run_id, status } = last;
  if (status === 'succeeded')
    return [{ subject: 'runs', wrong: false, run_id, text: `${project.name}: run ${run_id} succeeded` }];
  const failed = ledger.steps(run_id).find((step) => step.status === 'failed');
  const error = last.error ?? failed?.error;
  const where = failed === undefined ? '' : ` at ${failed.step}`;
  const why = error === undefined ? '' : `: ${error.code}: ${error.message}`;
  return [
    {
      subject: 'runs',
      wrong: true,
      run_id,
      ...(error === undefined ? {} : { code: error.code }),
      text: `${project.name}: run ${run_id} ended ${status}${where}${why}`,
      next: `dataflow status ${run_id}`,
    },
  ];
}

function staleTables(spec: AlertSpec, project: Project, ledger: Ledger, now_ms: number): readonly Condition[] {
  const limits = staleLimits(project);
  return ledger.latestSteps().flatMap(({ step }): readonly Condition[] => {
    const limit_ms = spec.after_ms ?? limits.get(step);
    const published = ledger.lastSuccess(step)?.finished_at;
    if (limit_ms === undefined || published === undefined) return [];
    const age_ms = now_ms - Date.parse(published);
    const hours = (ms: number): string => `${(ms / HOUR_MS).toFixed(1)} h`;
    const text = `${project.name}: ${step} was published ${hours(age_ms)} ago; ${hours(limit_ms)} are allowed`;
    return [{ subject: step, wrong: age_ms > limit_ms, text, next: `dataflow why ${step}` }];
  });
}

/** Grown beyond what was there at the last look that found nothing wrong. */
function quarantines(ledger: Ledger, known: (subject: string) => AlertState | undefined): readonly Condition[] {
  const rows = new Map<string, number>(ledger.latestSteps().map(({ step }) => [step, 0]));
  for (const one of ledger.quarantine()) rows.set(one.table, (rows.get(one.table) ?? 0) + one.rows);
  return [...rows].map(([subject, count]) => {
    const before = known(subject)?.value ?? 0;
    const wrong = count > before;
    const text = `${subject}: ${groupedDigits(count)} rows in quarantine, ${groupedDigits(before)} before`;
    return { subject, wrong, text, value: wrong ? before : count, next: `dataflow quarantine ${subject}` };
  });
}

function destinations(spec: AlertSpec, project: Project, ledger: Ledger, now_ms: number): readonly Condition[] {
  return destinationLags(project, ledger).map(({ destination: { kind, name }, behind_since }) => {
    const lag_ms = behind_since === null ? 0 : now_ms - Date.parse(behind_since);
    const state = behind_since === null ? 'holds the newest release' : `misses a release since ${behind_since}`;
    return {
      subject: `${kind} ${name}`,
      wrong: behind_since !== null && lag_ms > (spec.after_ms ?? HOUR_MS),
      text: `${project.name}: the ${kind} ${name} ${state}`,
    };
  });
}
