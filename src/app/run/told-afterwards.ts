import type { Project } from '../../core/model/project.ts';
import type { Rooms } from '../rooms.ts';
import type { RunEvent } from './run-events.ts';

/** Does the work of a run and, where the project or the environment wants it, tells those who watch how it ended. */
export async function toldAfterwards<T>(
  rooms: Rooms,
  project: Project,
  options: { readonly metrics_file?: string; readonly tell: (event: RunEvent) => void },
  work: () => Promise<T>,
): Promise<T> {
  const { env } = process;
  const pushes = env['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? env['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT'];
  // A run that nobody watches is to start and end without this code.
  if (
    project.metrics === undefined &&
    project.alerts === undefined &&
    options.metrics_file === undefined &&
    pushes === undefined
  )
    return work();
  try {
    return await work();
  } finally {
    const { afterRun } = await import('../monitor/after-run.ts');
    await afterRun(rooms, project, { ...options, env });
  }
}
