import { diffReleases, type ReleaseDiff, type TableDiff } from '../../app/releases/diff-releases.ts';
import { findRelease } from '../../app/releases/find-release.ts';
import { listReleases, pinRelease, showRelease } from '../../app/releases/releases.ts';
import { ledgerForReading } from '../../app/run/open-project.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { buildGraph } from '../../core/planning/graph.ts';
import type { Lake } from '../../core/ports/lake.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import { cellWidth } from '../../kit/terminal-text.ts';
import { sizeText } from '../../kit/units.ts';
import type { Invocation } from '../command-spec.ts';
import type { Printer, Section } from '../printer.ts';
import { loadProjectFor } from '../shared/open.ts';
import { plainText } from '../table.ts';

export async function release(invocation: Invocation): Promise<number> {
  switch (invocation.verb) {
    case 'release list':
      return reading(invocation, list);
    case 'release show':
      return reading(invocation, show);
    case 'release diff':
      return reading(invocation, diff);
    case 'release keep':
      return pin(invocation, true);
    case 'release drop':
      return pin(invocation, false);
    default:
      throw new DataflowError('E_USAGE', 'say what to do with releases', {
        hint: 'dataflow release list | show | diff | keep | drop',
      });
  }
}

interface Opened {
  readonly invocation: Invocation;
  readonly lake: Lake;
  readonly ledger: Ledger;
}

async function reading(invocation: Invocation, work: (opened: Opened) => Promise<void>): Promise<number> {
  const { project } = await loadProjectFor(invocation);
  const lake = await invocation.rooms.openLake(project);
  const ledger = await ledgerForReading(invocation.rooms, project, lake);
  try {
    await work({ invocation, lake, ledger });
    return 0;
  } finally {
    ledger.close();
  }
}

async function list({ invocation: { printer, options }, lake, ledger }: Opened): Promise<void> {
  const lines = await listReleases(lake, ledger, countFrom(options['limit'], '--limit', 1));
  const rows = lines.map((line) => ({ ...line, mark: marksOf(line) }));
  printer.report({
    document: lines,
    sections: [
      {
        columns: [
          { name: 'release_id', title: 'release' },
          { name: 'created_at', title: 'recorded (UTC)', format: minute },
          // Two ids side by side would both be cut in 80 columns.
          ...(printer.format === 'table' ? [] : [{ name: 'run_id' }]),
          { name: 'tables_changed', title: 'tables changed' },
          { name: 'rows' },
          printer.format === 'table' ? { name: 'mark', title: '' } : { name: 'kept' },
        ],
        rows,
        null_text: 'collected',
        when_empty: 'no release yet: a run that succeeds records one',
      },
    ],
  });
}

function marksOf(line: { readonly current: boolean; readonly kept: boolean }): string {
  return [...(line.current ? ['current'] : []), ...(line.kept ? ['kept'] : [])].join(', ');
}

function minute(value: unknown): string {
  return String(value ?? '')
    .slice(0, 16)
    .replace('T', ' ');
}

async function show({ invocation: { printer, args }, lake, ledger }: Opened): Promise<void> {
  const content = await showRelease(lake, ledger, args[0] ?? 'current');
  const rows = content.tables.map((table) => ({
    ...table,
    ...(printer.format === 'table' && table.rows === null ? { rows: 'collected' } : {}),
    rows_change: table.rows === null || table.previous_rows === null ? null : table.rows - table.previous_rows,
  }));
  printer.report({
    document: content,
    sections: [
      {
        columns: [
          { name: 'table' },
          { name: 'version', title: 'v' },
          { name: 'rows', align: 'right' },
          { name: 'size_bytes', title: 'size', align: 'right', format: size },
          { name: 'files' },
          { name: 'change' },
          { name: 'previous_version', title: 'was' },
          { name: 'rows_change', title: 'rows +/-', align: 'right', format: signed },
        ],
        rows,
      },
    ],
  });
  const { release: line } = content;
  printer.text('');
  const marks = marksOf(line) === '' ? '' : ` (${marksOf(line)})`;
  printer.text(`release ${line.release_id}, ${minute(line.created_at)} UTC${marks}`);
  printer.text(`  of run ${line.run_id}`);
  printer.text(content.previous_id === null ? '  the first release' : `  against release ${content.previous_id}`);
}

function signed(value: unknown): string {
  if (value === null || value === undefined) return '';
  return Number(value) > 0 ? `+${String(value)}` : String(value);
}

function size(value: unknown): string {
  return typeof value === 'number' && Number.isFinite(value) ? sizeText(value) : '';
}

async function diff({ invocation, lake, ledger }: Opened): Promise<void> {
  const { rooms, printer, args, options, signal } = invocation;
  const { project } = await loadProjectFor(invocation);
  const table = options['table'];
  const found = await diffReleases(
    { lake, ledger, graph: buildGraph(project, await rooms.checks()), openEngine: () => rooms.openEngine(project) },
    {
      from: args[0] ?? '',
      to: args[1] ?? 'current',
      rows_max: countFrom(options['rows'], '--rows', 0),
      signal,
      ...(typeof table === 'string' ? { table } : {}),
    },
  );
  printDiff(printer, found);
}

function printDiff(printer: Printer, found: ReleaseDiff): void {
  const rows = found.tables.map((one) => ({ ...one, columns: columnsText(one) }));
  const main: Section = {
    columns: [
      { name: 'table' },
      { name: 'version_from', title: 'v' },
      { name: 'version_to', title: 'to v' },
      { name: 'rows_added', title: 'added' },
      { name: 'rows_removed', title: 'removed' },
      { name: 'rows_changed', title: 'changed' },
      { name: 'columns', title: 'columns (rows)', give_way: true, wrap: () => true },
    ],
    rows,
  };
  const same = found.tables.length === 0 && printer.format === 'table';
  printer.report({
    document: found,
    sections: same ? [] : [main, ...found.tables.flatMap((one) => sampleSections(one, printer.width))],
  });
  if (!same) printer.text('');
  const { from, to } = found;
  printer.text(
    found.tables.length === 0
      ? `releases ${from.release_id} and ${to.release_id} have the same versions`
      : `${found.tables.length} ${found.tables.length === 1 ? 'table has' : 'tables have'} another version than in ${from.release_id}`,
  );
}

function columnsText(one: TableDiff): string {
  return [
    ...Object.entries(one.columns_changed).map(([column, count]) => `${column} (${count})`),
    ...one.columns_added.map((column) => `+${column}`),
    ...one.columns_removed.map((column) => `-${column}`),
  ].join(', ');
}

/** Rows wider than the terminal go on in a second table below, which begins with the first column again. */
function sampleSections(one: TableDiff, width: number): readonly Section[] {
  return (['added', 'removed', 'changed'] as const).flatMap((kind) => {
    const rows = one.samples.filter((sample) => sample.kind === kind).map((sample) => sample.row);
    const [first] = rows;
    if (first === undefined) return [];
    const title = `${one.table}: ${kind}, for example`;
    return sideBySide(Object.keys(first), rows, width).map((columns, i) => ({
      ...(i === 0 ? { title } : {}),
      columns,
      rows,
      null_text: '',
    }));
  });
}

function sideBySide(
  columns: readonly string[],
  rows: readonly Readonly<Record<string, unknown>>[],
  width: number,
): readonly (readonly string[])[] {
  const cells = (name: string): number =>
    Math.max(cellWidth(name), ...rows.map((row) => cellWidth(plainText(row[name]))));
  const [key = '', ...others] = columns;
  const parts: string[][] = [[key]];
  let used = cells(key);
  for (const name of others) {
    const part = parts.at(-1) ?? [];
    if (part.length > 1 && used + 2 + cells(name) > width) {
      parts.push([key, name]);
      used = cells(key) + 2 + cells(name);
    } else {
      part.push(name);
      used += 2 + cells(name);
    }
  }
  return parts;
}

function countFrom(value: unknown, flag: string, least: number): number {
  const count = Number(value);
  if (Number.isInteger(count) && count >= least && count <= 100_000) return count;
  throw new DataflowError('E_USAGE', `${flag} wants a whole number from ${least} to 100000, not "${String(value)}"`);
}

async function pin(invocation: Invocation, keep: boolean): Promise<number> {
  const { rooms, printer, args, options } = invocation;
  const { project } = await loadProjectFor(invocation);
  const lake = await rooms.openLake(project);
  const dry_run = options['dryRun'] === true;
  const ledger = dry_run
    ? await ledgerForReading(rooms, project, lake)
    : await rooms.openLedger(project, { create: false }).catch(noReleaseWithoutLedger);
  try {
    const found = findRelease(ledger, args[0] ?? '');
    const was = found.kept === true;
    if (!dry_run) await pinRelease(lake, ledger, found.release_id, keep);
    printer.report({ document: { release_id: found.release_id, kept: keep, was_kept: was, dry_run }, sections: [] });
    printer.text(pinWords(found.release_id, keep, was, dry_run));
    if (dry_run) printer.text('nothing was changed');
    return 0;
  } finally {
    ledger.close();
  }
}

function pinWords(release_id: string, keep: boolean, was: boolean, dry_run: boolean): string {
  if (keep === was) return `release ${release_id} ${keep ? 'is kept already' : 'was not kept'}`;
  if (dry_run) return `release ${release_id} would ${keep ? 'be kept' : 'no longer be kept'}`;
  return keep
    ? `release ${release_id} is kept: its versions are not collected`
    : `release ${release_id} is no longer kept`;
}

/** Before the first run there is no ledger, and no release to pin. */
function noReleaseWithoutLedger(error: unknown): never {
  if (error instanceof DataflowError && error.code === 'E_LEDGER_MISSING')
    throw new DataflowError('E_NO_RELEASE', 'there is no release yet', {
      hint: 'A run that succeeds records one: dataflow run',
    });
  throw error;
}
