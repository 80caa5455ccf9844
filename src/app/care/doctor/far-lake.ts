import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { Project } from '../../../core/model/project.ts';
import { farLakePlace } from '../../../core/planning/lake-place.ts';
import type { Rooms } from '../../rooms.ts';
import { type DoctorFinding, fail, ok, warn } from './finding.ts';

/** Longest wait for the system that keeps the lake. */
const ANSWER_MS_MAX = 10_000;

/** Whether the system that keeps a lake elsewhere answers and lets us in. Writes nothing. */
export async function farLake(rooms: Rooms, project: Project, signal: AbortSignal): Promise<readonly DoctorFinding[]> {
  const place = farLakePlace(project);
  if (place === undefined) return [];
  const check = 'lake';
  const far = await rooms.openFarStorage({ ...place, project, note: () => undefined });
  try {
    const { words, warning } = await far.probe(AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]));
    const answers = ok(check, `${far.name}: ${words}`);
    return warning === undefined ? [answers] : [answers, warn(check, `${far.name}: ${words}`, warning)];
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const why = signal.aborted || !message.includes('aborted') ? message : `${far.name} does not answer`;
    const hint = error instanceof DataflowError ? error.hint : undefined;
    return [fail(check, rooms.redact(why.split('\n')[0] ?? why), hint ?? `Mend connection ${place.connection.name}.`)];
  } finally {
    await far.close();
  }
}
