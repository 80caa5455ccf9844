import type { Column } from '../../core/model/table.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { relationOf } from '../../medallion/context.ts';

/** `a` and `b`: the rows of the files that the two versions do not share, with these columns of the newer one. Returns how many rows the larger side has. */
export async function bindSides(
  session: EngineSession,
  before: Snapshot | undefined,
  after: Snapshot,
  columns: readonly Column[],
): Promise<number> {
  const same_shape = JSON.stringify(before?.columns) === JSON.stringify(after.columns);
  const paths = (snapshot: Snapshot | undefined): ReadonlySet<string> =>
    new Set(same_shape ? snapshot?.files.map((file) => file.path) : []);
  const old = new Set(before?.columns.map((column) => column.name));
  let most = 0;
  for (const [name, side, other] of [
    ['a', before, paths(after)],
    ['b', after, paths(before)],
  ] as const) {
    const files = (side?.files ?? []).filter((file) => !other.has(file.path));
    most = Math.max(
      most,
      files.reduce((sum, file) => sum + file.rows, 0),
    );
    await session.bind({ ...relationOf(side ?? after, `${name}_files`), files });
    const list = columns.map((column) =>
      name === 'b' || before === undefined || old.has(column.name)
        ? quoteIdent(column.name)
        : `null as ${quoteIdent(column.name)}`,
    );
    await session.define(name, `select ${list.join(', ')} from ${name}_files`);
  }
  return most;
}

/** Whether the key tells the rows of each side apart. */
export async function isUnique(session: EngineSession, key: readonly string[]): Promise<boolean> {
  const list = key.map(quoteIdent).join(', ');
  const twice = (side: string): string => `select 1 from ${side} group by ${list} having count(*) > 1`;
  const [row] = await session.rows(`select count(*) as n from (${twice('a')} union all ${twice('b')})`);
  return Number(row?.['n'] ?? 0) === 0;
}
