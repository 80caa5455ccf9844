import { parseTableKey, quarantineOf, tableKey } from '../../core/model/table.ts';
import { runsWithoutEffect } from '../../core/planning/undone-runs.ts';
import type { ReleaseRecord } from '../../core/ports/ledger.ts';
import type { UndoMove } from '../../core/ports/undo.ts';
import { sourceBefore } from './source-before.ts';
import type { UndoPlanning } from './undo-planning.ts';

const ALL = 1_000_000_000;

/**
 * Of these steps, those whose quarantine alone was lost before the undone runs made it anew, and holds rows that stay rejected: an earlier version of it would be without them. Rows of
 * inputs that are not loaded any more do not count; a quarantine that has no others goes back as any does.
 */
export async function rejectsLost(
  planning: UndoPlanning,
  steps: readonly string[],
  moves: ReadonlyMap<string, UndoMove>,
): Promise<readonly string[]> {
  const releases = planning.open.ledger.releases(ALL);
  const suspects = steps.filter((step) => wasLost(planning, step, moves.get(quarantineKey(step)), releases));
  if (suspects.length === 0) return [];
  const gone = new Set(steps.flatMap((step) => undoneUnits(planning, step)));
  const found: string[] = [];
  for (const step of suspects) {
    const quarantine = quarantineKey(step);
    const table = parseTableKey(quarantine);
    const newest = planning.histories.get(quarantine)?.at(-1)?.version;
    if (table === undefined || newest === undefined) continue;
    const rejected = await planning.countRejects(table, newest, step);
    if (rejected.some(({ file }) => !gone.has(file))) found.push(step);
  }
  return found;
}

/** The quarantine of a step's table. */
export function quarantineKey(step: string): string {
  const table = parseTableKey(step);
  return table === undefined ? '' : tableKey(quarantineOf(table));
}

/** A release of a run that stays names a version that the log does not have any more. */
function wasLost(
  planning: UndoPlanning,
  step: string,
  move: UndoMove | undefined,
  releases: readonly ReleaseRecord[],
): boolean {
  if (move === undefined) return false;
  const without = withoutEffect(planning, step);
  return releases.some(
    ({ run_id, tables }) => !without.has(run_id) && (tables[quarantineKey(step)] ?? Number.NEGATIVE_INFINITY) > move.to,
  );
}

function undoneUnits(planning: UndoPlanning, step: string): readonly string[] {
  const { inputs_undone } = sourceBefore(planning.open.ledger, step, withoutEffect(planning, step));
  return inputs_undone.map(({ path }) => path);
}

function withoutEffect({ open, run_ids, since_run }: UndoPlanning, step: string): ReadonlySet<string> {
  return runsWithoutEffect(run_ids, open.ledger.undos(), step, since_run);
}
