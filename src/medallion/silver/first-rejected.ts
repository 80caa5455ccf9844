import { quarantineOf, type TableId } from '../../core/model/table.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import { QUARANTINE_COLUMNS, ranAhead } from '../quarantine.ts';
import { quarantineCounts } from '../quarantine-counts.ts';
import type { RejectedRows } from './reject.ts';
import type { SilverStep } from './sql.ts';

/**
 * Rows that lie in the quarantine and are rejected again for the same reason, because the whole table was computed, keep run and time of their
 * rejection. Rows that a person sent again do not: that they were refused once more is news.
 */
export async function sinceFirstRejected(
  step: SilverStep,
  session: EngineSession,
  rejected: RejectedRows,
  { decided, table_version }: { readonly decided: boolean; readonly table_version: number | undefined },
): Promise<RejectedRows> {
  const table: TableId = { layer: 'silver', name: step.node.name };
  const former = rejected.sql === undefined ? undefined : await step.run.lake.snapshot(quarantineOf(table));
  if (rejected.sql === undefined || former === undefined || former.files.length === 0) return rejected;
  // What a run rejected whose table never came was not told to anybody.
  if (ranAhead(step.node.key, former, table_version)) return rejected;
  await session.bind({ name: 'former_quarantine', columns: QUARANTINE_COLUMNS, files: former.files });
  const sent_again = decided ? 'where quarantine_id not in (select quarantine_id from in_force)' : '';
  const sql = `select n.* replace (coalesce(f.run_id, n.run_id) as run_id, coalesce(f.quarantined_at, n.quarantined_at) as quarantined_at)
    from (${rejected.sql}) n left join (select quarantine_id, rule, min(run_id) as run_id, min(quarantined_at) as quarantined_at from former_quarantine
      ${sent_again} group by all) f using (quarantine_id, rule)`;
  await session.materialize('rejected_since', sql, { counted: false });
  const counts = await quarantineCounts(session, step.node.key, 'rejected_since');
  return { ...rejected, sql: 'select * from rejected_since', counts };
}
