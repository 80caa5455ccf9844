import type { EngineSession } from '../core/ports/engine.ts';
import type { QuarantineCount } from '../core/ports/ledger.ts';

/** Rejected rows of a table by run, rule and file; `from` is a relation of quarantine rows, or one with a condition. */
export async function quarantineCounts(
  session: EngineSession,
  table: string,
  from: string,
): Promise<readonly QuarantineCount[]> {
  const sql = `select run_id, rule, coalesce(file, '') as file, count(*) as n from ${from} group by all order by all`;
  const rows = await session.rows(sql, { rows_max: 1_000_000 });
  return rows.map((row) => ({
    run_id: String(row['run_id']),
    table,
    rule: String(row['rule']),
    file: String(row['file']),
    rows: Number(row['n']),
  }));
}
