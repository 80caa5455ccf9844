import type { EngineSession } from '../../core/ports/engine.ts';
import type { SilverRows } from '../../medallion/trace/silver-rows.ts';

/**
 * Corrections that rows of a silver table hold instead of what their file says: who decided on them, when, and in which run.
 * @param behind relation of the bronze rows that they are made of (`_src`, `_part`, `_pos`).
 */
export async function correctionsBehind(
  { views }: SilverRows,
  session: EngineSession,
  behind: string,
  limit: number,
): Promise<readonly string[]> {
  if (!views.decided) return [];
  const found = await session.rows(
    `select left(d._id, 8) as id, f.decided_by as who, strftime(f.decided_at, '%Y-%m-%d %H:%M') as at, f.decided_run_id as run_id, count(*) over () as all_of_them
     from ${behind} b join decided_rows d on d._src = b._src and d._part = b._part and d._pos = b._pos
     join in_force f on f.quarantine_id = d._id where d.mended is not null order by d._id limit ${limit}`,
  );
  const notes = found.map(
    ({ id, who, at, run_id }) =>
      `a correction: ${who} fixed row ${id} of its quarantine on ${at} UTC in run ${run_id}; its file says otherwise`,
  );
  const more = Number(found[0]?.['all_of_them'] ?? 0) - found.length;
  return more > 0 ? [...notes, `and ${more.toLocaleString('en')} more corrections`] : notes;
}
