import { resolve } from 'node:path';
import { restoreMirror } from '../../app/mirror/restore-mirror.ts';
import type { RestoreReport } from '../../app/mirror/restoring.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { sizeText } from '../../kit/units.ts';
import type { Invocation } from '../command-spec.ts';
import { startTransfer } from '../progress.ts';
import { loadProjectFor } from '../shared/open.ts';
import { countText, secondsText } from '../shared/sizes.ts';

export async function restore(invocation: Invocation): Promise<number> {
  const { rooms, printer, options, args, signal, env, cwd } = invocation;
  const [name = ''] = args;
  const text = (flag: string): string | undefined => (options[flag] === undefined ? undefined : String(options[flag]));
  const version = text('version');
  if (version !== undefined && !/^\d{1,15}$/.test(version))
    throw new DataflowError('E_USAGE', `--version wants the number of a version, not "${version}"`);
  if (version !== undefined && text('table') === undefined)
    throw new DataflowError('E_USAGE', '--version is that of a table: name it with --table');
  const { project } = await loadProjectFor(invocation);
  const bar = await startTransfer(printer, name, env);
  const [table, release, to] = [text('table'), text('release'), text('to')];
  const report = await restoreMirror(rooms, project, {
    name,
    ...(table === undefined ? {} : { table }),
    ...(version === undefined ? {} : { version: Number(version) }),
    ...(release === undefined ? {} : { release }),
    ...(to === undefined ? {} : { to: resolve(cwd, to) }),
    dry_run: options['dryRun'] === true,
    command: invocation.command_line,
    signal,
    note: (line) => printer.note(line),
    progress: (progress) => bar.update(progress),
  }).finally(() => bar.stop());
  const rows = report.tables.filter((one) => report.what === 'copied' || one.files_fetched > 0);
  printer.report({
    document: report,
    sections:
      rows.length === 0 && printer.format === 'table'
        ? []
        : [
            {
              columns: [
                { name: 'table' },
                { name: 'version', align: 'right' },
                { name: 'files', align: 'right' },
                { name: 'files_fetched', title: 'brought back', align: 'right' },
                { name: 'bytes_fetched', title: 'size', align: 'right', format: (value) => sizeText(Number(value)) },
              ],
              rows: rows.map((row) => ({ ...row })),
            },
          ],
  });
  if (rows.length > 0) printer.text('');
  for (const line of words(report)) printer.text(line);
  for (const { table, path } of report.left)
    printer.warn(`${path} of ${table} is damaged, and ${name} does not have it`);
  if (report.left.length > 0) printer.note('next: dataflow verify says what makes these tables whole again');
  return report.left.length > 0 ? 4 : 0;
}

/** Places and folders are as long as they are: each has a line to itself. */
function words(report: RestoreReport): readonly string[] {
  const { what, to, place, release_id, files_fetched, bytes_fetched, files_resumed, dry_run, wall_ms, left } = report;
  const files = `${countText(files_fetched, 'file')} (${sizeText(bytes_fetched)})`;
  const from = `  from ${place}`;
  if (what === 'mended' && files_fetched === 0 && left.length > 0)
    return [`nothing that release ${release_id} needs is missing or damaged here`, `  held against ${place}`];
  if (what === 'mended' && files_fetched === 0)
    return [`nothing to do: every file that release ${release_id} needs is here and whole`, `  held against ${place}`];
  if (dry_run) return [`would bring ${files} back`, from, 'nothing was changed (--dry-run)'];
  if (what === 'mended') return [`${files} put back in ${secondsText(wall_ms)}`, from, 'next: dataflow verify'];
  const resumed = files_resumed === 0 ? '' : `, ${countText(files_resumed, 'file')} were there from an earlier attempt`;
  return [
    `${to} holds release ${release_id}`,
    `  ${files} brought in ${secondsText(wall_ms)}${resumed}`,
    from,
    'next, where it is the lake of a project: dataflow ledger rebuild',
  ];
}
