import { join, relative, resolve } from 'node:path';
import { type ExportReport, exportData } from '../../app/export/export-data.ts';
import { EXPORT_FORMATS } from '../../app/export/formats.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { sizeText } from '../../kit/units.ts';
import type { Invocation } from '../command-spec.ts';
import type { Printer } from '../printer.ts';
import { loadProjectFor } from '../shared/open.ts';
import { selectionFrom } from '../shared/selection-flags.ts';
import { countText, largeCountText, secondsText } from '../shared/sizes.ts';

/** `export data`, `export monitoring`. */
export async function exportCommand(invocation: Invocation): Promise<number> {
  if (invocation.verb === 'export monitoring')
    return (await import('./export-monitoring.ts')).exportMonitoringCommand(invocation);
  const { rooms, printer, args, options, signal, cwd } = invocation;
  const query = options['query'];
  const selection = selectionFrom(options);
  if (typeof query === 'string' && (args.length > 0 || selection.select.length > 0))
    throw new DataflowError('E_USAGE', 'tables and --query exclude each other');
  const { project } = await loadProjectFor(invocation);
  const as = EXPORT_FORMATS.find((one) => one === options['as']);
  const report = await exportData(rooms, project, {
    wanted: { tables: args, selection, ...(typeof query === 'string' ? { query } : {}) },
    to: resolve(cwd, String(options['to'])),
    ...(as === undefined ? {} : { as }),
    release: String(options['release']),
    formula_safe: options['formulaSafe'] === true,
    force: options['force'] === true,
    dry_run: options['dryRun'] === true,
    signal,
    onTable: (table) => printer.detail(`writing ${table}`),
  });
  print(printer, report, cwd);
  return 0;
}

function print(printer: Printer, report: ExportReport, cwd: string): void {
  const people = printer.format === 'table';
  const sizes = new Map(report.files.map((one) => [one.file, 'size_bytes' in one ? one.size_bytes : null]));
  const rows = report.tables.map((one) => {
    const [version, ...others] = Object.values(one.versions);
    return { ...one, version: others.length > 0 ? null : version, size_bytes: sizes.get(one.file) ?? null };
  });
  const apart = report.files.length === report.tables.length;
  const size = { name: 'size_bytes', title: 'size', format: (value: unknown) => sizeText(Number(value)) };
  const columns = [
    { name: 'table' },
    { name: 'version', title: 'v' },
    { name: 'rows' },
    ...(people ? [] : [{ name: 'file' }]),
    ...(apart || !people ? [size] : []),
  ];
  const sections = people && report.status === 'up_to_date' ? [] : [{ columns, rows, null_text: '' }];
  printer.report({ document: report, sections });
  for (const line of words(report, cwd)) printer.text(line);
  for (const one of report.tables)
    for (const [column, count] of Object.entries(one.as_text ?? {}))
      printer.note(
        `${one.table}.${column}: ${countText(count, 'cell')} as text, since a sheet has no such number or date`,
      );
}

function words(report: ExportReport, cwd: string): readonly string[] {
  const { status, reason, release_id, rows, files, removed, wall_ms, format } = report;
  if (status === 'up_to_date') return [`nothing to do: ${reason}`];
  const count = [...(rows === null ? [] : [largeCountText(rows, 'row')]), largeCountText(files.length, 'file')].join(
    ' in ',
  );
  const [only] = files;
  const name = only !== undefined && files.length === 1 ? only.file : `<table>.${format}`;
  const place = relative(cwd, join(report.folder, name));
  const gone =
    removed.length === 0
      ? []
      : [
          `of the export before, ${largeCountText(removed.length, 'file')} ${status === 'planned' ? 'would go' : 'went'}`,
        ];
  const planned = status === 'planned';
  return [
    '',
    `${planned ? 'would write ' : ''}${count} of release ${release_id}: ${place}${planned ? '' : `, ${secondsText(wall_ms)}`}`,
    ...(report.replaces === undefined ? [] : [`in the place of release ${report.replaces}`]),
    ...gone,
    planned ? 'nothing was changed' : `hashes and row counts: ${relative(cwd, join(report.folder, report.manifest))}`,
  ];
}
