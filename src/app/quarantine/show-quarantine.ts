import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import type { QuarantineFilter } from '../../core/model/quarantine.ts';
import { quarantineOf } from '../../core/model/table.ts';
import { buildGraph } from '../../core/planning/graph.ts';
import type { EngineSession, ExportTarget, Row } from '../../core/ports/engine.ts';
import type { Lake } from '../../core/ports/lake.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { relationOf } from '../../medallion/context.ts';
import { takeApart } from '../../medallion/decide/apart.ts';
import { defineCells, presentCell } from '../../medallion/decide/cells.ts';
import { type RejectingNode, recordColumns, selectOpen } from '../../medallion/decide/select.ts';
import { decidedOf } from '../../medallion/decisions.ts';
import type { Rooms } from '../rooms.ts';
import { withScratch } from './scratch.ts';

const SHOWN = ['quarantine_id', 'file', 'line', 'rule', 'reason', 'column_name', 'row_key', 'raw', 'run_id'];
/** As they are read: a rule about no one column has none. */
const READ = SHOWN.map((name) => (name === 'column_name' ? `nullif(${name}, '') as ${name}` : name));

interface Opened {
  readonly lake: Lake;
  readonly session: EngineSession;
}

/** Opens lake and engine for the time of one question. */
async function asking<T>(
  rooms: Rooms,
  project: Project,
  signal: AbortSignal,
  ask: (opened: Opened) => Promise<T>,
): Promise<T> {
  const lake = await rooms.openLake(project);
  const engine = await rooms.openEngine(project);
  try {
    return await ask({ lake, session: await engine.openSession({ label: 'quarantine', signal }) });
  } finally {
    await engine.close();
  }
}

/** Open rejected rows of a table, by file and line. */
export function openRows(
  rooms: Rooms,
  project: Project,
  node: RejectingNode,
  options: { readonly filter: QuarantineFilter; readonly limit: number; readonly signal: AbortSignal },
): Promise<{ readonly rows: readonly Row[]; readonly total: number }> {
  return asking(rooms, project, options.signal, async ({ lake, session }) => {
    const total = await selectOpen(lake, session, node, options.filter);
    const sql = `select ${READ.join(', ')} from matched order by file, line, rule, quarantine_id limit ${options.limit}`;
    return { rows: await session.rows(sql, { rows_max: options.limit }), total };
  });
}

/** One rejected row: what it is, and what happened to it, oldest first. */
export interface EntryHistory {
  readonly table: string;
  readonly entry: Row;
  readonly state: string;
  readonly events: readonly Row[];
}

/** Everything about one quarantine id, or its beginning. @throws DataflowError E_USAGE when none or several have it. */
export function entryHistory(rooms: Rooms, project: Project, id: string, signal: AbortSignal): Promise<EntryHistory> {
  return asking(rooms, project, signal, async ({ lake, session }) => {
    const found: EntryHistory[] = [];
    for (const node of buildGraph(project, await rooms.checks()).nodes)
      if (node.layer !== 'gold') found.push(...(await entriesOf(lake, session, node, id)));
    const [only] = found;
    if (only !== undefined && found.length === 1) return only;
    throw new DataflowError(
      'E_USAGE',
      `${found.length === 0 ? 'no' : 'more than one'} rejected row has an id that begins with ${id}`,
      {
        hint: 'Ids are in: dataflow quarantine show TABLE --format json',
      },
    );
  });
}

async function entriesOf(
  lake: Lake,
  session: EngineSession,
  node: RejectingNode,
  id: string,
): Promise<readonly EntryHistory[]> {
  const parts: string[] = [];
  const open = await lake.snapshot(quarantineOf(node));
  const decided = await lake.snapshot(decidedOf(node));
  const columns = [...READ, 'quarantined_at'].join(', ');
  if (decided !== undefined) {
    await session.bind(relationOf(decided, 'decided_rows'));
    parts.push(
      `select ${columns}, decision, action, mended, mended_raw, why, decided_by, cast(decided_at as varchar) as decided_at, decided_run_id from decided_rows`,
    );
  }
  if (open !== undefined) {
    await session.bind(relationOf(open, 'open_rows'));
    parts.push(
      `select ${columns}, null as decision, null as action, null as mended, null as mended_raw, null as why, null as decided_by, null as decided_at, null as decided_run_id from open_rows`,
    );
  }
  if (parts.length === 0) return [];
  const rows = await session.rows(
    `select * replace (cast(quarantined_at as varchar) as quarantined_at) from (${parts.join(' union all ')})
     where starts_with(quarantine_id, ${quoteText(id)}) order by quarantine_id, decision nulls last`,
  );
  const ids = [...new Set(rows.map((row) => String(row['quarantine_id'])))];
  return ids.flatMap((one) =>
    historyOf(
      node.key,
      rows.filter((row) => row['quarantine_id'] === one),
    ),
  );
}

const ENDS: Readonly<Record<string, string>> = { fix: 'fixed', replay: 'replayed', discard: 'discarded' };

function historyOf(table: string, rows: readonly Row[]): readonly EntryHistory[] {
  const [first] = rows;
  const last = rows.at(-1);
  if (first === undefined || last === undefined) return [];
  const action = rows.findLast((row) => row['action'] !== null)?.['action'];
  const state = last['action'] === null && action !== 'discard' ? 'open' : (ENDS[String(action)] ?? 'open');
  const entry = Object.fromEntries(SHOWN.map((name) => [name, last[name] ?? null]));
  const event = (row: Row, what: string, by: unknown, at: unknown, run_id: unknown): Row => ({
    what,
    rule: row['rule'] ?? null,
    reason: row['reason'] ?? null,
    by: by === null ? null : String(by),
    at: String(at),
    run_id: String(run_id),
  });
  const events: Row[] = [event(first, 'rejected', null, first['quarantined_at'], first['run_id'])];
  for (const row of rows) {
    if (row['action'] !== null) {
      const detail = row['mended'] ?? row['mended_raw'] ?? row['why'];
      const done = event(row, String(row['action']), row['decided_by'], row['decided_at'], row['decided_run_id']);
      events.push({ ...done, reason: detail ?? null });
    } else if (row['run_id'] !== first['run_id']) {
      events.push(event(row, 'rejected', null, row['quarantined_at'], row['run_id']));
    }
  }
  return [{ table, entry, state, events }];
}

/** Writes open rejected rows to a file: id, place, rule, reason, raw text, and the record's cells, which may be mended there. Returns how many. */
export function exportRows(
  rooms: Rooms,
  project: Project,
  node: RejectingNode,
  options: {
    readonly filter: QuarantineFilter;
    readonly to: string;
    readonly format: ExportTarget['format'];
    readonly formula_safe: boolean;
    readonly signal: AbortSignal;
  },
): Promise<number> {
  return asking(rooms, project, options.signal, async ({ lake, session }) => {
    await selectOpen(lake, session, node, options.filter);
    const columns = await recordColumns(lake, node);
    await withScratch(rooms, project, async (folder) => {
      const apart = node.layer === 'bronze' ? await takeApart(session, columns, folder) : undefined;
      await defineCells(session, columns, apart);
    });
    const own = ['quarantine_id', 'file', 'line', 'rule', 'reason', 'raw'];
    const safe = (sql: string): string =>
      options.formula_safe
        ? `case when regexp_matches(${sql}, '^[=+@\\-\\t\\r]') then '''' || ${sql} else ${sql} end`
        : sql;
    const items = [
      ...own.map((name) => `${name === 'line' ? `m.${name}` : safe(`m.${name}`)} as ${quoteIdent(name)}`),
      ...columns
        .filter((name) => !own.includes(name.toLowerCase()))
        .map((name) => `${safe(presentCell(name))} as ${quoteIdent(name)}`),
    ];
    const sql = `select ${items.join(', ')} from matched m left join cells c on c._id = m.quarantine_id order by m.file, m.line, m.quarantine_id`;
    return session.exportFile(sql, { uri: options.to, format: options.format, compression: 'none' });
  });
}
