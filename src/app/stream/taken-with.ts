import type { Project } from '../../core/model/project.ts';
import { parseTableKey } from '../../core/model/table.ts';
import { buildGraph, descendantsOf, parentsOf } from '../../core/planning/graph.ts';
import type { Rooms } from '../rooms.ts';

/**
 * What a batch of sources is taken with, as a selection: the sources, all that depends on them, and what that reads besides, as long as it has no table
 * yet. Without it, say a source of files, what depends on both would never be made.
 */
export async function takenWith(
  rooms: Rooms,
  project: Project,
  sources: ReadonlySet<string>,
): Promise<readonly string[]> {
  const graph = buildGraph(project, await rooms.checks());
  const behind = descendantsOf(graph, sources);
  const lake = await rooms.openLake(project);
  const unmade = new Set<string>();
  const look = async (key: string): Promise<void> => {
    const node = graph.byKey.get(key);
    for (const parent of node === undefined ? [] : parentsOf(node)) {
      const table = parseTableKey(parent);
      if (table === undefined || sources.has(parent) || behind.has(parent) || unmade.has(parent)) continue;
      if ((await lake.latestVersion(table)) !== undefined) continue;
      unmade.add(parent);
      await look(parent);
    }
  };
  for (const key of behind) await look(key);
  return [...[...sources].map((key) => `${key}+`), ...unmade];
}
