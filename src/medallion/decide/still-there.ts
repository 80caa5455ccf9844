import { quarantineOf } from '../../core/model/table.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { Lake } from '../../core/ports/lake.ts';
import type { InputRecord } from '../../core/ports/ledger.ts';
import { quoteText } from '../../kit/sql.ts';
import { relationOf } from '../context.ts';
import { QUARANTINE_COLUMNS } from '../quarantine.ts';
import type { RejectingNode } from './select.ts';

/**
 * Takes discarded records out of `matched` whose file holds none any more, since it came with other content or is gone: they would come into the table
 * from nowhere. The records of a file are in the table, open, or discarded, and the ledger knows how many there are. Returns how many rows are left.
 */
export async function leaveOutGone(
  lake: Lake,
  session: EngineSession,
  node: RejectingNode,
  inputs: readonly InputRecord[],
): Promise<number> {
  const open = await lake.snapshot(quarantineOf(node));
  const table = await lake.snapshot({ layer: 'bronze', name: node.name });
  await session.bind({ name: 'still_open', columns: QUARANTINE_COLUMNS, files: open?.files ?? [] });
  const parts = ['select file as f from still_open where raw is not null'];
  if (table !== undefined) {
    await session.bind(relationOf(table, 'still_loaded'));
    parts.push('select _file from still_loaded');
  }
  const files = inputs.map((one) => `(${quoteText(one.path)}, ${one.status === 'loaded' ? one.records : 0})`);
  const records = files.length === 0 ? 'select null as f, 0 as n where false' : `values ${files.join(', ')}`;
  await session.materialize(
    'emptied',
    `select i.f from (${records}) as i(f, n) left join (select f, count(*) as n from (${parts.join(' union all ')}) group by f) k on k.f = i.f
     where i.f in (select file from matched) and i.n <= coalesce(k.n, 0)`,
  );
  await session.materialize('all_matched', 'select * from matched');
  return session.materialize(
    'matched',
    'select * from all_matched where raw is null or file is null or file not in (select f from emptied)',
  );
}
