import { tableKey } from '../../../core/model/table.ts';
import type { FileProblem, LogProblem, LogReport } from '../../../core/ports/lake-care.ts';
import type { ReleaseRecord } from '../../../core/ports/ledger.ts';
import { damage, type Finding, holds, newestOf, rangesText, refreshCommand, releasesWith, remark } from './finding.ts';

const WORDS: Readonly<Record<FileProblem['kind'], string>> = {
  missing: 'is missing',
  size: 'has another size than was published',
  hash: 'does not have the bytes that were published',
  rows: 'holds another number of rows than its log says',
  unreadable: 'cannot be read',
};

/** Damaged data files: which versions and releases hold them, and the way back. */
export function fileFindings(
  report: LogReport,
  problems: readonly FileProblem[],
  releases: readonly ReleaseRecord[],
): readonly Finding[] {
  const table = tableKey(report.table);
  return problems.map(({ file, kind, expected, actual }) => {
    const path = file.path.startsWith('/') ? file.path.slice(1) : `${report.folder}/${file.path}`;
    return damage('file', `a file of ${table} ${WORDS[kind]}`, {
      table,
      path,
      expected,
      actual,
      versions: rangesText(file.versions),
      releases: releasesWith(releases, table, file.versions).map((release) => release.release_id),
      remedy: remedyFor(report, file.versions, releases),
    });
  });
}

/** What the log itself has lost. */
export function logFindings(report: LogReport): readonly Finding[] {
  const table = tableKey(report.table);
  return report.problems.map(({ kind, path, version, message }) =>
    damage('log', message, {
      table,
      path,
      versions: version < 0 ? null : String(version),
      remedy: logRemedy(kind, path),
    }),
  );
}

function logRemedy(kind: LogProblem['kind'], path: string): string {
  if (kind === 'checkpoint' || kind === 'pointer')
    return `Remove ${path}: the log's entries tell the same, and the next checkpoint takes its place.`;
  if (kind === 'difference')
    return `One of the two is damaged. When nothing else is found in the log, remove ${path}; else restore the log from a backup or a mirror.`;
  return 'Restore this log entry from a backup or a mirror; the versions after it rest on it, up to the next checkpoint.';
}

/** Files that nobody owns: they take space and harm nobody. */
export function orphanFindings(report: LogReport): readonly Finding[] {
  return report.orphans.map(({ path, size_bytes }) =>
    remark('orphan', `${path} belongs to no version of ${tableKey(report.table)} (${size_bytes} bytes)`, {
      table: tableKey(report.table),
      path,
      remedy: 'No reader of the log sees it. A run that is at work may be about to publish it; else remove it.',
    }),
  );
}

/** How the newest version of a table is made whole again when one of its files is damaged. */
function remedyFor(
  report: LogReport,
  ranges: readonly { readonly from: number; readonly to: number }[],
  releases: readonly ReleaseRecord[],
): string {
  const table = tableKey(report.table);
  if (!holds(ranges, newestOf(report)))
    return 'The newest version does not hold it: only older versions cannot be read. Restore the file from a backup or a mirror if they matter.';
  if (report.table.layer === 'silver' || report.table.layer === 'gold')
    return `${refreshCommand(table)} computes the table again (or restore the file from a backup or a mirror).`;
  if (report.table.layer === 'quarantine') {
    const owner = report.table.name.replace('_', '.');
    return owner.startsWith('silver.')
      ? `${refreshCommand(owner)} judges the rows again (or restore the file from a backup or a mirror).`
      : 'Restore the file from a backup or a mirror. The tables do not need it; the rejected records in it are lost.';
  }
  // Going back to a release undoes runs: of what was only rearranged since there is none.
  const sound = releases.find(
    ({ tables }) => tables[table] !== undefined && !holds(ranges, tables[table]) && changedSince(report, tables[table]),
  );
  const back = sound === undefined ? '' : ` Or go back to a release without it: dataflow undo ${sound.release_id}.`;
  return `${refreshCommand(table)} takes all that its source has again (or restore the file from a backup or a mirror).${back}`;
}

function changedSince({ versions }: LogReport, version: number): boolean {
  return versions.some((one) => one.version > version && one.data_change);
}
