import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { runsWithoutEffect } from '../../core/planning/undone-runs.ts';
import type { UndoMove } from '../../core/ports/undo.ts';
import type { UndoPlanning } from './undo-planning.ts';

/**
 * Tables of the undone runs whose earlier versions were lost before these runs made them anew: there is nothing to go back to, and the version below the first one that goes
 * is of an older state, or none. What is computed stays as it is, and follows its inputs with the next run; what a source delivered cannot be taken
 * back without losing rows that stand as loaded. @throws DataflowError E_UNDO_COLLECTED
 */
export function lostBefore(
  planning: UndoPlanning,
  steps: readonly string[],
  moves: ReadonlyMap<string, UndoMove>,
): readonly string[] {
  const lost = steps.filter((step) => wasLost(planning, step, moves.get(step)));
  const [delivered] = lost.filter((step) => step.startsWith('bronze.'));
  if (delivered === undefined) return lost;
  throw new DataflowError(
    'E_UNDO_COLLECTED',
    `${delivered} was lost, and made anew by what would be undone: what it held before run ${planning.since_run} is gone`,
    {
      kept: 'nothing was changed',
      hint: 'Undo other tables by name (--tables), or go back to a later run.',
    },
  );
}

/** The runs that stay published a version that the log does not have any more. */
function wasLost({ open, run_ids, since_run }: UndoPlanning, step: string, move: UndoMove | undefined): boolean {
  if (move === undefined) return false;
  const without = runsWithoutEffect(run_ids, open.ledger.undos(), step, since_run);
  const stays = open.ledger.lastSuccessOutside(step, without)?.output_version;
  return stays !== undefined && stays > move.to;
}
