import type { CompactReport } from '../../app/care/compact/report.ts';
import { compactLake } from '../../app/care/compact-lake.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { parseDuration, parseSize, sizeText } from '../../kit/units.ts';
import type { Invocation } from '../command-spec.ts';
import { loadProjectFor } from '../shared/open.ts';
import { secondsText } from '../shared/sizes.ts';

export async function compact(invocation: Invocation): Promise<number> {
  const { rooms, printer, options, args, signal } = invocation;
  const { project } = await loadProjectFor(invocation);
  const dry_run = options['dryRun'] === true;
  const report = await compactLake(rooms, project, {
    tables: args,
    target_bytes: wanted(parseSize, '--target-size', options['targetSize'], 'a size such as 128MB'),
    grace_ms: wanted(parseDuration, '--grace', options['grace'], 'a duration such as 30m or 1h'),
    dry_run,
    command: invocation.command_line,
    signal,
    tell: (notice) => printer.note(notice),
  });
  const size = (value: unknown): string => (Number(value) === 0 ? '' : sizeText(Number(value)));
  const count = (value: unknown): string => (Number(value) === 0 ? '' : String(value));
  printer.report({
    document: report,
    sections:
      printer.format === 'table' && nothingToDo(report)
        ? []
        : [
            {
              columns: [
                { name: 'table' },
                { name: 'files_before', title: 'files' },
                { name: 'files_after', title: 'after' },
                { name: 'merged_bytes', title: 'merged', align: 'right', format: size },
                { name: 'versions_collected', title: 'old versions', align: 'right', format: count },
                { name: 'collected_bytes', title: 'freed', align: 'right', format: size },
              ],
              rows: report.tables.map((table) => ({ ...table })),
            },
          ],
  });
  if (!nothingToDo(report)) printer.text('');
  for (const line of summary(report)) printer.text(line);
  return 0;
}

function nothingToDo({ tables }: CompactReport): boolean {
  return tables.every((table) => table.merged_files + table.versions_collected + table.files_collected === 0);
}

function summary(report: CompactReport): readonly string[] {
  const { dry_run, merged_files, versions_collected, files_collected, leftovers } = report;
  const parts: string[] = [];
  if (merged_files > 0) {
    const made = report.tables.reduce((sum, one) => sum + one.files_after - one.files_before, 0) + merged_files;
    parts.push(`${merged_files} files (${sizeText(report.merged_bytes)}) written together into ${made}`);
  }
  if (versions_collected > 0) {
    const files = `${files_collected} ${files_collected === 1 ? 'file' : 'files'}`;
    parts.push(
      `${versions_collected} old ${versions_collected === 1 ? 'version' : 'versions'} collected with ${files} (${sizeText(report.collected_bytes)})`,
    );
  }
  const { decided_rows_collected: spent } = report;
  if (spent > 0) parts.push(`${spent} decided ${spent === 1 ? 'row' : 'rows'} of the quarantine collected`);
  parts.push(...report.landing.map(landingWords));
  for (const { source, files, size_bytes } of report.documents)
    parts.push(`${files} kept files of documents of ${source} collected (${sizeText(size_bytes)})`);
  if (report.lookup_answers > 0)
    parts.push(
      `${report.lookup_answers} old ${report.lookup_answers === 1 ? 'answer' : 'answers'} of lookups forgotten`,
    );
  if (leftovers > 0) parts.push(`${leftovers} leftovers of runs that are gone removed`);
  if (parts.length === 0) return ['nothing to do: no small files, no version to collect'];
  return dry_run
    ? [...parts.map((part) => `would be: ${part}`), 'nothing was changed (--dry-run)']
    : [...parts, `done in ${secondsText(report.wall_ms)}`];
}

function landingWords({
  source,
  landed_files,
  refused_units,
  responses,
  torn_files,
  size_bytes,
}: CompactReport['landing'][number]): string {
  const count = (n: number, one: string, more: string): string[] => (n === 0 ? [] : [`${n} ${n === 1 ? one : more}`]);
  const what = [
    ...count(responses, 'kept response', 'kept responses'),
    ...count(refused_units, 'refused unit', 'refused units'),
    ...count(landed_files, 'landed file', 'landed files'),
    ...count(torn_files, 'half-written file', 'half-written files'),
  ];
  // Answers that are kept under another entry.
  const words = what.length === 0 ? 'entries of kept responses' : what.join(', ');
  return `${words} of the source ${source} collected (${sizeText(size_bytes)})`;
}

function wanted(parse: (text: string) => number | undefined, flag: string, value: unknown, what: string): number {
  const parsed = parse(String(value));
  if (parsed === undefined) throw new DataflowError('E_USAGE', `${flag} wants ${what}, not "${String(value)}"`);
  return parsed;
}
