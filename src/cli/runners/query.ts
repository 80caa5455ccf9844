import { text } from 'node:stream/consumers';
import { queryLake } from '../../app/query-lake.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import type { Invocation } from '../command-spec.ts';
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
  const engine = await rooms.openEngine(project);
  try {
    const candidate = options['candidate'];
    const batches = queryLake(
      { project, lake, ledger, engine },
      { sql, signal, ...(typeof candidate === 'string' ? { candidate } : {}), ...asOf(options['asOf']) },
    );
    await printer.stream(asPrintData(batches));
    return 0;
  } finally {
    await engine.close();
    ledger?.close();
  }
}

async function* asPrintData(batches: ReturnType<typeof queryLake>): AsyncGenerator<PrintData> {
  for await (const batch of batches)
    yield { columns: batch.columns.map((column) => column.name), rows: batch.rows, null_text: 'NULL' };
}

function asOf(value: unknown): { as_of_ms?: number } {
  if (typeof value !== 'string') return {};
  const as_of_ms = Date.parse(value);
  if (Number.isNaN(as_of_ms))
    throw new DataflowError('E_USAGE', `"${value}" is not a time`, {
      hint: 'Write it as 2026-01-31 or 2026-01-31T12:00:00Z.',
    });
  return { as_of_ms };
}

async function ledgerOrUndefined(open: () => Promise<Ledger>): Promise<Ledger | undefined> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof DataflowError && error.code.startsWith('E_LEDGER')) return undefined;
    throw error;
  }
}
