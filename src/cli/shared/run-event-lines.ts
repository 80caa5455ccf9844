import type { RunEvent, RunReport } from '../../app/run/run-events.ts';
import type { RunEventLine } from '../../core/contract/run-events.ts';
import type { StepRecord } from '../../core/ports/ledger.ts';
import { exitCodeOf } from '../exit-codes.ts';
import { problemIn, problemOf } from './event-lines.ts';

type Without<T> = T extends unknown ? Omit<T, 'time' | 'run_id'> : never;
type Line = Without<RunEventLine>;

/** Prints a run as events, one JSON object a line. */
export class RunEventLines {
  readonly #print: (line: RunEventLine) => void;
  readonly #command: string;
  readonly #started_ms = Date.now();
  readonly #finished = new Set<string>();
  #run_id: string | null = null;

  constructor(command: string, print: (line: RunEventLine) => void) {
    this.#command = command;
    this.#print = print;
  }

  tell(event: RunEvent): void {
    if (event.type === 'run_started') this.#run_id = event.run_id;
    if (event.type === 'step_finished') this.#finished.add(event.record.step);
    this.#line(lineOf(event, this.#command));
  }

  /** The last line. Of steps that the run did not tell of, since it had nothing to do, it is told first. */
  end(report: RunReport): void {
    for (const record of report.steps)
      if (!this.#finished.has(record.step)) this.tell({ type: 'step_finished', record });
    const { status, exit_code, steps, receipt, refused_files, wall_ms } = report;
    const count = (which: StepRecord['status']): number => steps.filter((one) => one.status === which).length;
    const unchanged = steps.filter((one) => one.status === 'succeeded' && one.resources === undefined).length;
    this.#line({
      event: 'run_finished',
      status: status === 'running' ? 'interrupted' : status,
      exit_code,
      release_id: report.release_id ?? null,
      published: count('succeeded') - unchanged,
      unchanged,
      up_to_date: count('up_to_date'),
      skipped: count('skipped'),
      failed: count('failed'),
      rows_in: receipt?.rows_in ?? null,
      rows_out: receipt?.rows_out ?? null,
      rows_quarantined: receipt?.rows_quarantined ?? null,
      refused_files,
      wall_ms,
      error: problemOf(report.error),
    });
  }

  /** The last line of a run that ended with an error of its own, or never began. @param stopped the exit status of the signal, if by one */
  fail(error: unknown, stopped: 130 | 143 | undefined): void {
    const none = { published: 0, unchanged: 0, up_to_date: 0, skipped: 0, failed: 0, refused_files: 0 };
    const unknown = { release_id: null, rows_in: null, rows_out: null, rows_quarantined: null };
    this.#line({
      event: 'run_finished',
      status: stopped === undefined ? 'failed' : 'interrupted',
      exit_code: stopped ?? exitCodeOf(error),
      ...none,
      ...unknown,
      wall_ms: Date.now() - this.#started_ms,
      error: problemIn(error),
    });
  }

  #line(line: Line): void {
    const { event, ...rest } = line;
    const head = { event, time: new Date().toISOString(), run_id: this.#run_id };
    this.#print({ ...head, ...rest } as RunEventLine);
  }
}

function lineOf(event: RunEvent, command: string): Line {
  switch (event.type) {
    case 'run_started':
      return { event: 'run_started', command, steps: [...event.steps] };
    case 'step_progress': {
      const { started_at, ...progress } = event.progress;
      return { event: 'step_progress', elapsed_ms: Date.now() - Date.parse(started_at), ...progress };
    }
    case 'step_finished':
      return finishedLine(event.record);
    default: {
      const { type, ...rest } = event;
      return { event: type, ...rest } as Line;
    }
  }
}

function finishedLine(record: StepRecord): Line {
  const { step, status, mode, reason, output_version, balance, resources, tests, error } = record;
  return {
    event: 'step_finished',
    step,
    status: status === 'running' ? 'failed' : status,
    mode: mode ?? null,
    reason,
    version: resources === undefined ? null : (output_version ?? null),
    rows_in: balance?.rows_in ?? null,
    rows_out: balance?.rows_out ?? null,
    quarantined: balance?.quarantined ?? null,
    deduplicated: balance?.deduplicated ?? null,
    filtered: balance?.filtered ?? null,
    bytes_read: resources?.bytes_read ?? null,
    bytes_written: resources?.bytes_written ?? null,
    wall_ms: resources?.wall_ms ?? null,
    tests: tests.map(({ test, severity, passed, failures, message }) => ({
      test,
      severity,
      passed,
      failures,
      message,
    })),
    error: problemOf(error),
  };
}
