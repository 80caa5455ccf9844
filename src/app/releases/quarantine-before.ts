import type { TableId } from '../../core/model/table.ts';
import { quarantineOf, tableKey } from '../../core/model/table.ts';
import type { Lake } from '../../core/ports/lake.ts';
import type { UndoMove } from '../../core/ports/undo.ts';
import { ranAhead } from '../../medallion/quarantine.ts';
import type { Histories } from './undo-planning.ts';

/**
 * Where the quarantine of a table goes back to with it: to the newest version that belongs to what the table will be. The one before the undone runs may have been
 * written for a version of the table that never came, by a run that died in between; its rows were not rejected by anything that is left. Undefined: it stays.
 */
export async function quarantineBefore(
  lake: Lake,
  histories: Histories,
  table: TableId,
  moves: ReadonlyMap<string, UndoMove>,
): Promise<UndoMove | undefined> {
  const quarantine = quarantineOf(table);
  const move = moves.get(tableKey(quarantine));
  const newest = histories.get(tableKey(quarantine))?.at(-1)?.version;
  const own = moves.get(tableKey(table));
  if (newest === undefined || (move === undefined && own === undefined)) return move;
  const table_version = own?.to ?? histories.get(tableKey(table))?.at(-1)?.version;
  let to = move?.to ?? newest;
  while (to >= 0 && ranAhead(tableKey(table), await lake.snapshot(quarantine, { version: to }), table_version)) to -= 1;
  return to === newest ? undefined : { from: newest, to };
}
