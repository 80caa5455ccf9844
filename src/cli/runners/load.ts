import { type FailedLoad, loadAll } from '../../app/load/load-all.ts';
import type { LoadReport, LoadTableReport } from '../../app/load/load-report.ts';
import { type LoadLine, loadStatus, mixedWords } from '../../app/load/load-status.ts';
import type { LoadMoving } from '../../app/load/loading.ts';
import { DataflowError, DataflowErrors } from '../../core/errors/dataflow-error.ts';
import type { Invocation } from '../command-spec.ts';
import type { Printer } from '../printer.ts';
import { startProgress } from '../progress.ts';
import type { LoadEventLines } from '../shared/load-event-lines.ts';
import { loadProjectFor } from '../shared/open.ts';
import { ageText, countText, largeCountText, secondsText } from '../shared/sizes.ts';
import { printWrapped } from '../shared/wrapped.ts';

export async function load(invocation: Invocation): Promise<number> {
  return invocation.verb === 'load status' ? await status(invocation) : await run(invocation);
}

async function run(invocation: Invocation): Promise<number> {
  const { printer, options, command_line, signal } = invocation;
  if (printer.format !== 'ndjson') return await loaded(invocation);
  const [{ LoadEventLines }, { toldToTheEnd }] = await Promise.all([
    import('../shared/load-event-lines.ts'),
    import('../shared/event-lines.ts'),
  ]);
  const dry_run = options['dryRun'] === true;
  const lines = new LoadEventLines(command_line, { dry_run }, (line) => printer.event(line));
  return await toldToTheEnd(
    signal,
    () => loaded(invocation, lines),
    (how) => lines.end(how),
  );
}

async function loaded(invocation: Invocation, lines?: LoadEventLines): Promise<number> {
  const { rooms, printer, args, options, signal, command_line, env } = invocation;
  const { project } = await loadProjectFor(invocation);
  const release = options['release'];
  const bar = lines === undefined ? await startProgress(printer, 'comparing', env) : undefined;
  const asked = {
    ...(typeof release === 'string' ? { release } : {}),
    full_refresh: options['fullRefresh'] === true,
    dry_run: options['dryRun'] === true,
    command: command_line,
    signal,
    note: (text: string) => {
      printer.note(text);
      lines?.note(text);
    },
    progress: (now: LoadMoving) => {
      lines?.progress(now);
      bar?.update(now.share, `${now.table}, ${largeCountText(now.rows, 'row')}`);
    },
    entered: (run_id: string) => {
      printer.run_id = run_id;
      lines?.entered(run_id);
    },
    put: (table: LoadTableReport) => lines?.put(table),
  };
  const { loads, failed } = await loadAll(rooms, project, args, asked, lines).finally(() => bar?.stop());
  if (lines === undefined) printLoads(printer, loads, failed);
  for (const { load: name, status: done, release_id, inserts, updates, deletes, wall_ms } of loads)
    printer.entry('info', `${name}: ${done}`, {
      ...{ event: 'load_finished', load: name, status: done, release_id },
      ...{ inserts, updates, deletes, wall_ms },
    });
  return endOf(printer, loads, failed);
}

function printLoads(printer: Printer, loads: readonly LoadReport[], failed: readonly FailedLoad[]): void {
  const failures = failed.map(({ load: name, error }) => ({ load: name, code: error.code, message: error.message }));
  printer.report({
    document: { loads, failed: failures },
    sections:
      printer.format === 'table'
        ? loads.filter(({ status: done }) => done !== 'up_to_date').map((report) => tableSection(report, loads.length))
        : [{ columns: PLAIN_COLUMNS.map((name) => ({ name })), rows: loads.flatMap(plainRows) }],
  });
  if (loads.some(({ status: done }) => done !== 'up_to_date')) printer.text('');
  for (const report of loads) reportWords(printer, report);
}

/** The exit status. @throws DataflowError what is wrong with some of them; E_PARTIAL */
function endOf(printer: Printer, loads: readonly LoadReport[], failed: readonly FailedLoad[]): number {
  if (failed.length === 0) {
    refuseRefused(loads);
    return 0;
  }
  if (loads.length === 0) throw new DataflowErrors(failed.map(({ error }) => error));
  for (const { load: name, error } of failed)
    printer.error(`error[${error.code}] ${name}: ${error.message}\n  next: ${error.hint}`);
  throw new DataflowError('E_PARTIAL', `${failed.length} of ${loads.length + failed.length} loads failed`, {
    hint: 'The others are loaded. Load again: only what is left is done.',
  });
}

/** @throws DataflowError E_PARTIAL when rows were kept aside. */
function refuseRefused(loads: readonly LoadReport[]): void {
  const some = loads.flatMap(({ load: name, tables, status: done }) =>
    done === 'loaded' ? tables.flatMap(({ table, refused }) => (refused > 0 ? [{ name, table, refused }] : [])) : [],
  );
  if (some.length === 0) return;
  const words = some.map(({ name, table, refused }) => `${largeCountText(refused, 'row')} of ${table} (${name})`);
  throw new DataflowError('E_PARTIAL', `a destination could not hold ${words.join(', ')}`, {
    kept: 'the others are loaded; these rows are kept with their reasons in _dataflow/refused/ of the lake',
    hint: 'Mend the rows or the columns; the next release is tried whole.',
  });
}

const PLAIN_COLUMNS = [
  'load',
  'table',
  'name',
  'mode',
  'action',
  'reason',
  'version_from',
  'version_to',
  'inserts',
  'updates',
  'deletes',
  'rows',
  'refused',
  'wall_ms',
];

function plainRows({ load: name, tables }: LoadReport): readonly Record<string, unknown>[] {
  return tables.map((table) => ({ ...table, load: name }));
}

const ACTIONS: Readonly<Record<LoadTableReport['action'], string>> = {
  none: '=',
  record: '=',
  changes: 'changes',
  whole: 'all rows',
};

function tableSection({ load: name, tables }: LoadReport, loads: number) {
  return {
    ...(loads > 1 ? { title: `load ${name}` } : {}),
    columns: [
      { name: 'table' },
      ...(tables.some(({ table, name: as }) => table.split('.')[1] !== as) ? [{ name: 'name', title: 'as' }] : []),
      { name: 'what', title: '' },
      { name: 'inserts', align: 'right' as const },
      { name: 'updates', align: 'right' as const },
      { name: 'deletes', align: 'right' as const },
      { name: 'rows', align: 'right' as const },
    ],
    rows: tables.map((table) => ({ ...table, what: ACTIONS[table.action] })),
  };
}

function reportWords(printer: Printer, report: LoadReport): void {
  const { load: name, place, release_id, tables, dry_run, attempts } = report;
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  if (report.status === 'up_to_date') {
    printWrapped(
      printer,
      `${name}: ${place} holds release ${release_id} already: ${countText(tables.length, 'table')}, ${largeCountText(rows, 'row')}`,
    );
    return;
  }
  for (const { table, statements, remarks } of tables) {
    if (dry_run || printer.verbose) for (const one of statements) printer.text(`  ${one}`);
    for (const remark of remarks) printWrapped(printer, `  ${table}: ${remark}`);
  }
  if (dry_run || printer.verbose) for (const one of report.view_statements) printer.text(`  ${one}`);
  const moves = [
    largeCountText(report.inserts, 'insert'),
    largeCountText(report.updates, 'update'),
    largeCountText(report.deletes, 'delete'),
  ].join(', ');
  if (dry_run) {
    printWrapped(printer, `${name}: release ${release_id} would go to ${place}: ${moves}`);
    printer.text('nothing was changed');
    return;
  }
  const tried = attempts > 1 ? `, ${attempts} attempts` : '';
  printWrapped(
    printer,
    `${name}: ${place} holds release ${release_id}: ${moves} in ${secondsText(report.wall_ms)}${tried}`,
  );
}

async function status(invocation: Invocation): Promise<number> {
  const { rooms, args, printer, signal } = invocation;
  const { project } = await loadProjectFor(invocation);
  const lines = await loadStatus(rooms, project, args, signal);
  printer.report({
    document: lines,
    sections: [
      {
        columns: [
          { name: 'load' },
          { name: 'state' },
          { name: 'release_id', title: 'release' },
          { name: 'releases_behind', title: 'behind' },
          { name: 'lag_ms', title: 'lag', format: age },
          { name: 'refresh_ms', title: 'refresh', format: seconds },
          { name: 'rows' },
          ...(printer.format === 'table' ? [] : [{ name: 'place' }, { name: 'loaded_at' }, { name: 'remembered' }]),
        ],
        rows: lines.map((line) => ({ ...line })),
      },
    ],
  });
  printer.text('');
  for (const line of lines) for (const words of statusWords(line)) printWrapped(printer, words);
  return 0;
}

const ODD: ReadonlySet<string> = new Set(['changed', 'foreign', 'missing']);

function statusWords({ load: name, state, place, loaded_at, words, remembered, tables }: LoadLine): readonly string[] {
  const at = loaded_at === null ? 'nothing loaded yet' : `loaded ${loaded_at.slice(0, 19).replace('T', ' ')} UTC`;
  const known = `${place}${place === '' ? '' : ', '}${at}`;
  // Where nothing was loaded yet every table is missing.
  const odd = tables.filter((table) => (ODD.has(table.state) && state !== 'empty') || table.words !== null);
  return [
    ...(remembered
      ? [`  ${name}: cannot be reached: ${words ?? 'no answer'}`, `  ${name}: as the ledger remembers it: ${known}`]
      : [`  ${name}: ${known}`]),
    ...(state === 'mixed' ? [`    ${mixedWords(tables)}; next: dataflow load ${name}`] : []),
    ...tables
      .filter(({ refused }) => refused > 0)
      .map(
        ({ table, refused }) =>
          `    ${table}: ${largeCountText(refused, 'row')} refused, kept in _dataflow/refused/${name}`,
      ),
    ...odd.map((table) => `    ${table.name}: ${table.state}${table.words === null ? '' : `, ${table.words}`}`),
  ];
}

function age(value: unknown): string {
  return typeof value === 'number' ? (value === 0 ? '-' : ageText(value)) : '';
}

function seconds(value: unknown): string {
  return typeof value === 'number' ? secondsText(value) : '';
}
