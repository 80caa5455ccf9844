import type { Project } from '../../core/model/project.ts';
import type { Ledger, Lock } from '../../core/ports/ledger.ts';
import type { Rooms } from '../rooms.ts';

/**
 * Does what changes a pipeline's tables while nobody else does: on this machine by the ledger's lock, and where the lake can be reached by others by the lake's,
 * too. Publishing checks both.
 * @throws DataflowError E_LOCKED; whatever `work` throws.
 */
export async function holdingPipeline<T>(
  rooms: Rooms,
  { project, ledger }: { readonly project: Project; readonly ledger: Ledger },
  { command, undoes = false }: { readonly command: string; readonly undoes?: boolean },
  work: (lock: Lock) => Promise<T>,
): Promise<T> {
  const own = ledger.lock(`pipeline:${project.name}`, command);
  try {
    let begun = undoes;
    const owes = (): boolean => begun || owesUndo(ledger);
    const shared = await rooms.lockLake(project, { command, owes });
    if (shared === undefined) return await work(own);
    const check = (): void => {
      own.check();
      shared.check();
    };
    try {
      return await work({ ...own, check });
    } finally {
      begun = false;
      await shared.release();
    }
  } finally {
    own.release();
  }
}

/** An undo that was cut short is finished from the plan in its ledger, which no other machine has. */
export function owesUndo(ledger: Ledger): boolean {
  return ledger.undos().some((one) => !one.finished);
}
