import type { Project } from '../../../core/model/project.ts';
import type { Engine, EngineSession } from '../../../core/ports/engine.ts';
import type { Rooms } from '../../rooms.ts';

/** Sessions of an engine that is started when the first of them is wanted. */
export function sessions(
  rooms: Rooms,
  project: Project,
  signal: AbortSignal,
): { readonly openSession: (label: string) => Promise<EngineSession>; readonly close: () => Promise<void> } {
  let engine: Engine | undefined;
  return {
    openSession: async (label) => {
      engine ??= await rooms.openEngine(project);
      return engine.openSession({ label, signal });
    },
    close: async () => engine?.close(),
  };
}
