import type { UndoRecord } from '../ports/ledger.ts';

/**
 * The runs that have no part in the state of a table: those from `since` on (when it is given), and those that an undo took back which
 * itself still stands. An undo of an undo thereby brings the runs of the first one back. Pure.
 * @param run_ids all runs, oldest first.
 */
export function runsWithoutEffect(
  run_ids: readonly string[],
  undos: readonly UndoRecord[],
  table: string | undefined,
  since?: string,
): ReadonlySet<string> {
  const place = new Map(run_ids.map((run_id, index) => [run_id, index]));
  const without = new Set<string>(since === undefined ? [] : run_ids.slice(place.get(since) ?? run_ids.length));
  // An undo concerns earlier runs only, so that the newest ones are judged first.
  const standing = [...undos].sort((a, b) => (place.get(b.run_id) ?? 0) - (place.get(a.run_id) ?? 0));
  for (const undo of standing) {
    if (without.has(undo.run_id) || (table !== undefined && !undo.tables.includes(table))) continue;
    const [from, to] = [place.get(undo.since_run), place.get(undo.run_id)];
    if (from === undefined || to === undefined) continue;
    for (const run_id of run_ids.slice(from, to)) without.add(run_id);
  }
  return without;
}
