import type { TableId } from '../core/model/table.ts';
import type { EngineSession } from '../core/ports/engine.ts';
import type { Lake } from '../core/ports/lake.ts';
import type { InputRecord } from '../core/ports/ledger.ts';
import { quoteText } from '../kit/sql.ts';
import { relationOf } from './context.ts';
import { decidedOf } from './decisions.ts';

/**
 * Discarded records that are in their files. A file that came again with other content may hold them no more, and no entry says so; but the records of
 * a file are in its table, in the quarantine, or discarded, and the ledger knows how many there are.
 * @param open a relation of the files' records that are rejected or on their way into the table: `f`, `l`.
 * @returns a relation of the discarded ones (`f`, `l`); `l` is NULL where it is not known which of several are still there.
 */
export async function discardedLines(
  lake: Lake,
  session: EngineSession,
  bronze: TableId,
  { inputs, open, prefix }: { readonly inputs: readonly InputRecord[]; readonly open: string; readonly prefix: string },
): Promise<string | undefined> {
  const decided = await lake.snapshot(decidedOf(bronze));
  const table = await lake.snapshot(bronze);
  if (decided === undefined || decided.rows === 0 || inputs.length === 0) return undefined;
  const [discards, there] = [`${prefix}_discards`, `${prefix}_there`];
  await session.bind(relationOf(decided, `${prefix}_decisions`));
  const newest = `select * from ${prefix}_decisions qualify row_number() over (partition by quarantine_id order by decision desc) = 1`;
  const counts = inputs.map((input) => `(${quoteText(input.path)}, ${input.records})`).join(', ');
  const some = await session.materialize(
    discards,
    `select i.f, d.line as l, i.n from (${newest}) d join (values ${counts}) as i(f, n) on i.f = d.file
     where d.action = 'discard' and d.raw is not null and (d.line is null or (d.file, d.line) not in (select (f, l) from ${open} where l is not null))`,
  );
  if (some === 0) return undefined;
  const loaded =
    table === undefined ? 'select null::varchar as f where false' : `select _file as f from ${prefix}_table`;
  if (table !== undefined) await session.bind(relationOf(table, `${prefix}_table`));
  await session.materialize(
    there,
    `select d.f, case when d.n - coalesce(k.n, 0) = count(*) over (partition by d.f) then d.l end as l from ${discards} d
     left join (select f, count(*) as n from (${loaded} union all select f from ${open}) group by f) k on k.f = d.f
     where d.n - coalesce(k.n, 0) > 0`,
  );
  return there;
}
