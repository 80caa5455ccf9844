import type { Project } from '../../../core/model/project.ts';
import type { Lake } from '../../../core/ports/lake.ts';
import { tableAt } from '../../data/far-tables.ts';
import type { Rooms } from '../../rooms.ts';
import { type DoctorFinding, fail, failure, ok } from './finding.ts';

/** Longest wait for a cluster, which may have to be started or to start executors first. */
const ANSWER_MS_MAX = 180_000;

/** What an engine on other machines says of itself, and whether it reads the lake. @returns undefined for one that works here. */
export async function farEngine(
  rooms: Rooms,
  project: Project,
  options: { readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal },
): Promise<readonly DoctorFinding[] | undefined> {
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(ANSWER_MS_MAX)]);
  try {
    const engine = await rooms.reachEngine(project.engine, { ...options, signal, lake_url: project.lake.url });
    if (engine === undefined) return undefined;
    try {
      const sample = await smallestTable(project, await rooms.openLake(project)).catch(() => undefined);
      const found = await engine.probe({ sample });
      return found.map(({ about, ok: well, words, hint }) => {
        const check = about === '' ? 'engine' : `engine ${about}`;
        return well ? ok(check, rooms.redact(words)) : fail(check, rooms.redact(words), hint ?? 'See the message.');
      });
    } finally {
      await engine.close();
    }
  } catch (error) {
    return [failure('engine', error)];
  }
}

async function smallestTable(project: Project, lake: Lake): Promise<ReturnType<typeof tableAt> | undefined> {
  const snapshots = await Promise.all((await lake.tables()).map((table) => lake.snapshot(table)));
  const [smallest] = snapshots.filter((one) => one !== undefined).sort((a, b) => a.size_bytes - b.size_bytes);
  return smallest === undefined ? undefined : tableAt(project, smallest);
}
