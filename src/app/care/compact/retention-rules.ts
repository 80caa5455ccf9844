import type { Project } from '../../../core/model/project.ts';
import { type Graph, parentsOf } from '../../../core/planning/graph.ts';
import type { CollectionRules } from '../../../core/ports/lake-care.ts';
import type { LeaseRecord } from '../../../core/ports/leases.ts';
import type { Ledger } from '../../../core/ports/ledger.ts';

const DAY_MS = 86_400_000;
/** The newest release and the one before it, so that going back is always possible once. */
const RELEASES_KEPT = 2;

/** What may be collected of each table, by everything that the ledger and the readers say. */
export function collectionRules(
  project: Project,
  graph: Graph,
  ledger: Ledger,
  leases: readonly LeaseRecord[],
  grace_ms: number,
): (table: string) => CollectionRules {
  const kept_ms = Math.max(project.lake.keep.versions_days * DAY_MS, grace_ms);
  const replaced_before_ms = Date.now() - kept_ms;
  const needed = new Map<string, number>();
  for (const node of graph.nodes) {
    const last = ledger.lastSuccess(node.key);
    const hold = ledger.hold(node.key);
    for (const parent of parentsOf(node))
      for (const read of [last?.inputs[parent], hold?.inputs[parent]])
        if (read !== undefined) needed.set(parent, Math.min(read, needed.get(parent) ?? read));
  }
  const holders = [
    ...ledger.releases(RELEASES_KEPT).map(({ tables }) => tables),
    ...leases.map(({ pins = {} }) => pins),
  ];
  return (table) => ({
    replaced_before_ms,
    needed_from: needed.get(table),
    pins: new Set(holders.flatMap((tables) => tables[table] ?? [])),
  });
}
