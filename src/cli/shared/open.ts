import type { LoadedProject } from '../../app/rooms.ts';
import type { Invocation } from '../command-spec.ts';

/** Loads the project that the invocation means and passes its warnings on. */
export async function loadProjectFor(invocation: Invocation): Promise<LoadedProject> {
  const { rooms, options, cwd, env, printer } = invocation;
  const config = options['config'];
  const loaded = await rooms.loadProject({ cwd, env, ...(typeof config === 'string' ? { config } : {}) });
  for (const warning of loaded.warnings) printer.warn(warning);
  return loaded;
}
