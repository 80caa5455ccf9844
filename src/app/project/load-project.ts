import { DataflowErrors } from '../../core/errors/dataflow-error.ts';
import type { LoadedProject, LoadOptions } from './loaded-project.ts';

export type { LoadedProject } from './loaded-project.ts';

/**
 * Finds, reads and checks the configuration with everything it includes. With `snapshots` an unchanged configuration is taken as it
 * was checked the last time: parsing YAML and checking it cost some 70 ms of a fresh process, comparing the text under one.
 * @throws DataflowErrors with every problem found, each with its place, secrets masked.
 */
export async function loadProject(options: LoadOptions): Promise<LoadedProject> {
  if (options.snapshots !== undefined) {
    const { takeSnapshot } = await import('./project-snapshot.ts');
    const known = await takeSnapshot(options, options.snapshots);
    if (known !== undefined) return known;
  }
  const { readProject } = await import('./read-project.ts');
  const { project, problems, depends_on, written, ...rest } = await readProject(options);
  if (project === undefined || problems.length > 0) throw new DataflowErrors(problems);
  const loaded: LoadedProject = { project, ...rest };
  if (options.snapshots !== undefined) {
    const { keepSnapshot } = await import('./project-snapshot.ts');
    keepSnapshot(loaded, written, depends_on, options.snapshots);
  }
  return loaded;
}
