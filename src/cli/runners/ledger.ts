import { rebuildLedger } from '../../app/care/rebuild-ledger.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Invocation } from '../command-spec.ts';
import { loadProjectFor } from '../shared/open.ts';
import { unknownSource } from '../shared/unknown-source.ts';
import { printWrapped } from '../shared/wrapped.ts';

export async function ledger(invocation: Invocation): Promise<number> {
  switch (invocation.verb) {
    case 'ledger rebuild':
      return rebuild(invocation);
    case 'ledger inputs':
      return inputs(invocation);
    case 'ledger releases':
      return releases(invocation);
    default:
      throw new DataflowError('E_USAGE', 'say what to do with the ledger', {
        hint: 'dataflow ledger rebuild | inputs | releases',
      });
  }
}

async function rebuild(invocation: Invocation): Promise<number> {
  const { rooms, printer } = invocation;
  const { project } = await loadProjectFor(invocation);
  const lake = await rooms.openLake(project);
  const folder = rooms.stateFolder(project);
  const made = await rebuildLedger({ lake, folder, openLedger: rooms.openLedgerAt });
  printer.report({ document: made, sections: [] });
  printer.text(
    `the ledger was made anew from ${made.tables} tables: ${made.steps} steps of ${made.runs} runs, ${made.inputs} inputs`,
  );
  return 0;
}

const INPUTS = ['source', 'path', 'status', 'records', 'rejected', 'version', 'sha256', 'same_as', 'reason'];

/** What fits into 80 columns, so that no path is cut: the rest follows as sentences. */
const SHORT_INPUTS = [
  { name: 'source', give_way: true },
  { name: 'path' },
  { name: 'status', give_way: true },
  { name: 'records' },
  { name: 'rejected' },
  { name: 'version', title: 'v' },
];

async function inputs(invocation: Invocation): Promise<number> {
  const { rooms, printer, args } = invocation;
  const { project } = await loadProjectFor(invocation);
  const open = await rooms.openLedger(project, { read_only: true, create: false });
  try {
    const rows = [...open.inputs(args[0]), ...open.undoneInputs(args[0])].map((input) => ({ ...input }));
    // The ledger also knows sources that the project has no longer.
    if (rows.length === 0 && args[0] !== undefined && !(args[0] in project.sources))
      throw unknownSource(args[0], Object.keys(project.sources));
    printer.table({
      columns: printer.format === 'table' ? SHORT_INPUTS : INPUTS,
      rows,
      when_empty: 'no input was loaded yet',
    });
    for (const input of rows) {
      if ('same_as' in input && input.same_as !== undefined)
        printWrapped(printer, `  ${input.path}: the same bytes as ${input.same_as}`);
      else if ('reason' in input && input.reason !== undefined)
        printWrapped(printer, `  ${input.path}: ${input.reason}`);
    }
    return 0;
  } finally {
    open.close();
  }
}

async function releases(invocation: Invocation): Promise<number> {
  const { rooms, printer } = invocation;
  const { project } = await loadProjectFor(invocation);
  const open = await rooms.openLedger(project, { read_only: true, create: false });
  try {
    const rows = open.releases(100).map((release) => ({ ...release, tables: Object.keys(release.tables).length }));
    printer.table({ columns: ['release_id', 'created_at', 'run_id', 'tables'], rows });
    return 0;
  } finally {
    open.close();
  }
}
