import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { HistoryEntry, Lake, Snapshot } from '../../core/ports/lake.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { bindSides } from '../changes/version-sides.ts';
import type { ChosenColumn } from './load-tables.ts';

/**
 * The versions that a table goes back to on its way from the one that a destination holds to another: an older release, or what undos between the two
 * brought back. Empty: its history only went on.
 */
export async function versionsGoneBackTo(lake: Lake, before: Snapshot, after: Snapshot): Promise<readonly Snapshot[]> {
  if (after.version < before.version) return [after];
  const undos = (await lake.history(after.table)).filter(
    (entry) => entry.version > before.version && entry.version <= after.version && restoredBy(entry) < before.version,
  );
  const found: Snapshot[] = [];
  for (const { version } of undos) {
    // It has the rows of the version that was restored, and is collected after it.
    const snapshot = await lake.snapshot(after.table, { version });
    if (snapshot !== undefined) found.push(snapshot);
  }
  return found;
}

/** Later than any version when the commit is no undo. */
function restoredBy({ note }: HistoryEntry): number {
  const undo = note?.['undo'] as { readonly restored_version?: unknown } | undefined;
  return Number(undo?.restored_version ?? Number.POSITIVE_INFINITY);
}

/**
 * Without a key nothing tells a row that comes from one that comes again: rows that went back in the lake stay at the destination, and would be there
 * twice once they return.
 * @throws DataflowError E_LOAD_SCHEMA
 */
export async function refuseComingTwice(
  session: EngineSession,
  {
    before,
    after,
    gone_back_to,
  }: { readonly before: Snapshot; readonly after: Snapshot; readonly gone_back_to: readonly Snapshot[] },
  chosen: readonly ChosenColumn[],
  table: string,
): Promise<void> {
  if (gone_back_to.length === 0) return;
  const stay = await rowsMissing(session, before, after, chosen);
  let back = 0;
  for (const version of gone_back_to) back += await rowsMissing(session, version, before, chosen);
  if (stay + back === 0) return;
  const words = (n: number): string => `${n.toLocaleString('en')} ${n === 1 ? 'row' : 'rows'}`;
  const held = `version ${before.version}, which the destination holds,`;
  const why = after.version < before.version ? 'an older release' : 'an undo';
  const problem =
    stay > 0
      ? `${words(stay)} of ${held} went back with ${why}, and would be there twice once they come again`
      : `${words(back)} that ${held} had not came back with ${why}, and may be there already`;
  throw new DataflowError('E_LOAD_SCHEMA', `${table} is appended to and has no key: ${problem}`, {
    kept: 'nothing was changed at the destination',
    hint: 'Load it with --full-refresh, which leaves only the rows of the release there; or give it a key (overrides: { TABLE: { key: … } }).',
  });
}

async function rowsMissing(
  session: EngineSession,
  these: Snapshot,
  there: Snapshot,
  chosen: readonly ChosenColumn[],
): Promise<number> {
  const held = new Set(these.columns.map(({ name }) => name));
  const columns = chosen.flatMap(({ from }) => (held.has(from.name) ? [from] : []));
  await bindSides(session, there, these, columns);
  const list = columns.map(({ name }) => quoteIdent(name)).join(', ');
  const [row] = await session.rows(
    `select count(*) as n from (select ${list} from b except all select ${list} from a)`,
  );
  return Number(row?.['n'] ?? 0);
}
