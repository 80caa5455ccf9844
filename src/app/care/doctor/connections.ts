import { looksIntoTable } from '../../../core/model/enrich.ts';
import type { Project } from '../../../core/model/project.ts';
import type { Rooms } from '../../rooms.ts';
import { type DoctorFinding, ok, warn } from './finding.ts';

/** Longest wait for a system that streams or loads go to. */
const ANSWER_MS_MAX = 10_000;

/** Asks each system that streams and loads go to, writing nothing, and names the connections that nothing uses. */
export async function streams(rooms: Rooms, project: Project, signal: AbortSignal): Promise<readonly DoctorFinding[]> {
  const found: DoctorFinding[] = [];
  const used = new Set(Object.values(project.sources).map((source) => source.connection));
  for (const { enrich = [] } of Object.values(project.silver))
    for (const spec of enrich) if (!looksIntoTable(spec)) used.add(spec.connection);
  for (const [name, { connection, topic }] of Object.entries(project.streams ?? {})) {
    used.add(connection);
    found.push(await reached(rooms, project, { name, connection, topic }, signal));
  }
  for (const [name, { connection }] of Object.entries(project.loads ?? {})) {
    used.add(connection);
    found.push(await loads(rooms, project, { name, connection }, signal));
  }
  for (const { connection } of Object.values(project.mirrors ?? {})) used.add(connection);
  for (const name of Object.keys(project.connections))
    if (!used.has(name))
      found.push(ok(`connection ${name}`, 'no source, lookup, stream, load or mirror uses it: not tried'));
  return found;
}

async function reached(
  rooms: Rooms,
  project: Project,
  { name, connection, topic }: { readonly name: string; readonly connection: string; readonly topic: string },
  signal: AbortSignal,
): Promise<DoctorFinding> {
  const check = `stream ${name}`;
  try {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]);
    const publisher = await rooms.openPublisher({ name, project, signal: limited, note: () => undefined });
    try {
      await publisher.position();
      return ok(check, `connection ${connection} answers; topic ${topic}`);
    } finally {
      await publisher.close();
    }
  } catch (error) {
    return warn(
      check,
      wordsOf(rooms, error),
      `Tables are computed all the same; mend connection ${connection} before it is published.`,
    );
  }
}

async function loads(
  rooms: Rooms,
  project: Project,
  { name, connection }: { readonly name: string; readonly connection: string },
  signal: AbortSignal,
): Promise<DoctorFinding> {
  const check = `load ${name}`;
  const remedy = `Tables are computed all the same; mend connection ${connection} before they are loaded.`;
  try {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]);
    const sink = await rooms.openSink({ name, project, signal: limited, note: () => undefined });
    try {
      const { ok: fine, words, hint } = await sink.probe();
      return fine ? ok(check, rooms.redact(words)) : warn(check, rooms.redact(words), hint ?? remedy);
    } finally {
      await sink.close();
    }
  } catch (error) {
    return warn(check, wordsOf(rooms, error), remedy);
  }
}

function wordsOf(rooms: Rooms, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return rooms.redact(message.split('\n')[0] ?? message);
}
