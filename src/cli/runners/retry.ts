import { planPipeline } from '../../app/run/plan-pipeline.ts';
import { findLeftover, type Leftover } from '../../app/run/retry-run.ts';
import type { RunReport } from '../../app/run/run-events.ts';
import { runPipeline } from '../../app/run/run-pipeline.ts';
import type { Invocation } from '../command-spec.ts';
import { metricsFileFrom } from '../shared/metrics-file.ts';
import { loadProjectFor } from '../shared/open.ts';
import { printPlan } from '../shared/plan-printing.ts';
import { printRun } from '../shared/run-printing.ts';
import { tellingRun } from '../shared/run-watching.ts';
import { printWrapped } from '../shared/wrapped.ts';
import { planWindowsOf, runBackfill } from './backfill.ts';

/** Exit 0 when there is nothing to retry; else that of the run. */
export async function retry(invocation: Invocation): Promise<number> {
  const { rooms, printer, args, options, signal } = invocation;
  const { project } = await loadProjectFor(invocation);
  const left = await findLeftover(rooms, project, args[0]);
  if (left.steps.length === 0) {
    const run_id = left.run?.run_id ?? null;
    printer.report({ document: { status: 'nothing_to_retry', run_id, steps: [] }, sections: [] });
    if (printer.format === 'ndjson') await tellingRun(invocation, async () => NOTHING_DONE);
    printWrapped(printer, nothing(left));
    return 0;
  }
  const request = left.run?.options?.backfill;
  if (request !== undefined) {
    if (options['dryRun'] === true) return planWindowsOf(invocation, project, request);
    printer.note(`going on with the backfill of run ${left.run?.run_id}`);
    return runBackfill(invocation, project, request, left.run?.run_id);
  }
  if (options['dryRun'] === true) {
    printPlan(printer, await planPipeline(rooms, project, { ...left.options, signal }), true);
    return 0;
  }
  printer.note(`retrying run ${left.run?.run_id}: ${left.steps.join(', ')}`);
  const report = await tellingRun(invocation, (tell) =>
    runPipeline(rooms, project, {
      ...left.options,
      ...metricsFileFrom(invocation),
      command: invocation.command_line,
      signal,
      tell,
    }),
  );
  printRun(printer, report);
  return report.exit_code;
}

/** The last event of a retry that has nothing to do. */
const NOTHING_DONE: RunReport = {
  run_id: undefined,
  status: 'nothing_to_do',
  steps: [],
  release_id: undefined,
  wall_ms: 0,
  refused_files: 0,
  refused_again: 0,
  exit_code: 0,
};

function nothing({ run }: Leftover): string {
  if (run === undefined) return 'nothing to retry: there was no run yet';
  return `nothing to retry: every step of run ${run.run_id} succeeded or was up to date`;
}
