import { planPipeline } from '../../app/plan-pipeline.ts';
import type { PlannedStep } from '../../app/plan-run.ts';
import { runPipeline } from '../../app/run-pipeline.ts';
import { shownBytes } from '../../core/planning/engine-limits.ts';
import type { Selection } from '../../core/planning/selection.ts';
import type { Invocation } from '../command-spec.ts';
import { loadProjectFor } from '../shared/open.ts';
import { printRun, tellTo } from '../shared/run-printing.ts';
import { runFlagsFrom, selectionFrom } from '../shared/selection-flags.ts';

export async function run(invocation: Invocation): Promise<number> {
  return runSelection(invocation, selectionFrom(invocation.options, invocation.args[0]));
}

export async function ingest(invocation: Invocation): Promise<number> {
  const select = invocation.args.map((name) => `source:${name.replace(/^bronze\./, '')}`);
  return runSelection(invocation, { select, exclude: [], layer: 'bronze' });
}

async function runSelection(invocation: Invocation, selection: Selection): Promise<number> {
  const { rooms, options, printer } = invocation;
  if (options['dryRun'] === true) return planSelection(invocation, selection);
  const { project } = await loadProjectFor(invocation);
  const report = await runPipeline(rooms, project, {
    selection,
    ...runFlagsFrom(options),
    command: invocation.command_line,
    signal: invocation.signal,
    tell: tellTo(printer),
  });
  printRun(printer, report);
  return report.exit_code;
}

export async function plan(invocation: Invocation): Promise<number> {
  return planSelection(invocation, selectionFrom(invocation.options, invocation.args[0]));
}

async function planSelection(invocation: Invocation, selection: Selection): Promise<number> {
  const { rooms, options, printer, signal } = invocation;
  const { project } = await loadProjectFor(invocation);
  const steps = await planPipeline(rooms, project, {
    selection,
    ...runFlagsFrom(options),
    signal,
  });
  const idle = steps.filter((step) => step.action === 'skip');
  const shown =
    options['all'] === true || idle.length === steps.length || printer.format !== 'table'
      ? steps
      : steps.filter((step) => step.action !== 'skip');
  printer.report({ document: steps, sections: [{ columns: COLUMNS, rows: shown.map((step) => ({ ...step })) }] });
  printer.text('');
  printer.text(summary(steps, idle.length - (shown.length === steps.length ? idle.length : 0)));
  return 0;
}

const ACTIONS: Readonly<Record<string, string>> = { run: 'run', depends: 'maybe', skip: 'fresh', wait: 'wait' };

const COLUMNS = [
  { name: 'step' },
  { name: 'action', format: (value: unknown) => ACTIONS[String(value)] ?? String(value) },
  { name: 'rows', title: '~rows' },
  { name: 'bytes', title: '~size', align: 'right' as const, format: size },
  { name: 'reason' },
];

function size(value: unknown): string {
  return typeof value === 'number' && Number.isFinite(value) ? shownBytes(value) : '';
}

function summary(steps: readonly PlannedStep[], hidden: number): string {
  const count = (action: PlannedStep['action']): number => steps.filter((step) => step.action === action).length;
  const parts = [`${count('run')} to run`, `${count('depends')} if their inputs change`, `${count('skip')} up to date`];
  if (count('wait') > 0) parts.push(`${count('wait')} waiting for data`);
  const more = hidden > 0 ? ' (--all lists them)' : '';
  return `${parts.join(', ')}${more}; nothing was changed`;
}
