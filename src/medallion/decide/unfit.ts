import { SOURCE_FILE_COLUMN } from '../../core/model/table.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { Lake } from '../../core/ports/lake.ts';
import { quoteText } from '../../kit/sql.ts';
import { memberSql } from '../silver/sql.ts';
import type { RejectingNode } from './select.ts';

/** A corrected cell that does not fit into its column. */
export interface UnfitCell {
  readonly quarantine_id: string;
  readonly reason: string;
}

/**
 * Takes corrections out of `fixes` whose cells are no values of their source's types, so that none becomes NULL unnoticed. The records of a source are
 * parsed again and need no such look.
 */
export async function refuseUnfit(
  lake: Lake,
  session: EngineSession,
  node: RejectingNode,
): Promise<readonly UnfitCell[]> {
  if (node.layer === 'bronze') return [];
  const cases: string[] = [];
  for (const table of node.inputs) {
    const snapshot = await lake.snapshot({ layer: 'bronze', name: table.slice('bronze.'.length) });
    for (const { name, type } of snapshot?.columns ?? []) {
      if (name === SOURCE_FILE_COLUMN || type === 'varchar') continue;
      const text = memberSql('f.mended', name);
      const says = `${quoteText(`${name} is no ${type}: `)} || left(${text}, 80)`;
      cases.push(
        `when m.origin = ${quoteText(table)} and ${text} is not null and try_cast(${text} as ${type}) is null then ${says}`,
      );
    }
  }
  if (cases.length === 0) return [];
  await session.materialize(
    'judged_fixes',
    `select f.*, case ${cases.join(' ')} end as _unfit from fixes f join matched m on m.quarantine_id = f._id`,
  );
  await session.materialize('fixes', 'select * exclude (_unfit) from judged_fixes where _unfit is null');
  const rows = await session.rows('select _id, _unfit from judged_fixes where _unfit is not null order by all', {
    rows_max: 1_000_000,
  });
  return rows.map((row) => ({ quarantine_id: String(row['_id']), reason: String(row['_unfit']) }));
}
