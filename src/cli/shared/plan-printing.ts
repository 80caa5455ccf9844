import type { PlannedStep } from '../../app/run/plan-run.ts';
import { driftText } from '../../core/model/drift.ts';
import { standingsToTell } from '../../core/planning/parity-standing.ts';
import { sizeText } from '../../kit/units.ts';
import type { Printer } from '../printer.ts';
import type { PrintColumn } from '../table.ts';
import { EMPTY_SELECTION } from './run-printing.ts';
import { printWrapped } from './wrapped.ts';

/** Prints a plan: what would run and why; up-to-date steps only when `all` is set or nothing else is there. */
export function printPlan(printer: Printer, steps: readonly PlannedStep[], all: boolean, has_tables = true): void {
  const idle = steps.filter((step) => step.action === 'skip');
  const shown =
    all || idle.length === steps.length || printer.format !== 'table'
      ? steps
      : steps.filter((step) => step.action !== 'skip');
  if (steps.length === 0 && printer.format === 'table') {
    printer.text(has_tables ? EMPTY_SELECTION : 'the project has no table yet: dataflow init');
    return;
  }
  // Where nothing is to be computed, the words have the room of the estimates.
  const columns = printer.format === 'table' && idle.length === steps.length ? COLUMNS.filter(isNoEstimate) : COLUMNS;
  printer.report({ document: steps, sections: [{ columns, rows: shown.map((step) => ({ ...step })) }] });
  for (const step of steps)
    for (const event of step.drift ?? []) printWrapped(printer, `  ${step.step}: ${event.what}: ${driftText(event)}`);
  for (const line of standingsToTell(steps.flatMap(({ parity = [] }) => parity))) printer.warn(line);
  printer.text('');
  printWrapped(printer, summary(steps, idle.length - (shown.length === steps.length ? idle.length : 0)));
}

const ACTIONS: Readonly<Record<string, string>> = { run: 'run', depends: 'maybe', skip: 'fresh', wait: 'wait' };

const COLUMNS: readonly PrintColumn[] = [
  { name: 'step' },
  { name: 'action', format: (value: unknown) => ACTIONS[String(value)] ?? String(value) },
  { name: 'rows', title: '~rows' },
  { name: 'bytes', title: '~size', align: 'right', format: size },
  { name: 'reason', wrap: () => true },
];

function isNoEstimate({ name }: PrintColumn): boolean {
  return name !== 'rows' && name !== 'bytes';
}

function size(value: unknown): string {
  return typeof value === 'number' && Number.isFinite(value) ? sizeText(value) : '';
}

function summary(steps: readonly PlannedStep[], hidden: number): string {
  const count = (action: PlannedStep['action']): number => steps.filter((step) => step.action === action).length;
  const parts = [`${count('run')} to run`, `${count('depends')} if inputs change`, `${count('skip')} up to date`];
  if (count('wait') > 0) parts.push(`${count('wait')} waiting for data`);
  const more = hidden > 0 ? ' (see --all)' : '';
  return `${parts.join(', ')}${more}; nothing was changed`;
}
