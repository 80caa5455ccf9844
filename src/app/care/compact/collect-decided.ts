import type { Project } from '../../../core/model/project.ts';
import { type TableId, tableKey } from '../../../core/model/table.ts';
import type { Graph, Node } from '../../../core/planning/graph.ts';
import type { EngineSession } from '../../../core/ports/engine.ts';
import type { Lake, Snapshot } from '../../../core/ports/lake.ts';
import type { Ledger } from '../../../core/ports/ledger.ts';
import { faultPoint } from '../../../kit/fault.ts';
import { quoteText } from '../../../kit/sql.ts';
import { relationOf } from '../../../medallion/context.ts';
import { DECIDED_COLUMNS, decidedInput, decidedOf } from '../../../medallion/decisions.ts';

const DAY_MS = 86_400_000;

/** What collecting needs; `fence` throws when the lock was lost. */
export interface CollectDecided {
  readonly project: Project;
  readonly lake: Lake;
  readonly ledger: Ledger;
  readonly graph: Graph;
  readonly lease_id: string;
  readonly openSession: (label: string) => Promise<EngineSession>;
}

/**
 * Rejected rows whose decision is older than `lake.keep.quarantine_days`, was carried out, and has no effect any more: one that a newer
 * decision replaced, a row that was sent again as it was, a fix or a discard whose file is no longer in the source. Open rows never go, and
 * a fix or a discard that still holds a row right, or out, stays as long as its file does. With `fence` they are taken out, by a commit of
 * its own; without, they are counted. The ledger keeps the numbers: who decided what about how many rows, and why.
 */
export async function collectDecided(work: CollectDecided, table: TableId, fence?: () => void): Promise<number> {
  const { lake, ledger, graph } = work;
  const node = graph.nodes.find((one) => one.layer !== 'gold' && tableKey(decidedOf(one)) === tableKey(table));
  const before_ms = Date.now() - work.project.lake.keep.quarantine_days * DAY_MS;
  if (node === undefined || !ledger.decisions(node.key).some((one) => Date.parse(one.decided_at) < before_ms)) return 0;
  const snapshot = await lake.snapshot(table);
  if (snapshot === undefined || snapshot.rows === 0) return 0;
  const session = await work.openSession(`compact/${tableKey(table)}`);
  try {
    await session.bind(relationOf(snapshot, 'decisions'));
    await session.define('spent', spentSql(ledger, node, before_ms));
    const [row] = await session.rows('select count(*) as n from spent');
    const rows = Number(row?.['n'] ?? 0);
    if (rows > 0 && fence !== undefined) await takeOut(work, session, snapshot, rows, fence);
    return rows;
  } finally {
    await session.close();
  }
}

function spentSql(ledger: Ledger, node: Node, before_ms: number): string {
  const applied = ledger.lastSuccess(node.key)?.inputs[decidedInput(node)] ?? -1;
  const sources = node.layer === 'bronze' ? [node.name] : node.inputs.map((table) => table.slice('bronze.'.length));
  const files = sources.flatMap((source) =>
    ledger.inputs(source).flatMap((one) => (one.status === 'removed' ? [] : [quoteText(one.path)])),
  );
  const there = files.length === 0 ? 'false' : `file in (${[...new Set(files)].join(', ')})`;
  return `select decision, quarantine_id from (select *, row_number() over (partition by quarantine_id order by decision desc) > 1 as _replaced from decisions)
    where decision <= ${applied} and decided_at < cast(${quoteText(new Date(before_ms).toISOString())} as timestamptz)
      and ((_replaced and action <> 'discard') or (action = 'replay' and mended is null and mended_raw is null) or (file is not null and not ${there}))`;
}

async function takeOut(
  { lake, lease_id }: CollectDecided,
  session: EngineSession,
  snapshot: Snapshot,
  rows: number,
  fence: () => void,
): Promise<void> {
  const { table } = snapshot;
  const step_id = `collect-${table.name}`.slice(0, 120);
  const names = DECIDED_COLUMNS.map((column) => column.name).join(', ');
  try {
    const add = await session.write(
      `select ${names} from decisions where (decision, quarantine_id) not in (select (decision, quarantine_id) from spent) order by decision`,
      { folder: await lake.stage(lease_id, step_id, 'decided'), columns: DECIDED_COLUMNS },
    );
    faultPoint('before-collect-decided');
    await lake.commit({
      table,
      read_version: snapshot.version,
      mode: 'rewrite',
      add,
      remove: snapshot.files,
      columns: DECIDED_COLUMNS,
      partition_by: [],
      txns: [],
      note: { run_id: lease_id, step_id, step: 'compact', kind: 'maintenance', collected_rows: rows },
      fence,
    });
  } finally {
    await lake.discardStaging(lease_id, step_id);
  }
}
