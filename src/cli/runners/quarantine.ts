import { queryLake } from '../../app/query-lake.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { parseTableKey, quarantineOf, tableKey } from '../../core/model/table.ts';
import type { Row } from '../../core/ports/engine.ts';
import type { Invocation } from '../command-spec.ts';
import { loadProjectFor } from '../shared/open.ts';

export async function quarantine(invocation: Invocation): Promise<number> {
  const [wanted] = invocation.args;
  return wanted === undefined ? summary(invocation) : rowsOf(invocation, wanted);
}

/** From the ledger alone: table, rule, file, rows. */
async function summary(invocation: Invocation): Promise<number> {
  const { rooms, printer } = invocation;
  const { project } = await loadProjectFor(invocation);
  const ledger = await rooms.openLedger(project, { read_only: true, create: false });
  try {
    const groups = ledger.quarantine();
    printer.table({
      columns: ['table', 'rule', 'file', 'rows', 'run_id'],
      rows: groups.map((group) => ({ ...group })),
    });
    const total = groups.reduce((sum, group) => sum + group.rows, 0);
    printer.text('');
    printer.text(
      total === 0
        ? 'the quarantine is empty'
        : `${total} rows in quarantine; look at them with: dataflow quarantine ${groups[0]?.table ?? ''}`,
    );
    return 0;
  } finally {
    ledger.close();
  }
}

async function rowsOf(invocation: Invocation, wanted: string): Promise<number> {
  const { rooms, printer, signal, options } = invocation;
  const table = parseTableKey(wanted.includes('.') ? wanted : `silver.${wanted}`);
  const limit = Number(options['limit']);
  if (table === undefined || table.layer === 'quarantine')
    throw new DataflowError('E_USAGE', `"${wanted}" is not a table`, {
      hint: 'Name it with its layer: silver.achats.',
    });
  if (!Number.isInteger(limit) || limit < 1)
    throw new DataflowError('E_USAGE', `--limit wants a whole number above 0, not "${String(options['limit'])}"`);
  const { project } = await loadProjectFor(invocation);
  const lake = await rooms.openLake(project);
  const snapshot = await lake.snapshot(quarantineOf(table));
  if (snapshot === undefined) {
    printer.table({ columns: COLUMNS, rows: [] });
    printer.text(`${tableKey(table)} has nothing in quarantine`);
    return 0;
  }
  const engine = await rooms.openEngine(project);
  try {
    const sql = `select ${COLUMNS.join(', ')} from ${tableKey(quarantineOf(table))} order by file, line, rule limit ${limit}`;
    const rows: Row[] = [];
    for await (const batch of queryLake({ project, lake, ledger: undefined, engine }, { sql, signal }))
      rows.push(...batch.rows);
    printer.table({ columns: COLUMNS, rows });
    printer.text('');
    printer.text(`${rows.length} of ${snapshot.rows} rows`);
    return 0;
  } finally {
    await engine.close();
  }
}

const COLUMNS = ['file', 'line', 'rule', 'reason', 'raw'];
