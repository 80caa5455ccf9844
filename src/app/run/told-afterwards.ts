import type { Project } from '../../core/model/project.ts';
import type { ToldLineage } from '../monitor/lineage/told-lineage.ts';
import type { Rooms } from '../rooms.ts';
import type { RunEvent } from './run-events.ts';

type Tell = (event: RunEvent) => void;

/**
 * Does the work of a run and, where the project or the environment wants it, tells those who watch how it goes.
 * @param work gets what to tell its events to.
 */
export async function toldAfterwards<T>(
  rooms: Rooms,
  project: Project,
  options: { readonly metrics_file?: string; readonly tell: Tell },
  work: (tell: Tell) => Promise<T>,
): Promise<T> {
  const { env } = process;
  const { tell } = options;
  const pushes = env['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? env['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT'];
  const lines = project.openlineage !== undefined || (env['OPENLINEAGE_URL'] ?? '') !== '';
  // A run that nobody watches is to start and end without this code.
  if (
    !lines &&
    project.metrics === undefined &&
    project.alerts === undefined &&
    options.metrics_file === undefined &&
    pushes === undefined
  )
    return work(tell);
  const lineage = lines ? await toldLineage(rooms, project, tell, env) : undefined;
  let checked_ms: number | undefined;
  try {
    const done = await work(lineage === undefined ? tell : both(lineage, tell));
    checked_ms = Date.now();
    return done;
  } finally {
    const { afterRun } = await import('../monitor/after-run.ts');
    await afterRun(rooms, project, { ...options, env, checked_ms, ...(lineage === undefined ? {} : { lineage }) });
  }
}

function both(lineage: ToldLineage, tell: Tell): Tell {
  return (event) => {
    lineage.learn(event);
    tell(event);
  };
}

/** Undefined where events go nowhere; an address that is none is said, and no reason not to run. */
async function toldLineage(
  rooms: Rooms,
  project: Project,
  tell: Tell,
  env: NodeJS.ProcessEnv,
): Promise<ToldLineage | undefined> {
  const { openLineage } = await import('../monitor/lineage/told-lineage.ts');
  try {
    return openLineage(rooms, project, env);
  } catch (error) {
    tell({ type: 'warning', message: rooms.redact(error instanceof Error ? error.message : String(error)) });
    return undefined;
  }
}
