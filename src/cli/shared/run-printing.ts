import { wasRefreshed } from '../../app/explain/show-status.ts';
import type { RunEvent, RunReport } from '../../app/run/run-events.ts';
import type { StepError, StepRecord } from '../../core/ports/ledger.ts';
import type { Printer, Section } from '../printer.ts';
import { printReceipt } from './receipt-printing.ts';
import { countText } from './sizes.ts';
import { printWrapped } from './wrapped.ts';

/** Tells on stderr what a run is doing, one line per step. */
export function tellTo(printer: Printer): (event: RunEvent) => void {
  return (event) => {
    if (event.type === 'run_started') printer.run_id = event.run_id;
    if (printer.logs && logged(printer, event)) return;
    if (event.type === 'notice') printer.note(event.message);
    else if (event.type === 'warning') printer.warn(event.message);
    else if (event.type === 'estimate') printer.detail(`${event.step}: ${event.message}`);
    else if (event.type === 'step_repeated')
      printer.warn(`${event.step}: ${event.reason}; it is done again ${event.plan}`);
    else if (event.type === 'step_started') printer.detail(`${event.step}: ${event.reason} (${event.mode})`);
    else if (event.type === 'step_finished') tellStep(printer, event.record);
  };
}

/** What a log for programs says in fields. @returns whether the event was told */
function logged(printer: Printer, event: RunEvent): boolean {
  if (event.type === 'run_started') {
    printer.entry('info', 'run started', { event: event.type, steps: event.steps.length });
  } else if (event.type === 'step_started') {
    const { step, mode, reason } = event;
    printer.entry('debug', `${step}: ${reason}`, { event: event.type, step, mode });
  } else if (event.type === 'step_finished' && event.record.status !== 'failed') {
    const { step, status, reason, balance, resources, output_version } = event.record;
    printer.entry(status === 'succeeded' ? 'info' : 'debug', `${step}: ${reason}`, {
      event: event.type,
      step,
      status,
      version: output_version ?? null,
      ...balance,
      wall_ms: resources?.wall_ms ?? null,
    });
    for (const { test, passed, message } of event.record.tests)
      if (!passed) printer.entry('warn', `${step}: ${test}: ${message}`, { step, test });
  } else return false;
  return true;
}

function tellStep(printer: Printer, record: StepRecord): void {
  if (record.status === 'succeeded') {
    const found = record.step.startsWith('bronze.') ? `, ${record.reason}` : '';
    const version = `version ${record.output_version ?? '?'}, ${record.resources?.wall_ms ?? 0} ms`;
    printer.detail(`${record.step}: ${version}${found}`);
    for (const test of record.tests) if (!test.passed) printer.warn(`${record.step}: ${test.test}: ${test.message}`);
  }
  if (record.status === 'failed' && record.error !== undefined) {
    tellError(printer, record.error, record.error.message.startsWith(record.step) ? '' : `${record.step}: `);
  }
}

function tellError(printer: Printer, { code, message, kept, hint }: StepError, where: string): void {
  if (printer.logs) {
    printer.entry('error', `${where}${message}`, { code, kept: kept ?? null, next: hint ?? null });
    return;
  }
  printer.error(`error[${code}] ${where}${message}`);
  if (kept !== undefined) printer.error(`  kept: ${kept}`);
  if (hint !== undefined) printer.error(`  next: ${hint}`);
}

const MARKS: Readonly<Record<string, string>> = {
  succeeded: 'ok',
  failed: 'FAILED',
  skipped: 'skipped',
  up_to_date: 'fresh',
  running: 'running',
};

/** The table of steps with their row balances: what a run prints at its end. */
export function stepsSection(steps: readonly StepRecord[]): Section {
  return {
    columns: [
      { name: 'step' },
      { name: 'status' },
      { name: 'mode', format: (value: unknown) => (value === 'incremental' ? 'part' : String(value ?? '')) },
      { name: 'rows_in', title: 'in' },
      { name: 'rows_out', title: 'out' },
      { name: 'quarantined', title: 'quar.' },
      { name: 'deduplicated', title: 'dup.' },
      ...(steps.some((step) => (step.balance?.filtered ?? 0) > 0) ? [{ name: 'filtered' }] : []),
      { name: 'wall_ms', title: 'ms' },
    ],
    rows: steps.map((step) => ({
      step: step.step,
      status: MARKS[step.status] ?? step.status,
      mode: step.status === 'succeeded' ? (step.mode ?? '') : '',
      rows_in: step.balance?.rows_in ?? null,
      rows_out: step.balance?.rows_out ?? null,
      quarantined: step.balance?.quarantined ?? null,
      deduplicated: step.balance?.deduplicated ?? null,
      filtered: step.balance?.filtered ?? null,
      wall_ms: step.resources?.wall_ms ?? null,
    })),
    ...(steps.some(wasRefreshed) ? { footer: [REFRESHED] } : {}),
  };
}

const REFRESHED = 'part: a row in place of an older one counts as dup.; out is net growth';

/**
 * Prints the outcome of a run: steps with balances, then one line that sums it up.
 * @param has_tables whether the project has any: a selection of none is then said to be empty
 */
export function printRun(printer: Printer, report: RunReport, has_tables = true): void {
  // The events have told it.
  if (printer.format === 'ndjson') return;
  if (report.status === 'nothing_to_do') {
    const document = { ...report, run_id: null, release_id: null, receipt: null };
    printer.report({ document, sections: printer.format === 'table' ? [] : [recordsSection(report.steps)] });
    if (!printer.quiet) printIdle(printer, report, has_tables);
    return;
  }
  const section = printer.format === 'table' ? stepsSection(report.steps) : recordsSection(report.steps);
  printer.report({ document: report, sections: [section] });
  if (report.error !== undefined) tellError(printer, report.error, '');
  if (printer.quiet) return;
  printSummary(printer, report);
  if (report.receipt !== undefined) printReceipt(printer, report.receipt);
}

function printIdle(printer: Printer, report: RunReport, has_tables: boolean): void {
  const told = (step: StepRecord): boolean => NAMED.some((words) => step.reason.includes(words));
  const skipped = report.steps.filter((step) => step.status === 'skipped');
  const waiting = skipped.filter((step) => !told(step));
  if (report.steps.length === 0) {
    printer.text(`nothing to do: ${has_tables ? EMPTY_SELECTION : 'the project has no table yet (dataflow init)'}`);
    return;
  }
  printer.text(
    skipped.length === 0 ? 'nothing to do: every table is up to date' : 'nothing to do: there is no data yet',
  );
  for (const step of report.steps) if (told(step)) printWrapped(printer, `  ${step.step}: ${step.reason}`);
  if (waiting.length > 0)
    printer.text(`  ${waiting.length === 1 ? '1 table waits' : `${waiting.length} tables wait`} for data`);
  printer.text(`  ${printer.style.dim('why: dataflow plan --all')}`);
}

/** Reasons with these words are told of a run that has nothing to do. */
const NAMED = ['no input found', 'nothing to load yet', '--redo'];

/** What is said when a project has tables, but the selection names none of them. */
export const EMPTY_SELECTION = 'the selection is empty: no table meets all of its parts';

const WORDS = [
  ['up_to_date', 'up to date'],
  ['failed', 'failed'],
  ['skipped', 'skipped'],
] as const;

function printSummary(printer: Printer, report: RunReport): void {
  const count = (status: string): number => report.steps.filter((step) => step.status === status).length;
  const unchanged = report.steps.filter(publishedNothing).length;
  const parts = [`${count('succeeded') - unchanged} published`];
  if (unchanged > 0) parts.push(`${unchanged} unchanged`);
  for (const [status, word] of WORDS) if (count(status) > 0) parts.push(`${count(status)} ${word}`);
  const seconds = (report.wall_ms / 1000).toFixed(report.wall_ms < 10_000 ? 2 : 1);
  printer.text('');
  printWrapped(printer, `run ${report.run_id ?? ''}: ${parts.join(', ')} in ${seconds} s`);
  for (const step of report.steps.filter((one) => one.status === 'skipped'))
    printWrapped(printer, `  ${step.step}: ${step.reason}`);
  const put_aside =
    report.steps.reduce((sum, step) => sum + (step.balance?.quarantined ?? 0), 0) - report.refused_again;
  if (put_aside > 0) {
    printer.text(
      `  ${put_aside} ${put_aside === 1 ? 'row was' : 'rows were'} put into quarantine: dataflow quarantine`,
    );
  }
  if (report.refused_again > 0)
    printer.text(`  ${countText(report.refused_again, 'row')} refused again, as before: dataflow quarantine`);
  if (report.refused_files > 0) {
    const files = report.refused_files === 1 ? 'file was' : 'files were';
    printer.text(`  ${report.refused_files} ${files} refused as a whole: dataflow quarantine`);
  }
  const failed = report.steps.find((step) => step.status === 'failed');
  if (failed !== undefined) printer.text(`  next: dataflow why ${failed.step}; when it is mended: dataflow retry`);
}

/** A step that did its work and found no row of its table affected, or only held it against its tests: there is no new version. */
function publishedNothing({ status, resources }: StepRecord): boolean {
  return status === 'succeeded' && resources === undefined;
}

/** The same with the reasons: for programs, and in one shape whatever there was to do. */
function recordsSection(steps: readonly StepRecord[]): Section {
  const { columns, rows } = stepsSection(steps);
  const more = columns.some((column) => typeof column !== 'string' && column.name === 'filtered') ? [] : ['filtered'];
  return {
    columns: [...columns, ...more, 'reason'],
    rows: rows.map((row, i) => ({ ...row, reason: steps[i]?.reason ?? null })),
  };
}
