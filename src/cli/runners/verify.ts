import type { Finding } from '../../app/care/verify/finding.ts';
import type { VerifyReport } from '../../app/care/verify/report.ts';
import { verifyLake } from '../../app/care/verify-lake.ts';
import { escapeControls, wrapWords } from '../../kit/terminal-text.ts';
import { sizeText } from '../../kit/units.ts';
import type { Invocation } from '../command-spec.ts';
import type { Printer } from '../printer.ts';
import { startProgress } from '../progress.ts';
import { loadProjectFor } from '../shared/open.ts';
import { countText, secondsText } from '../shared/sizes.ts';

const SPEED_BYTES_MIN = 100_000_000;

/** The widest mark before a finding, and its gap. */
const MARK_CELLS = 9;

/** Exit 1 when something is damaged. */
export async function verify(invocation: Invocation): Promise<number> {
  const { rooms, printer, options, args, signal, env } = invocation;
  if (options['at'] !== undefined) return (await import('./verify-at.ts')).verifyAt(invocation, String(options['at']));
  const { project } = await loadProjectFor(invocation);
  const progress = await startProgress(printer, 'hashing', env);
  let report: VerifyReport;
  try {
    report = await verifyLake(rooms, project, {
      tables: args,
      all_versions: options['allVersions'] === true,
      quick: options['quick'] === true,
      rows: options['rows'] === true,
      sources: options['sources'] === true,
      signal,
      tell: (share) => progress.update(share),
    });
  } finally {
    progress.stop();
  }
  printer.report({
    document: report,
    sections: [
      {
        columns: [
          { name: 'table' },
          { name: 'version', title: 'v' },
          { name: 'files' },
          { name: 'size_bytes', title: 'size', align: 'right', format: (value) => sizeText(Number(value)) },
          { name: 'rows' },
          { name: 'errors', title: 'state', align: 'left', format: (value) => (value === 0 ? 'ok' : 'DAMAGED') },
        ],
        rows: report.tables.map((table) => ({ ...table })),
        when_empty: 'the lake has no table yet: dataflow run',
      },
    ],
  });
  for (const finding of report.findings) printFinding(printer, finding);
  printSummary(printer, report, options['quick'] === true);
  return report.intact ? 0 : 1;
}

function printFinding(printer: Printer, finding: Finding): void {
  printer.text('');
  const { red, dim } = printer.style;
  const mark = finding.severity === 'error' ? red('damaged') : dim('note');
  const [first = '', ...rest] = wrapWords(escapeControls(finding.message), printer.width - MARK_CELLS);
  printer.text(`${mark}  ${first}`);
  for (const line of rest) printer.text(`  ${line}`);
  const line = (name: string, value: string | null): void => {
    if (value === null || value === '') return;
    const text = `  ${name.padEnd(8)}  ${escapeControls(value)}`;
    for (const one of wrapWords(text, printer.width, ' '.repeat(12))) printer.text(one.trimEnd());
  };
  if (finding.check !== 'file' && !finding.message.includes(finding.path ?? '')) line('in', finding.path);
  line('expected', inWords(finding.expected));
  line('actual', inWords(finding.actual));
  if (finding.check === 'file') {
    line('file', finding.path);
    line('versions', finding.versions);
    line('releases', finding.releases.length === 0 ? 'none' : finding.releases.join(', '));
  }
  line('next', finding.remedy);
}

/** A balance or a list of versions, which a record holds as JSON, for people: `rows_in 10, rows_out 9`. */
function inWords(value: string | null): string | null {
  if (value === null || !/^[[{]/.test(value)) return value;
  try {
    const told: unknown = JSON.parse(value);
    const pairs: readonly unknown[] = Array.isArray(told) ? told : Object.entries(told ?? {});
    return pairs.map((pair) => (Array.isArray(pair) ? pair.join(' ') : String(pair))).join(', ');
  } catch {
    return value;
  }
}

function printSummary(printer: Printer, report: VerifyReport, quick: boolean): void {
  printer.text('');
  // On little data the start of the program is all that a speed would tell.
  const speed =
    report.hashed_bytes < SPEED_BYTES_MIN ? '' : ` (${sizeText(report.hashed_bytes / (report.wall_ms / 1000))}/s)`;
  const hashed = quick ? 'not hashed (--quick)' : `${sizeText(report.hashed_bytes)} hashed${speed}`;
  printer.text(
    `${countText(report.tables.length, 'table')}, ${countText(report.files, 'file')}, ${hashed}, ${secondsText(report.wall_ms)}`,
  );
  if (report.sources !== null) {
    const { same, changed, missing } = report.sources;
    printer.text(`source files: ${same} as they were loaded, ${changed} changed since, ${missing} gone`);
  }
  const notes = report.notes === 0 ? '' : `; ${report.notes} ${report.notes === 1 ? 'note' : 'notes'}`;
  printer.text(
    report.intact
      ? `intact${notes}`
      : `${report.errors} ${report.errors === 1 ? 'thing is' : 'things are'} damaged${notes}`,
  );
}
