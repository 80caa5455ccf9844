import type { EngineSession } from '../core/ports/engine.ts';
import type { QuarantineCount } from '../core/ports/ledger.ts';

/** Rejected rows of a table by run, rule and file; `from` is a relation of quarantine rows, or one with a condition. */
export async function quarantineCounts(
  session: EngineSession,
  table: string,
  from: string,
): Promise<readonly QuarantineCount[]> {
  const sql = `select run_id, rule, coalesce(file, '') as file, count(*) as n from ${from} group by all`;
  const rows = await session.rows(sql, { rows_max: 1_000_000 });
  const counts = rows.map((row) => ({
    run_id: String(row['run_id']),
    table,
    rule: String(row['rule']),
    file: String(row['file']),
    rows: Number(row['n']),
  }));
  return counts.sort(inOrder);
}

/** By run, rule and file. Few rows: an engine on a cluster would look at its input twice to put them in order. */
export function inOrder(one: QuarantineCount, other: QuarantineCount): number {
  const [left, right] = [one, other].map(({ run_id, rule, file }) => [run_id, rule, file]) as [string[], string[]];
  const at = left.findIndex((text, index) => text !== right[index]);
  return at < 0 ? 0 : (left[at] ?? '') < (right[at] ?? '') ? -1 : 1;
}
