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
  command: string,
  work: (lock: Lock) => Promise<T>,
): Promise<T> {
  const own = ledger.lock(`pipeline:${project.name}`, command);
  try {
    const shared = await rooms.lockLake(project, command);
    if (shared === undefined) return await work(own);
    const check = (): void => {
      own.check();
      shared.check();
    };
    try {
      return await work({ ...own, check });
    } finally {
      await shared.release();
    }
  } finally {
    own.release();
  }
}
