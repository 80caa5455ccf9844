import { planPipeline } from '../../app/run/plan-pipeline.ts';
import { runPipeline } from '../../app/run/run-pipeline.ts';
import type { Selection } from '../../core/planning/selection.ts';
import type { Invocation } from '../command-spec.ts';
import { metricsFileFrom } from '../shared/metrics-file.ts';
import { loadProjectFor } from '../shared/open.ts';
import { printPlan } from '../shared/plan-printing.ts';
import { printRun } from '../shared/run-printing.ts';
import { tellingRun } from '../shared/run-watching.ts';
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
  const report = await tellingRun(invocation, (tell) =>
    runPipeline(rooms, project, {
      selection,
      ...runFlagsFrom(options),
      ...metricsFileFrom(invocation),
      command: invocation.command_line,
      signal: invocation.signal,
      tell,
      ...(options['untilCaughtUp'] === true ? { batches_max: Number.POSITIVE_INFINITY } : {}),
    }),
  );
  printRun(printer, report, Object.keys(project.sources).length > 0);
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
  printPlan(printer, steps, options['all'] === true, Object.keys(project.sources).length > 0);
  return 0;
}
