import { type UndoReport, undo as undoRuns } from '../../app/releases/undo.ts';
import { destinationName } from '../../core/model/destination.ts';
import type { Invocation } from '../command-spec.ts';
import type { Printer } from '../printer.ts';
import { loadProjectFor } from '../shared/open.ts';

export async function undo(invocation: Invocation): Promise<number> {
  const { rooms, printer, options, args, signal } = invocation;
  const { project } = await loadProjectFor(invocation);
  const [target] = args;
  const tables = options['tables'];
  const report = await undoRuns(rooms, project, {
    dry_run: options['dryRun'] === true,
    command: invocation.command_line,
    signal,
    notice: (line) => printer.note(line),
    ...(target === undefined ? {} : { target }),
    ...(Array.isArray(tables) ? { tables: tables.map(String) } : {}),
  });
  print(printer, report);
  return 0;
}

function print(printer: Printer, report: UndoReport): void {
  if (report.tables.length === 0) {
    printer.report({ document: report, sections: [] });
    printer.text(
      !/^(before|of) /.test(report.aim)
        ? `nothing to undo: ${report.aim}`
        : `nothing to undo: every table is as it was ${asOf(report.aim)}`,
    );
    return;
  }
  const rows = report.tables.map((table) => ({ ...table, change: table.rows - table.rows_before }));
  printer.report({
    document: report,
    sections: [
      {
        columns: [
          { name: 'table' },
          { name: 'version_before', title: 'version' },
          {
            name: 'restored_version',
            title: 'back to',
            align: 'right',
            format: (value) => (Number(value) < 0 ? 'empty' : String(value)),
          },
          ...(report.dry_run ? [] : [{ name: 'version', title: 'as' }]),
          { name: 'rows_before', title: report.dry_run ? 'rows now' : 'rows' },
          { name: 'rows', title: report.dry_run ? 'rows then' : 'rows now' },
          { name: 'change', align: 'right' as const, format: signed },
        ],
        rows,
      },
    ],
  });
  printer.text('');
  for (const line of summary(report)) printer.text(line);
}

function signed(value: unknown): string {
  return Number(value) > 0 ? `+${String(value)}` : String(value);
}

function summary(report: UndoReport): readonly string[] {
  const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
  const [first = ''] = report.undone_runs;
  const runs = report.undone_runs.length === 1 ? `run ${first}` : `${report.undone_runs.length} runs, from ${first} on`;
  const lines = [
    `${report.dry_run ? 'would undo' : 'undone:'} ${runs}`,
    `  ${count(report.tables.length, 'table')} as ${asOf(report.aim)}`,
  ];
  if (report.inputs_undone > 0)
    lines.push(`  ${count(report.inputs_undone, 'file')} not loaded any more; to load again: dataflow run --redo`);
  if (report.inputs_back > 0) lines.push(`  ${count(report.inputs_back, 'file')} known as loaded again`);
  lines.push(...destinationLines(report.destinations, report.dry_run ? 'would differ' : 'differs now'));
  const kinds = new Set(report.destinations.map(({ kind }) => kind));
  if (kinds.has('stream')) lines.push('  next: dataflow stream publish, for each that shall follow');
  if (kinds.has('load')) lines.push('  next: dataflow load, for what was loaded to follow');
  if (kinds.has('mirror')) lines.push('  next: dataflow sync, for mirrors to follow');
  if (report.dry_run) lines.push('  nothing was changed');
  if (report.run_id !== null) {
    lines.push(`  release ${report.release_id ?? 'none: some table lags behind'}`);
    lines.push(`  to take this back: dataflow undo ${report.run_id}`);
  }
  return lines;
}

/** One line for each that tables went to. */
function destinationLines(destinations: UndoReport['destinations'], differs: string): readonly string[] {
  const groups = new Map<string, UndoReport['destinations'][number][]>();
  for (const one of destinations) {
    const name = `${one.kind} ${one.name}`;
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  return [...groups].map(([name, its]) => {
    const [only] = its;
    if (only === undefined || its.length > 1) return `  ${name} ${differs}: ${its.length} tables of it are out`;
    return `  ${destinationName(only)} ${differs}: version ${only.version} of ${only.table} is out`;
  });
}

function asOf(aim: string): string {
  return aim.startsWith('of ') ? `in ${aim.slice('of '.length)}` : aim;
}
