import type { Column } from '../../core/model/table.ts';
import type { CandidateFile, EngineSession } from '../../core/ports/engine.ts';
import type { DataFile, Snapshot } from '../../core/ports/lake.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { relationOf } from '../context.ts';
import { isWidened, rewriteWidened } from './evolve.ts';
import type { Parsed } from './parsed.ts';
import type { BronzeStep } from './step.ts';

/**
 * Rows of files that come again with new content (`on_rewrite: replace`) or are gone: their data files are written anew without them, each one in
 * its place: the rows that stay are as old as before. When a column is widened, all data files are.
 */
export async function replacedRows(
  step: BronzeStep,
  session: EngineSession,
  { loaded, gone }: { readonly loaded: Parsed['loaded']; readonly gone: readonly string[] },
  snapshot: Snapshot | undefined,
  columns: readonly Column[],
): Promise<{ add: readonly CandidateFile[]; remove: readonly DataFile[] }> {
  const paths = [...loaded.filter((one) => one.accepted.replaces).map((one) => one.accepted.unit.path), ...gone];
  if (snapshot !== undefined && loaded.length > 0 && isWidened(snapshot, columns))
    return await rewriteWidened(step, session, snapshot, columns, paths);
  if (paths.length === 0 || snapshot === undefined) return { add: [], remove: [] };
  const list = paths.map(quoteText).join(', ');
  await session.bind(relationOf(snapshot, 'published', true));
  const rows = await session.rows(
    `select _part as part, count(*) filter (where _file not in (${list})) as kept from published group by all having kept < count(*)`,
    { rows_max: 1_000_000 },
  );
  const kept = new Map(rows.map((row) => [Number(row['part']), Number(row['kept'])]));
  const names = snapshot.columns.map((column) => quoteIdent(column.name)).join(', ');
  const add: CandidateFile[] = [];
  for (const [part, file] of snapshot.files.entries()) {
    if ((kept.get(part) ?? 0) === 0) continue;
    const folder = await step.run.lake.stage(step.run.run_id, step.step_id, `kept-${part}`);
    await session.bind({ ...relationOf(snapshot, 'replaced'), files: [file] });
    const written = await session.write(`select ${names} from replaced where _file not in (${list})`, {
      folder,
      columns: snapshot.columns,
    });
    add.push(...written.map((one) => ({ ...one, in_place_of: file.path })));
  }
  return { add, remove: snapshot.files.filter((_, part) => kept.has(part)) };
}
