import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import type { Rooms } from '../rooms.ts';
import { loadNamed } from './load-named.ts';
import type { LoadReport } from './load-report.ts';
import { loadOf } from './load-tables.ts';
import type { LoadOptions } from './loading.ts';

/** One load that failed beside others. */
export interface FailedLoad {
  readonly load: string;
  readonly error: DataflowError;
}

/** Is told where loads are. */
export interface LoadsWatch {
  begun(load: string): void;
  ended(report: LoadReport): void;
  failed(load: string, error: unknown): void;
}

export interface LoadsReport {
  readonly loads: readonly LoadReport[];
  readonly failed: readonly FailedLoad[];
}

/**
 * Loads several destinations, one after the other: a failure of one keeps nobody else from the release. Without names all of the project.
 * @throws DataflowError E_SELECTION; what the only load throws, when there is one
 */
export async function loadAll(
  rooms: Rooms,
  project: Project,
  names: readonly string[],
  options: Omit<LoadOptions, 'name'>,
  watch?: LoadsWatch,
): Promise<LoadsReport> {
  const all = namedLoads(project, names);
  const loads: LoadReport[] = [];
  const failed: FailedLoad[] = [];
  for (const name of all) {
    watch?.begun(name);
    try {
      const report = await loadNamed(rooms, project, { ...options, name });
      watch?.ended(report);
      loads.push(report);
    } catch (error) {
      watch?.failed(name, error);
      if (!(error instanceof DataflowError) || all.length === 1 || options.signal.aborted) throw error;
      failed.push({ load: name, error });
    }
  }
  return { loads, failed };
}

/** The loads that names mean; none mean all. @throws DataflowError E_SELECTION */
export function namedLoads(project: Project, names: readonly string[]): readonly string[] {
  const all = Object.keys(project.loads ?? {});
  for (const name of names) loadOf(project, name);
  if (all.length === 0)
    throw new DataflowError('E_SELECTION', 'the project has no `loads:`', {
      hint: 'See docs/guide/load.md: a load names a connection and the tables that go there.',
    });
  return names.length === 0 ? all : [...new Set(names)];
}
