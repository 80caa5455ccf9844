import type { Project } from '../../core/model/project.ts';
import type { Rooms } from '../rooms.ts';
import type { RunEvent } from '../run/run-events.ts';
import { collectMetrics } from './collect-metrics.ts';
import type { ToldLineage } from './lineage/told-lineage.ts';
import { otlpTarget, pushOtlp } from './push-otlp.ts';
import { writeMetrics } from './write-metrics.ts';

export interface AfterRun {
  readonly metrics_file?: string;
  readonly env: NodeJS.ProcessEnv;
  /** What was told of the run's beginning, and tells of its end. */
  readonly lineage?: ToldLineage;
  /** When the run came to its end; undefined when it was refused, or broke off. */
  readonly checked_ms: number | undefined;
  tell(event: RunEvent): void;
}

/** Tells those who watch how things stand after a run, whichever way it ended. What fails in here is said, and changes nothing about the run. */
export async function afterRun(rooms: Rooms, project: Project, options: AfterRun): Promise<void> {
  const attempt = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      const words = error instanceof Error ? error.message : String(error);
      const message = rooms.redact(`${typeof code === 'string' ? `${code}: ` : ''}${words}`);
      options.tell({ type: 'warning', message });
    }
  };
  const files = new Set([options.metrics_file, project.metrics?.file].filter((one) => one !== undefined));
  for (const file of files) await attempt(() => writeMetrics(rooms, project, file, options.checked_ms));
  if (project.alerts !== undefined)
    await attempt(async () => {
      const { checkAlerts } = await import('./alerts/check-alerts.ts');
      for (const { failed } of await checkAlerts(rooms, project, 'alerts'))
        if (failed !== null) options.tell({ type: 'warning', message: failed });
    });
  await attempt(async () => options.lineage?.end());
  const target = otlpTarget(project, options.env);
  if (target !== undefined)
    await attempt(async () =>
      pushOtlp(rooms, project, await collectMetrics(rooms, project, options.checked_ms), target),
    );
}
