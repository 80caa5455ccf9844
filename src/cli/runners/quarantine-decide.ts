import { resolve } from 'node:path';
import { type DecisionReport, decideQuarantine } from '../../app/quarantine/decide-quarantine.ts';
import { EDITED_ENCODINGS, type EditedEncoding } from '../../app/quarantine/edited-file.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Assignment } from '../../core/model/quarantine.ts';
import type { Invocation } from '../command-spec.ts';
import type { Printer } from '../printer.ts';
import { loadProjectFor } from '../shared/open.ts';
import { filterFrom, noRowsWords } from '../shared/quarantine-filter.ts';
import { stepsSection, tellTo } from '../shared/run-printing.ts';
import { countText } from '../shared/sizes.ts';
import { printWrapped } from '../shared/wrapped.ts';

/** `fix`, `replay` and `discard`: one decision and the run that carries it out. 4 when rows were rejected again. */
export async function decide(invocation: Invocation): Promise<number> {
  const { rooms, printer, args, options, signal, cwd, command_line, verb } = invocation;
  const action = verb.slice('quarantine '.length) as 'fix' | 'replay' | 'discard';
  const from = typeof options['from'] === 'string' ? resolve(cwd, options['from']) : undefined;
  const set = Array.isArray(options['set']) ? options['set'].map((text) => assignment(String(text))) : [];
  if (action === 'fix' && (from === undefined) === (set.length === 0))
    throw new DataflowError('E_USAGE', 'say how to fix the rows: --from FILE or --set "column = expression"');
  const why = options['reason'];
  if (typeof why === 'string' && why.trim() === '') throw new DataflowError('E_USAGE', '--reason is empty');
  const { project } = await loadProjectFor(invocation);
  const report = await decideQuarantine(rooms, project, {
    table: args[0] ?? '',
    action,
    filter: filterFrom(invocation),
    discarded: options['discarded'] === true,
    ...(typeof why === 'string' ? { why } : {}),
    ...(from === undefined ? {} : { from, encoding: encodingOf(options['encoding']) }),
    set,
    dry_run: options['dryRun'] === true,
    command: command_line,
    tell: tellTo(printer),
    signal,
  });
  const of = noRowsWords(filterFrom(invocation), options['discarded'] === true ? 'discarded' : 'open');
  print(printer, report, options['discarded'] === true ? of : `${of} in quarantine`);
  if (report.run !== undefined && report.run.exit_code !== 0) return report.run.exit_code;
  return report.failed_again + report.unfit.length > 0 ? 4 : 0;
}

function encodingOf(word: unknown): EditedEncoding {
  const found = EDITED_ENCODINGS.find((one) => one === word);
  if (found !== undefined) return found;
  throw new DataflowError('E_USAGE', `--encoding: there is no ${String(word)}`, {
    hint: `Say one of ${EDITED_ENCODINGS.join(', ')}.`,
  });
}

/** `prix = replace(prix, ',', '.')`: the first `=` parts the column from its expression. */
function assignment(text: string): Assignment {
  const at = text.indexOf('=');
  const column = text
    .slice(0, at)
    .trim()
    .replace(/^"(.+)"$/, '$1');
  const sql = text.slice(at + 1).trim();
  if (at < 1 || column === '' || sql === '')
    throw new DataflowError('E_USAGE', `--set wants "column = expression", not "${text}"`);
  return { column, sql };
}

const DONE = { fix: 'fixed', replay: 'replayed', discard: 'discarded' } as const;

function print(printer: Printer, report: DecisionReport, nothing: string): void {
  const sections = [];
  if (report.dry_run && report.tried.length > 0) sections.push(triedSection(report));
  if (report.run !== undefined && report.run.run_id !== undefined) sections.push(stepsSection(report.run.steps));
  printer.report({ document: report, sections });
  if (sections.length > 0) printer.text('');
  for (const line of summaryOf(report, nothing)) printWrapped(printer, line);
}

function summaryOf(report: DecisionReport, nothing: string): readonly string[] {
  const { table, matched, decided, closed, failed_again, unknown, unfit, dry_run, run } = report;
  if (matched === 0) return [`${table} has ${nothing}: nothing to do`, ...runLines(report)];
  const left = matched - decided - unfit.length;
  const lines = [
    `${closed} of ${countText(decided, 'row')} ${dry_run ? 'would be ' : ''}${DONE[report.action]}${left > 0 ? `; ${left} unchanged` : ''}`,
  ];
  const were = dry_run ? 'would be' : failed_again === 1 ? 'was' : 'were';
  if (failed_again > 0) lines.push(`${failed_again} ${were} rejected again: dataflow quarantine show ${table}`);
  if (report.unread_files > 0) lines.push(unreadLine(report.unread_files));
  if (unfit.length > 0) lines.push(`${unfit.length} corrections do not fit, such as ${unfit[0]?.reason ?? ''}`);
  for (const { file, state } of report.moved_files) lines.push(`${file} ${MOVED[state]}`);
  if (unknown > 0) lines.push(`${unknown} rows of the edited file are not open and were left out`);
  if (run !== undefined) lines.push(...runLines(report));
  return dry_run ? [...lines, 'nothing was changed'] : lines;
}

function unreadLine(files: number): string {
  return `${files === 1 ? '1 refused file' : `${files} refused files`} would be read again: only the run tells what becomes of ${files === 1 ? 'it' : 'them'}`;
}

const MOVED = {
  gone: 'is gone: bring it back, or discard its entry',
  changed: 'has changed since: it is taken as new input',
} as const;

function runLines({ run }: DecisionReport): readonly string[] {
  if (run?.run_id === undefined) return [];
  return [`run ${run.run_id}: ${run.status} in ${(run.wall_ms / 1000).toFixed(2)} s`];
}

/** The rows before and after, with what today's rules say. */
function triedSection(report: DecisionReport) {
  return {
    columns: [
      { name: 'quarantine_id', title: 'id', format: (value: unknown) => String(value).slice(0, 8) },
      { name: 'result' },
      // A replay changes nothing: what the row was stands in `quarantine show`.
      ...(report.action === 'fix' ? ['before', 'after'] : []),
    ],
    rows: report.tried
      .slice(0, SHOWN_MAX)
      .map((row) => ({ ...row, result: row.passes ? 'passes' : row.reason, ...difference(row) })),
    ...(report.tried.length > SHOWN_MAX
      ? { footer: [`… ${report.tried.length - SHOWN_MAX} more (--format json lists all)`] }
      : {}),
  };
}

const SHOWN_MAX = 20;

/** Only the cells that differ; all of them when the record is no JSON object or nothing differs. */
function difference(row: { readonly before: string | null; readonly after: string | null }) {
  const before = cells(row.before);
  const after = cells(row.after);
  if (before === undefined || after === undefined) return {};
  const changed = Object.keys(after).filter((name) => (before[name] ?? null) !== (after[name] ?? null));
  if (changed.length === 0) return {};
  const shown = (from: Readonly<Record<string, unknown>>): string =>
    changed.map((name) => `${name}: ${String(from[name] ?? 'NULL')}`).join(', ');
  return { before: shown(before), after: shown(after) };
}

function cells(text: string | null): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}
