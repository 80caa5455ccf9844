import { text } from 'node:stream/consumers';
import { type QueryOptions, queryFar, queryLake } from '../../app/data/query-lake.ts';
import { undoneState, undoneWords } from '../../app/releases/undone-state.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Row } from '../../core/ports/engine.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import type { Invocation } from '../command-spec.ts';
import type { Printer } from '../printer.ts';
import { loadProjectFor } from '../shared/open.ts';
import type { PrintData } from '../table.ts';

export async function query(invocation: Invocation): Promise<number> {
  const { rooms, printer, options, args, signal } = invocation;
  const sql = args[0] ?? (process.stdin.isTTY ? '' : await text(process.stdin));
  if (sql.trim() === '')
    throw new DataflowError('E_USAGE', 'there is no SQL to run', {
      hint: 'dataflow query "select 1", or pipe the SQL in.',
    });
  const { project } = await loadProjectFor(invocation);
  const lake = await rooms.openLake(project);
  const ledger = await ledgerOrUndefined(() => rooms.openLedger(project, { read_only: true, create: false }));
  // Before any version is looked up: from here on nothing is collected that this query may read.
  const lease = await (await rooms.openLeases(project)).open('query');
  const type = typeof options['engine'] === 'string' ? options['engine'] : project.engine.type;
  const spec = type === project.engine.type ? project.engine : { type };
  const asked = { sql, signal, ...candidateOf(options['candidate']), ...asOf(options['asOf']) };
  const far = await rooms.reachEngine(spec, { env: invocation.env, signal, lake_url: project.lake.url });
  const here = far === undefined ? await rooms.openEngine({ ...project, engine: spec }) : undefined;
  try {
    if (far !== undefined && 'candidate' in asked)
      throw new DataflowError('E_USAGE', `the engine ${type} does not read candidates`, {
        hint: 'Add --engine duckdb.',
      });
    if (far !== undefined) await printer.stream(asPrintData(queryFar({ project, lake, engine: far }, asked)));
    if (here !== undefined)
      await printer.stream(asPrintData(queryLake({ project, lake, ledger, engine: here }, asked)));
    if (ledger !== undefined && options['asOf'] === undefined) tellUndone(printer, ledger);
    return 0;
  } finally {
    await far?.close();
    await here?.close();
    await lease.release();
    ledger?.close();
  }
}

/** Whoever looks right after an undo is told that the rows are older ones. */
function tellUndone(printer: Printer, ledger: Ledger): void {
  const state = undoneState(ledger);
  if (state === undefined || state.tables.length === 0 || ledger.runs(1)[0]?.run_id !== state.run_id) return;
  for (const line of undoneWords({ ...state, files: 0 })) printer.note(line);
}

/** Small batches (one per data file) are put together, so that the widths of a table are measured on many rows. */
const BATCH_ROWS_MIN = 1000;

async function* asPrintData(batches: ReturnType<typeof queryLake>): AsyncGenerator<PrintData> {
  let rows: Row[] = [];
  let columns: readonly string[] = [];
  let yielded = false;
  const flush = (): PrintData => {
    const data = { columns, rows, null_text: 'NULL' };
    rows = [];
    yielded = true;
    return data;
  };
  for await (const batch of batches) {
    columns = batch.columns.map((column) => column.name);
    rows.push(...batch.rows);
    if (rows.length >= BATCH_ROWS_MIN) yield flush();
  }
  if (rows.length > 0 || !yielded) yield flush();
}

function candidateOf(value: unknown): Pick<QueryOptions, 'candidate'> {
  return typeof value === 'string' ? { candidate: value } : {};
}

function asOf(value: unknown): Pick<QueryOptions, 'at'> {
  if (typeof value !== 'string') return {};
  if (/^\d{1,15}$/.test(value)) return { at: { version: Number(value) } };
  const as_of_ms = Date.parse(value);
  if (Number.isNaN(as_of_ms)) {
    throw new DataflowError('E_USAGE', `"${value}" is neither a time nor a version`, {
      hint: 'Write a time as 2026-01-31 or 2026-01-31T12:00:00Z, a version as 3.',
    });
  }
  return { at: { as_of_ms } };
}

async function ledgerOrUndefined(open: () => Promise<Ledger>): Promise<Ledger | undefined> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof DataflowError && error.code.startsWith('E_LEDGER')) return undefined;
    throw error;
  }
}
