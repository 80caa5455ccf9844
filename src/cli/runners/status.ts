import { type StatusReport, showStatus, type TableStatus } from '../../app/explain/show-status.ts';
import { ledgerStandings } from '../../app/parity/standings.ts';
import { undoneWords } from '../../app/releases/undone-state.ts';
import { judgedRun } from '../../app/run/judged-run.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { standingTotals } from '../../core/planning/parity-standing.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import type { Invocation } from '../command-spec.ts';
import type { Printer } from '../printer.ts';
import { printDrift } from '../shared/drift-printing.ts';
import { printOneRun } from '../shared/one-run.ts';
import { loadProjectFor } from '../shared/open.ts';
import { printReceipt } from '../shared/receipt-printing.ts';
import { countText } from '../shared/sizes.ts';
import { unknownSource } from '../shared/unknown-source.ts';
import { printWrapped } from '../shared/wrapped.ts';
import type { PrintColumn } from '../table.ts';

/** The newest of them. */
const DRIFT_MAX = 200;
/** Runs that `--runs` lists when no number is given. */
const RUNS_SHOWN = 20;

const STATUS: PrintColumn = {
  name: 'status',
  format: (value) => (value === 'up_to_date' ? 'fresh' : value === 'succeeded' ? 'ok' : String(value)),
};

const ROW_COLUMNS: readonly PrintColumn[] = [
  { name: 'step', title: 'table' },
  STATUS,
  { name: 'version', title: 'v' },
  { name: 'rows_in', title: 'in' },
  { name: 'rows_out', title: 'out' },
  { name: 'quarantined', title: 'quarant.' },
  {
    name: 'finished_at',
    title: 'finished (UTC)',
    format: minute,
  },
];

const REASON_COLUMNS: readonly PrintColumn[] = [
  { name: 'step', title: 'table' },
  STATUS,
  { name: 'version', title: 'v' },
  { name: 'reason', wrap: () => true },
];

function minute(value: unknown): string {
  return String(value ?? '')
    .slice(0, 16)
    .replace('T', ' ');
}

/** Prints what the ledger knows. Exit 0 even when the last run failed: the question was answered. */
export async function status(invocation: Invocation): Promise<number> {
  const { rooms, printer, options } = invocation;
  if (options['watch'] === true && (await watchesInstead(invocation))) return 0;
  const { project } = await loadProjectFor(invocation);
  const ledger = await openOrUndefined(() => rooms.openLedger(project, { read_only: true, create: false }));
  if (ledger === undefined) {
    // Only now, so that a project with a ledger is answered without a look at its lake.
    if ((await (await rooms.openLake(project)).tables()).length > 0) throw lostLedger();
    printer.report({ document: { run: null, release: null, tables: [] }, sections: [] });
    printer.text(`${project.name}: no run yet. Next: dataflow run`);
    return 0;
  }
  try {
    if (options['runs'] !== undefined) return printRuns(invocation, ledger);
    if (options['drift'] !== undefined) {
      printDrift(printer, ledger.drift(sourceOf(options['drift'], Object.keys(project.sources)), DRIFT_MAX));
      return 0;
    }
    if (invocation.args[0] !== undefined) return printOneRun(printer, ledger, invocation.args[0]);
    const parity = await ledgerStandings(project, ledger, () => rooms.checks());
    const report: StatusReport = { ...showStatus(ledger), ...(parity.length === 0 ? {} : { parity }) };
    printer.report({
      document: report,
      sections: [
        {
          columns: options['reasons'] === true ? REASON_COLUMNS : ROW_COLUMNS,
          rows: report.tables.map((table) => ({ ...table })),
          when_empty: 'no table yet',
        },
      ],
    });
    for (const table of report.tables)
      if (table.error !== null) printWrapped(printer, `  ${table.step}: ${errorWords(table.step, table.error)}`);
    for (const table of report.tables) printRefreshed(printer, table);
    printEnd(printer, report);
    return 0;
  } finally {
    ledger.close();
  }
}

/** `dataflow ui`: the terminal view; where there is no terminal, what `status` prints. */
export async function ui(invocation: Invocation): Promise<number> {
  return status({ ...invocation, options: { ...invocation.options, watch: true } });
}

/** Shows the view where that is possible; false where its plain text has to do. */
async function watchesInstead(invocation: Invocation): Promise<boolean> {
  const { canWatch, refuseNarrowed, watchLive } = await import('./watch.ts');
  refuseNarrowed(invocation);
  if (!canWatch(invocation)) return false;
  await watchLive(invocation);
  return true;
}

/** Rows that were put in place of others are rows in, and not out: without a word the table would look empty. */
function printRefreshed(printer: Printer, { step, rows_in, rows_refreshed }: TableStatus): void {
  if (rows_refreshed === null) return;
  const again = countText(rows_in ?? 0, 'row');
  printWrapped(
    printer,
    `  ${step}: ${again} computed last, out is net growth; the table has ${countText(rows_refreshed, 'row')}`,
  );
}

/** The run, the release and what to do next. */
function printEnd(printer: Printer, report: StatusReport): void {
  printer.text('');
  printer.text(
    `last run ${report.run?.run_id ?? 'none'}: ${report.run?.status ?? ''}; release ${report.release?.release_id ?? 'none'}`,
  );
  const { error } = report.run ?? {};
  if (error !== undefined) printWrapped(printer, `  ${error.code}: ${error.message}`);
  const failed = report.tables.find((table) => table.status === 'failed');
  if (failed !== undefined) printer.text(`  next: dataflow why ${failed.step}`);
  else if (error?.hint !== undefined) printWrapped(printer, `  next: ${error.hint}`);
  if (report.undone !== undefined) for (const line of undoneWords(report.undone)) printer.text(`  ${line}`);
  for (const line of standingTotals(report.parity ?? [])) printWrapped(printer, line);
  if (report.receipt !== undefined) printReceipt(printer, report.receipt);
}

function lostLedger(): DataflowError {
  return new DataflowError('E_LEDGER_MISSING', 'the lake has tables, but its ledger is gone');
}

function sourceOf(named: unknown, sources: readonly string[]): string | undefined {
  if (typeof named !== 'string') return undefined;
  const name = named.replace(/^(?:bronze|source)\./, '');
  if (sources.includes(name)) return name;
  throw unknownSource(named, sources);
}

/** The message of an error often begins with the table's name, which the line has already. */
function errorWords(step: string, error: string): string {
  return error.replace(`: ${step}: `, ': ');
}

function printRuns({ printer, options }: Invocation, ledger: Ledger): number {
  const limit = options['runs'] === true ? RUNS_SHOWN : Number(options['runs']);
  if (!Number.isInteger(limit) || limit < 1)
    throw new DataflowError('E_USAGE', `--runs wants a whole number above 0, not "${String(options['runs'])}"`);
  const rows = ledger
    .runs(limit)
    .map((run) => judgedRun(ledger, run))
    .map((run) => ({ ...run, error: run.error?.code ?? null }));
  const short = printer.format === 'table';
  printer.table({
    columns: [
      { name: 'run_id', title: short ? 'run' : 'run_id' },
      { name: 'status' },
      { name: 'started_at', title: 'started (UTC)', format: minute },
      ...(short ? [] : [{ name: 'finished_at' }]),
      { name: 'command', format: (value) => String(value).replace(/^dataflow /, ''), give_way: true },
      { name: 'error' },
    ],
    rows,
    when_empty: 'no run yet. Next: dataflow run',
  });
  return 0;
}

async function openOrUndefined(open: () => Promise<Ledger>): Promise<Ledger | undefined> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof DataflowError && error.code === 'E_LEDGER_MISSING') return undefined;
    throw error;
  }
}
