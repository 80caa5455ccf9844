import { type BackfillReport, backfillTable } from '../../app/run/backfill-table.ts';
import { planBackfill } from '../../app/run/plan-backfill.ts';
import type { BackfillRequest } from '../../core/model/backfill.ts';
import type { Project } from '../../core/model/project.ts';
import type { Invocation } from '../command-spec.ts';
import { metricsFileFrom } from '../shared/metrics-file.ts';
import { loadProjectFor } from '../shared/open.ts';
import { tellingRun } from '../shared/run-watching.ts';
import { countText } from '../shared/sizes.ts';
import { printWrapped } from '../shared/wrapped.ts';

export async function backfill(invocation: Invocation): Promise<number> {
  const { args, options } = invocation;
  const { project } = await loadProjectFor(invocation);
  const request: BackfillRequest = {
    table: args[0] ?? '',
    from: String(options['from']),
    to: String(options['to']),
    window: String(options['window']),
    ...(typeof options['by'] === 'string' ? { by: options['by'] } : {}),
  };
  return options['dryRun'] === true
    ? planWindowsOf(invocation, project, request)
    : runBackfill(invocation, project, request);
}

/** Also the way in which `retry` goes on with a backfill that failed. */
export async function runBackfill(
  invocation: Invocation,
  project: Project,
  request: BackfillRequest,
  retry_of?: string,
): Promise<number> {
  const { rooms, printer, signal } = invocation;
  const report = await tellingRun(invocation, (tell) =>
    backfillTable(rooms, project, request, {
      ...metricsFileFrom(invocation),
      command: invocation.command_line,
      signal,
      tell,
      ...(retry_of === undefined ? {} : { retry_of }),
    }),
  );
  // The events have told it.
  if (printer.format === 'ndjson') return report.exit_code;
  printer.report({
    document: report,
    sections: [
      {
        columns: [
          { name: 'from' },
          { name: 'to' },
          { name: 'status' },
          { name: 'version', title: 'v' },
          { name: 'rows_change', title: 'rows +/-' },
          { name: 'wall_ms', title: 'ms' },
        ],
        rows: report.windows_done.map(({ from, to, record }) => ({
          from,
          to,
          status: record.status === 'succeeded' ? 'ok' : 'FAILED',
          version: record.output_version ?? null,
          rows_change: record.balance?.rows_out ?? null,
          wall_ms: record.resources?.wall_ms ?? null,
        })),
      },
    ],
  });
  printer.text('');
  for (const line of summary(report)) printer.text(line);
  return report.exit_code;
}

function summary(report: BackfillReport): readonly string[] {
  const done = report.windows_done.filter(({ record }) => record.status === 'succeeded').length;
  const before = report.resumed > 0 ? `, ${report.resumed} before` : '';
  const seconds = (report.wall_ms / 1000).toFixed(2);
  const first = `backfill of ${report.step}: ${done} of ${countText(report.windows, 'window')} published${before} in ${seconds} s`;
  if (done + report.resumed < report.windows) return [first, '  go on with: dataflow retry'];
  const last = report.windows_done.at(-1)?.record;
  const partly = last !== undefined && last.code_fingerprint === undefined;
  return partly
    ? [first, '  rows outside the range are of an older definition:', '  the next run computes the table whole']
    : [first, `  tables that read it: dataflow run --from ${report.step}`];
}

export async function planWindowsOf(
  invocation: Invocation,
  project: Project,
  request: BackfillRequest,
): Promise<number> {
  const { rooms, printer, signal } = invocation;
  const plan = await planBackfill(rooms, project, request, signal);
  const left = plan.windows.filter((window) => !window.published);
  printer.report({
    document: plan,
    sections: [
      {
        columns: [{ name: 'from' }, { name: 'to' }, { name: 'rows_now', title: '~rows' }],
        rows: left.map((window) => ({ ...window })),
      },
    ],
  });
  printer.text('');
  const rows = left.reduce((sum, window) => sum + (window.rows_now ?? 0), 0);
  const counted = plan.version === null ? 'it has no version yet' : `about ${rows} rows of version ${plan.version}`;
  printWrapped(printer, `${countText(left.length, 'window')} of ${plan.step} by ${plan.column}, ${counted}`);
  const before = plan.windows.length - left.length;
  if (before > 0)
    printWrapped(printer, `a backfill that was stopped published ${before} of ${plan.windows.length} windows before`);
  printer.text('nothing was changed');
  return 0;
}
