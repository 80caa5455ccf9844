import { checkMirror } from '../../app/mirror/check-mirror.ts';
import { mirrorStatus } from '../../app/mirror/mirror-status.ts';
import { mirrorNames } from '../../app/mirror/opened-mirror.ts';
import { syncNamed } from '../../app/mirror/sync-named.ts';
import type { SyncReport } from '../../app/mirror/sync-report.ts';
import { DataflowError, DataflowErrors } from '../../core/errors/dataflow-error.ts';
import { sizeText } from '../../kit/units.ts';
import type { Invocation } from '../command-spec.ts';
import type { Printer } from '../printer.ts';
import { startTransfer } from '../progress.ts';
import { loadProjectFor } from '../shared/open.ts';
import { countText, secondsText } from '../shared/sizes.ts';
import type { SyncEventLines } from '../shared/sync-event-lines.ts';

export async function sync(invocation: Invocation): Promise<number> {
  if (invocation.verb === 'sync check') return check(invocation);
  if (invocation.verb === 'sync status') return status(invocation);
  const { printer, command_line, signal } = invocation;
  if (printer.format !== 'ndjson') return await synced(invocation);
  const [{ SyncEventLines }, { toldToTheEnd }] = await Promise.all([
    import('../shared/sync-event-lines.ts'),
    import('../shared/event-lines.ts'),
  ]);
  const lines = new SyncEventLines(command_line, (line) => printer.event(line));
  return await toldToTheEnd(
    signal,
    () => synced(invocation, lines),
    (how) => lines.end(how),
  );
}

async function synced(invocation: Invocation, lines?: SyncEventLines): Promise<number> {
  const { reports, failed } = await syncAll(invocation, lines);
  if (reports.length > 0 && lines === undefined) printReports(invocation, reports);
  for (const { mirror, release_id, up_to_date, files_put, bytes_put, files_removed, left, wall_ms } of reports)
    invocation.printer.entry('info', `${mirror}: ${up_to_date ? 'up to date' : `${files_put} files put`}`, {
      ...{ event: 'sync_finished', mirror, release_id, files_put, bytes_put, files_removed },
      ...{ left: left.length, wall_ms },
    });
  tellLeft(invocation.printer, reports);
  const [first, ...others] = failed;
  if (first !== undefined) throw others.length === 0 ? first : new DataflowErrors(failed);
  return reports.some((report) => report.left.length > 0) ? 4 : 0;
}

interface Synced {
  readonly reports: readonly SyncReport[];
  readonly failed: readonly DataflowError[];
}

/** A mirror that fails does not keep the others from being synced. */
async function syncAll(invocation: Invocation, lines: SyncEventLines | undefined): Promise<Synced> {
  const { rooms, printer, options, args, signal, env } = invocation;
  const { project } = await loadProjectFor(invocation);
  const max_delete_pct = percentFrom(options['maxDelete']);
  const reports: SyncReport[] = [];
  const failed: DataflowError[] = [];
  for (const name of mirrorNames(project, args)) {
    const bar = lines === undefined ? await startTransfer(printer, name, env) : undefined;
    const dry_run = options['dryRun'] === true;
    lines?.begun(name, dry_run);
    const report: SyncReport | undefined = await syncNamed(rooms, project, {
      name,
      force: options['force'] === true,
      ...(options['delete'] === true ? { remove: true } : {}),
      ...(max_delete_pct === undefined ? {} : { max_delete_pct }),
      dry_run,
      command: invocation.command_line,
      signal,
      note: (text) => {
        printer.note(text);
        lines?.note(text);
      },
      progress: (progress) => {
        lines?.progress(progress);
        bar?.update(progress);
      },
    })
      .catch((error: unknown) => {
        lines?.failed(name, error);
        if (!(error instanceof DataflowError) || signal.aborted) throw error;
        failed.push(error);
        return undefined;
      })
      .finally(() => bar?.stop());
    if (report === undefined) continue;
    lines?.ended(report);
    reports.push(report);
  }
  return { reports, failed };
}

function printReports({ printer, options }: Invocation, reports: readonly SyncReport[]): void {
  const dry = options['dryRun'] === true;
  const rows = reports.flatMap((report) => report.lines.map((line) => ({ mirror: report.mirror, ...line })));
  printer.report({
    document: reports,
    sections: dry
      ? rows.length === 0 && printer.format === 'table'
        ? []
        : [{ columns: LINE_COLUMNS, rows: rows.map((row) => ({ ...row })) }]
      : [{ columns: SYNC_COLUMNS, rows: reports.map((report) => ({ ...report, state: stateOf(report) })) }],
  });
  if (!dry || rows.length > 0) printer.text('');
  for (const report of reports) for (const line of words(report)) printer.text(line);
}

function tellLeft(printer: Printer, reports: readonly SyncReport[]): void {
  for (const report of reports)
    for (const { table, path, why } of report.left)
      printer.warn(`${report.mirror}: ${table} was left as it is there: ${path === '' ? '' : `${path}: `}${why}`);
  for (const { mirror, left } of reports) {
    if (left.some(({ code }) => code === 'E_FAR_CHANGED'))
      printer.note(
        `next: dataflow sync check ${mirror}; then \`dataflow sync ${mirror} --force\` to replace what others wrote, or another path: for the mirror, to keep it`,
      );
    if (left.some(({ code }) => code === 'E_FAR_SOURCE_DAMAGED'))
      printer.note(`next: dataflow verify; what was mirrored before comes back by \`dataflow restore ${mirror}\``);
  }
}

const LINE_COLUMNS = [
  { name: 'mark', title: '' },
  { name: 'path' },
  { name: 'size_bytes', title: 'size', align: 'right' as const, format: (value: unknown) => sizeText(Number(value)) },
  { name: 'why' },
];

const count = (value: unknown): string => (Number(value) === 0 ? '' : String(value));
const SYNC_COLUMNS = [
  { name: 'mirror' },
  { name: 'state' },
  { name: 'tables', align: 'right' as const },
  { name: 'files_equal', title: 'equal', align: 'right' as const, format: count },
  { name: 'files_put', title: 'put', align: 'right' as const, format: count },
  {
    name: 'bytes_put',
    title: 'bytes',
    align: 'right' as const,
    format: (value: unknown) => (Number(value) === 0 ? '' : sizeText(Number(value))),
  },
  { name: 'files_removed', title: 'removed', align: 'right' as const, format: count },
  { name: 'files_there', title: 'there', align: 'right' as const },
];

function stateOf(report: SyncReport): string {
  if (report.left.length > 0) return 'PARTLY';
  return report.up_to_date ? 'up to date' : 'synced';
}

/** Places are as long as they are: each has a line to itself. */
function words(report: SyncReport): readonly string[] {
  const { mirror, place, files_put, bytes_put, files_removed, files_equal, bytes_resumed } = report;
  const at = `${mirror} at ${place}`;
  const left =
    report.files_left === 0
      ? []
      : [`  ${countText(report.files_left, 'file')} only there: dataflow sync check ${mirror}`];
  if (report.up_to_date) {
    const asked = Object.values(report.requests).reduce((sum, n) => sum + n, 0);
    return [
      at,
      `  nothing to do: release ${report.release_id} is there (${countText(asked, 'request')})`,
      `  ${countText(files_equal, 'file')} as they were put`,
      ...left,
    ];
  }
  if (report.dry_run)
    return [
      `${mirror}: would put ${countText(files_put, 'file')} (${sizeText(bytes_put)}) and remove ${files_removed}; ${files_equal} equal`,
      ...left,
      'nothing was changed (--dry-run)',
    ];
  const rate = sizeText((bytes_put / Math.max(1, report.wall_ms)) * 1000);
  const resumed = bytes_resumed === 0 ? '' : `, ${sizeText(bytes_resumed)} of it there from an earlier attempt`;
  return [
    at,
    `  ${countText(report.files_there, 'file')} there (${sizeText(report.bytes_there)}), read back after the last write`,
    ...(files_put === 0
      ? []
      : [`  ${sizeText(bytes_put)} put in ${secondsText(report.wall_ms)} (${rate}/s)${resumed}`]),
    ...left,
  ];
}

async function check(invocation: Invocation): Promise<number> {
  const { rooms, printer, options, args, signal } = invocation;
  const { project } = await loadProjectFor(invocation);
  const report = await checkMirror(rooms, project, {
    name: args[0] ?? '',
    tell_same: options['all'] === true,
    deep: false,
    signal,
    note: (text) => printer.note(text),
  });
  const rows = report.lines.map((line) => ({ ...line }));
  printer.report({
    document: report,
    sections: rows.length === 0 && printer.format === 'table' ? [] : [{ columns: LINE_COLUMNS, rows }],
  });
  if (rows.length > 0) printer.text('');
  const { '=': equal = 0, '+': missing = 0, '*': renew = 0, '-': only = 0, '!': others = 0 } = report.counts;
  printer.text(
    `= ${equal} equal  + ${missing} missing there  * ${renew} to be renewed  - ${only} only there  ! ${others} by others`,
  );
  printer.text(`${report.place} holds ${countText(report.files_there, 'file')} (${sizeText(report.bytes_there)})`);
  return missing + renew + others > 0 ? 1 : 0;
}

async function status(invocation: Invocation): Promise<number> {
  const { rooms, printer, args } = invocation;
  const { project } = await loadProjectFor(invocation);
  const lines = await mirrorStatus(rooms, project, args);
  printer.report({
    document: lines,
    sections: [
      {
        columns: [
          { name: 'mirror' },
          { name: 'state' },
          { name: 'release_id', title: 'release', give_way: true },
          { name: 'releases_behind', title: 'behind', align: 'right' },
          { name: 'files', align: 'right' },
          {
            name: 'size_bytes',
            title: 'size',
            align: 'right',
            format: (v) => (v === null ? '' : sizeText(Number(v))),
          },
          { name: 'synced_at', title: 'synced' },
        ],
        rows: lines.map((line) => ({ ...line })),
      },
    ],
  });
  return 0;
}

function percentFrom(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const percent = Number(String(value).replace(/%$/, ''));
  if (Number.isFinite(percent) && percent >= 0 && percent <= 100) return percent;
  throw new DataflowError('E_USAGE', `--max-delete wants a percentage from 0 to 100, not "${String(value)}"`);
}
