import type { QuarantineFilter } from '../../core/model/quarantine.ts';
import { type Layer, quarantineOf, SOURCE_FILE_COLUMN } from '../../core/model/table.ts';
import type { Node } from '../../core/planning/graph.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { Lake } from '../../core/ports/lake.ts';
import { quoteText } from '../../kit/sql.ts';
import { relationOf } from '../context.ts';
import { bindDecisions, DECIDED_COLUMNS, decidedOf } from '../decisions.ts';
import { QUARANTINE_COLUMNS } from '../quarantine.ts';

/** A table that can have rejected rows. */
export type RejectingNode = Extract<Node, { layer: Exclude<Layer, 'gold'> }>;

/** SQL condition over quarantine columns. */
export function filterSql(filter: QuarantineFilter): string {
  const { rule, file, run, id } = filter;
  const parts: string[] = [];
  if (rule !== undefined) parts.push(`rule = ${quoteText(rule)}`);
  if (file !== undefined) parts.push(`(file = ${quoteText(file)} or ends_with(file, ${quoteText(`/${file}`)}))`);
  if (run !== undefined) parts.push(`starts_with(run_id, ${quoteText(run)})`);
  if (id !== undefined) parts.push(`starts_with(quarantine_id, ${quoteText(id)})`);
  return parts.length === 0 ? 'true' : parts.join(' and ');
}

/**
 * Defines `matched`: the open rejected rows of a table that the filter means, with `mended_before`, what an earlier fix that did not help made
 * of them. Returns how many there are.
 */
export async function selectOpen(
  lake: Lake,
  session: EngineSession,
  node: RejectingNode,
  filter: QuarantineFilter,
): Promise<number> {
  const open = await lake.snapshot(quarantineOf(node));
  if (open === undefined) {
    await session.bind({ name: 'open_rows', columns: QUARANTINE_COLUMNS, files: [] });
  } else await session.bind({ ...relationOf(open, 'open_rows'), columns: QUARANTINE_COLUMNS });
  const decided = await bindDecisions(session, await lake.snapshot(decidedOf(node)));
  const names = QUARANTINE_COLUMNS.map((column) => `q.${column.name}`).join(', ');
  const sql = decided
    ? `select ${names}, f.mended as mended_before from open_rows q left join in_force f on f.quarantine_id = q.quarantine_id and f.raw is not distinct from q.raw
       where coalesce(f.action, '') <> 'discard' and `
    : `select ${names}, cast(null as varchar) as mended_before from open_rows q where `;
  return session.materialize('matched', `select * from (${sql} true) where ${filterSql(filter)}`);
}

/** The same for rows that were discarded: the decision is still in force. */
export async function selectDiscarded(
  lake: Lake,
  session: EngineSession,
  node: RejectingNode,
  filter: QuarantineFilter,
): Promise<number> {
  const decided = await bindDecisions(session, await lake.snapshot(decidedOf(node)));
  if (!decided) await session.bind({ name: 'in_force', columns: DECIDED_COLUMNS, files: [] });
  const names = QUARANTINE_COLUMNS.map((column) => column.name).join(', ');
  const sql = `select ${names}, mended as mended_before from in_force where action = 'discard' and ${filterSql(filter)}`;
  return session.materialize('matched', sql);
}

/** The columns of the records that a table rejects, as the source names them. */
export async function recordColumns(lake: Lake, node: RejectingNode): Promise<readonly string[]> {
  const tables = node.layer === 'bronze' ? [node.key] : node.inputs;
  const names = new Map<string, string>();
  for (const key of tables) {
    const [layer, name = ''] = key.split('.');
    const snapshot = layer === 'bronze' ? await lake.snapshot({ layer, name }) : undefined;
    const declared = node.layer === 'bronze' && snapshot === undefined ? Object.keys(node.spec.columns ?? {}) : [];
    for (const column of [...(snapshot?.columns.map((one) => one.name) ?? []), ...declared]) {
      if (column !== SOURCE_FILE_COLUMN && !names.has(column.toLowerCase())) names.set(column.toLowerCase(), column);
    }
  }
  return [...names.values()];
}
