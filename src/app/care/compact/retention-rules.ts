import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { Project } from '../../../core/model/project.ts';
import { type TableId, tableKey } from '../../../core/model/table.ts';
import { type Graph, parentsOf } from '../../../core/planning/graph.ts';
import type { HistoryEntry, Lake } from '../../../core/ports/lake.ts';
import type { CollectionRules } from '../../../core/ports/lake-care.ts';
import type { LeaseRecord } from '../../../core/ports/leases.ts';
import type { Ledger } from '../../../core/ports/ledger.ts';
import { versionBefore } from '../../releases/undo-plan.ts';

const DAY_MS = 86_400_000;
/** The newest release and the one before it, so that going back is always possible once. */
const RELEASES_KEPT = 2;

/**
 * What may be collected of each table, by everything that the ledger, the kept releases and the readers say. A release holds the versions
 * that it names, and those that an undo to it puts back: after a compaction, or for decisions about rejected rows, these are others.
 */
export function collectionRules(
  project: Project,
  graph: Graph,
  ledger: Ledger,
  leases: readonly LeaseRecord[],
  grace_ms: number,
): (table: TableId, history: readonly HistoryEntry[]) => CollectionRules {
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
  const releases = [...ledger.releases(RELEASES_KEPT), ...ledger.keptReleases()];
  const run_ids = ledger.runIds();
  const later = releases.map(({ run_id }) => new Set(run_ids.slice(run_ids.indexOf(run_id) + 1)));
  // The next publish or load compares with the version that went out last.
  const streamed = ledger.streams
    .positions()
    .map(({ table, version, target }) => ({ [table]: Math.min(version, target) }));
  const loaded = ledger.loads.records().map(({ table, version }) => ({ [table]: version }));
  const holders = [
    ...releases.map(({ tables }) => tables),
    ...leases.map(({ pins = {} }) => pins),
    ...streamed,
    ...loaded,
  ];
  return (table, history) => {
    const key = tableKey(table);
    const named = holders.flatMap((tables) => tables[key] ?? []);
    const back = later.flatMap((undone) => versionBefore(history, undone) ?? []);
    return { replaced_before_ms, needed_from: needed.get(key), pins: new Set([...named, ...back]) };
  };
}

/** The log for {@link collectionRules}. Of a damaged log nothing is collected, whatever the rules are. */
export async function readableHistory(lake: Lake, table: TableId): Promise<readonly HistoryEntry[]> {
  try {
    return await lake.history(table);
  } catch (error) {
    if (error instanceof DataflowError && error.code === 'E_LAKE_CORRUPT') return [];
    throw error;
  }
}
