import { type DoctorReport, runDoctor } from '../../app/care/run-doctor.ts';
import { cellWidth, escapeControls, padToWidth, wrapWords } from '../../kit/terminal-text.ts';
import type { Invocation } from '../command-spec.ts';
import type { Printer } from '../printer.ts';

/** Exit 1 when something would keep a run from working. */
export async function doctor(invocation: Invocation): Promise<number> {
  const { rooms, printer, options, cwd, env, signal } = invocation;
  const config = options['config'];
  const report = await runDoctor(rooms, { cwd, env, signal, ...(typeof config === 'string' ? { config } : {}) });
  if (options['json'] === true) printer.raw(`${rooms.redact(JSON.stringify(report, null, 2))}\n`);
  else if (printer.format === 'table') printReport(printer, report);
  else
    printer.report({
      document: report,
      sections: [{ columns: COLUMNS, rows: report.findings.map((one) => ({ ...one })) }],
    });
  return report.healthy ? 0 : 1;
}

const COLUMNS = ['check', 'status', 'message', 'remedy'];

const MARKS = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL' } as const;
function printReport(printer: Printer, report: DoctorReport): void {
  const cells = Math.max(0, ...report.findings.map(({ check }) => cellWidth(check)));
  for (const finding of report.findings) printFinding(printer, finding, cells);
  printer.text('');
  printer.text(summary(report));
}

function printFinding(
  printer: Printer,
  { check, status, message, remedy }: DoctorReport['findings'][number],
  check_cells: number,
): void {
  const { green, yellow, red } = printer.style;
  const paint = { ok: green, warn: yellow, fail: red } as const;
  const indent = ' '.repeat(check_cells + 8);
  const [first = '', ...rest] = wrapWords(escapeControls(message), printer.width - indent.length);
  printer.text(`${paint[status](MARKS[status])}  ${padToWidth(check, check_cells, 'left')}  ${first}`);
  for (const line of rest) printer.text(`${indent}${line}`);
  if (remedy === null) return;
  for (const [at, line] of wrapWords(escapeControls(remedy), printer.width - indent.length - 6).entries())
    printer.text(`${indent}${at === 0 ? 'next: ' : '      '}${line}`);
}

function summary({ findings, healthy }: DoctorReport): string {
  const count = (status: 'warn' | 'fail'): number => findings.filter((finding) => finding.status === status).length;
  const [fails, warns] = [count('fail'), count('warn')];
  const notes = warns === 0 ? '' : `${warns} ${warns === 1 ? 'thing deserves' : 'things deserve'} a look`;
  if (healthy) return warns === 0 ? 'all is well' : `a run will work; ${notes}`;
  return `${fails} ${fails === 1 ? 'thing keeps' : 'things keep'} a run from working${warns === 0 ? '' : `; ${notes}`}`;
}
