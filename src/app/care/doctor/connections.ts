import { looksIntoTable } from '../../../core/model/enrich.ts';
import type { Project } from '../../../core/model/project.ts';
import { buildGraph } from '../../../core/planning/graph.ts';
import { farLakePlace } from '../../../core/planning/lake-place.ts';
import type { Sink } from '../../../core/ports/sink.ts';
import { answeredLine, mixedWords } from '../../load/load-status.ts';
import type { Rooms } from '../../rooms.ts';
import type { Examined } from './examined.ts';
import { type DoctorFinding, ok, warn } from './finding.ts';

/** Longest wait for a system that streams or loads go to. */
const ANSWER_MS_MAX = 10_000;

/** Asks each system that streams and loads go to, writing nothing, and names the connections that nothing uses. */
export async function streams(examined: Examined): Promise<readonly DoctorFinding[]> {
  const { rooms, project, signal } = examined;
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
    found.push(await loadFinding(examined, name, connection));
  }
  for (const { connection } of Object.values(project.mirrors ?? {})) used.add(connection);
  used.add(farLakePlace(project)?.connection.name);
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

/** Whether a destination lets us in, and holds one release, as it was left. */
async function loadFinding(examined: Examined, name: string, connection: string): Promise<DoctorFinding> {
  const { rooms, project, signal } = examined;
  const check = `load ${name}`;
  const remedy = `Tables are computed all the same; mend connection ${connection} before they are loaded.`;
  try {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]);
    const sink = await rooms.openSink({ name, project, signal: limited, note: () => undefined });
    try {
      const { ok: fine, words, hint } = await sink.probe();
      if (!fine) return warn(check, rooms.redact(words), hint ?? remedy);
      const odd = await oddityOf(examined, name, sink);
      if (odd === undefined) return ok(check, rooms.redact(words));
      return warn(check, rooms.redact(`${words}; ${odd.what}`), odd.remedy);
    } finally {
      await sink.close();
    }
  } catch (error) {
    return warn(check, wordsOf(rooms, error), remedy);
  }
}

const ODD: ReadonlySet<string> = new Set(['changed', 'foreign', 'missing']);

/** What the destination says of itself that deserves a look; rows are not read for it. */
async function oddityOf(
  { rooms, project, ledger }: Examined,
  name: string,
  sink: Sink,
): Promise<{ readonly what: string; readonly remedy: string } | undefined> {
  const release = ledger?.latestRelease();
  if (ledger === undefined || release === undefined) return undefined;
  const graph = buildGraph(project, await rooms.checks());
  const { state, tables } = await answeredLine({ project, ledger, graph, release }, name, sink, { deep: false });
  if (state === 'mixed') return { what: mixedWords(tables), remedy: `dataflow load ${name}` };
  const theirs = tables.find(({ state: its }) => ODD.has(its));
  if (state === 'changed' && theirs !== undefined)
    return { what: `${theirs.name}: ${theirs.words ?? theirs.state}`, remedy: `dataflow load status ${name}` };
  const cut_off = tables.find(({ words }) => words !== null);
  return cut_off && { what: `${cut_off.name}: ${cut_off.words}`, remedy: `dataflow load ${name}` };
}

function wordsOf(rooms: Rooms, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return rooms.redact(message.split('\n')[0] ?? message);
}
