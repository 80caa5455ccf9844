import { keptRefused } from '../../app/load/refused-rows.ts';
import { rejectingNode } from '../../app/quarantine/decide-quarantine.ts';
import {
  listQuarantine,
  QUARANTINE_STATES,
  type QuarantineGroup,
  type QuarantineState,
} from '../../app/quarantine/list-quarantine.ts';
import { entryHistory, openRows } from '../../app/quarantine/show-quarantine.ts';
import { ledgerForReading } from '../../app/run/open-project.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Row } from '../../core/ports/engine.ts';
import { cutToWidth, escapeControls } from '../../kit/terminal-text.ts';
import type { Invocation } from '../command-spec.ts';
import type { Printer } from '../printer.ts';
import { loadProjectFor } from '../shared/open.ts';
import { filterFrom, noRowsWords } from '../shared/quarantine-filter.ts';
import { countText } from '../shared/sizes.ts';
import { printWrapped } from '../shared/wrapped.ts';

export async function quarantine(invocation: Invocation): Promise<number> {
  switch (invocation.verb) {
    case 'quarantine show':
      return show(invocation);
    case 'quarantine export':
      return (await import('./quarantine-export.ts')).exportQuarantine(invocation);
    case 'quarantine fix':
    case 'quarantine replay':
    case 'quarantine discard':
      return (await import('./quarantine-decide.ts')).decide(invocation);
    default:
      return list(invocation);
  }
}

/** From the ledger alone. */
async function list(invocation: Invocation): Promise<number> {
  const { rooms, printer, args, options } = invocation;
  const state = String(options['state']);
  if (state !== 'all' && !QUARANTINE_STATES.includes(state as QuarantineState))
    throw new DataflowError('E_USAGE', `--state wants ${QUARANTINE_STATES.join(', ')} or all, not "${state}"`);
  const { project } = await loadProjectFor(invocation);
  const table = args[0] === undefined ? {} : { table: (await rejectingNode(rooms, project, args[0])).key };
  const ledger = await ledgerForReading(rooms, project, await rooms.openLake(project));
  try {
    const all = listQuarantine(ledger, { ...table, filter: filterFrom(invocation) });
    const groups = state === 'all' ? all : all.filter((group) => group.state === state);
    printer.report({
      document: groups,
      // Without rows the last line says it.
      sections:
        printer.format === 'table' && groups.length === 0
          ? []
          : [
              {
                columns: GROUP_COLUMNS,
                rows: groups.map((one) => (printer.format === 'table' ? shown(one) : { ...one })),
              },
            ],
    });
    const rows = (wanted: typeof all): number => wanted.reduce((sum, group) => sum + group.rows, 0);
    const open = all.filter((group) => group.state === 'open');
    const closed = rows(all) - rows(open);
    if (groups.length > 0) printer.text('');
    printer.text(
      open.length === 0
        ? 'nothing is in quarantine'
        : `${amountOf(open)} in quarantine; next: dataflow quarantine show ${fullest(open)}`,
    );
    if (closed > 0 && state === 'open')
      printer.text(`${countText(closed, 'row was', 'rows were')} decided on: dataflow quarantine --state all`);
    // They are no rows of a quarantine: in the lake nothing is wrong with them.
    for (const one of args[0] === undefined ? keptRefused(rooms.stateFolder(project)) : [])
      printer.text(
        `${countText(one.rows, 'row')} of ${one.table} that load ${one.load} could not bring to its destination: dataflow doctor`,
      );
    return 0;
  } finally {
    ledger.close();
  }
}

function shown(group: QuarantineGroup): Row {
  return group.whole_file ? { ...group, rows: '1 file' } : { ...group };
}

/** `2 rows and 1 file`. */
function amountOf(open: readonly QuarantineGroup[]): string {
  const files = open.filter((group) => group.whole_file).length;
  const rows = open.reduce((sum, group) => sum + group.rows, 0) - files;
  return [...(rows > 0 ? [countText(rows, 'row')] : []), ...(files > 0 ? [countText(files, 'file')] : [])].join(
    ' and ',
  );
}

/** The table with the most open rows. */
function fullest(open: ReturnType<typeof listQuarantine>): string {
  const rows = new Map<string, number>();
  for (const group of open) rows.set(group.table, (rows.get(group.table) ?? 0) + group.rows);
  return [...rows].reduce((a, b) => (b[1] > a[1] ? b : a))[0];
}

const GROUP_COLUMNS = [
  'state',
  'table',
  'rule',
  { name: 'file' },
  { name: 'rows', align: 'right' as const },
  // The beginning of an id is enough for --run.
  { name: 'run_id', give_way: true },
];

async function show(invocation: Invocation): Promise<number> {
  const { rooms, printer, args, options, signal } = invocation;
  const wanted = args[0] ?? '';
  const limit = Number(options['limit']);
  if (!Number.isInteger(limit) || limit < 1)
    throw new DataflowError('E_USAGE', `--limit wants a whole number above 0, not "${String(options['limit'])}"`);
  const { project } = await loadProjectFor(invocation);
  if (/^[0-9a-f]{4,32}$/.test(wanted) && !(wanted in project.silver)) return showEntry(invocation, wanted);
  const node = await rejectingNode(rooms, project, wanted).catch((error: unknown) => notAnIdEither(error, wanted));
  const { rows, total } = await openRows(rooms, project, node, { filter: filterFrom(invocation), limit, signal });
  if (printer.format === 'table') for (const row of rows) printBlock(printer, row);
  else printer.table({ columns: ALL_COLUMNS, rows });
  if (total === 0) printer.text(`${node.key} has ${noRowsWords(filterFrom(invocation))} in quarantine`);
  else printer.text(`${rows.length} of ${countText(total, 'row')}; one of them in full: dataflow quarantine show ID`);
  return 0;
}

function notAnIdEither(error: unknown, wanted: string): never {
  if (error instanceof DataflowError && error.code === 'E_USAGE')
    throw new DataflowError('E_USAGE', `"${wanted}" is neither a table with a quarantine nor the id of a row`, {
      hint: `${error.hint} Ids are in: dataflow quarantine show TABLE`,
    });
  throw error;
}

/** Three lines a row: where it is from, what is wrong with it, what it was. */
function printBlock(printer: Printer, row: Row): void {
  const place = row['line'] === null ? String(row['file']) : `${String(row['file'])}:${String(row['line'])}`;
  const id = printer.style.bold(String(row['quarantine_id']).slice(0, 8));
  printer.text(`${id}  ${escapeControls(`${place}  ${String(row['rule'])}`)}`);
  printWrapped(printer, `  ${String(row['reason'])}`);
  const raw = row['raw'] === null ? '(the whole file)' : escapeControls(String(row['raw']));
  printer.text(`  ${printer.style.dim(cutToWidth(raw, printer.width - 2))}`);
  printer.text('');
}

const ALL_COLUMNS = ['quarantine_id', 'file', 'line', 'rule', 'reason', 'column_name', 'row_key', 'raw', 'run_id'];

async function showEntry(invocation: Invocation, id: string): Promise<number> {
  const { rooms, printer, signal } = invocation;
  const { project } = await loadProjectFor(invocation);
  const found = await entryHistory(rooms, project, id, signal);
  const { entry } = found;
  const facts = [['state', found.state], ['table', found.table], ...Object.entries(entry)];
  printer.report({
    document: { table: found.table, state: found.state, ...entry, history: found.events },
    sections: [
      {
        columns: [{ name: 'field' }, { name: 'value', align: 'left', wrap: () => true }],
        rows: facts.filter(([, value]) => value !== null).map(([field, value]) => ({ field, value })),
      },
      {
        title: 'history',
        columns: [
          'what',
          { name: 'by' },
          { name: 'at', format: (value) => String(value).slice(0, 19) },
          'rule',
          { name: 'reason', wrap: () => true },
        ],
        rows: found.events,
      },
    ],
  });
  return 0;
}
