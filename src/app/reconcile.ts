import { outcomeFrom } from '../core/model/step-note.ts';
import { parseTableKey } from '../core/model/table.ts';
import type { Graph } from '../core/planning/graph.ts';
import type { Lake } from '../core/ports/lake.ts';
import type { Ledger } from '../core/ports/ledger.ts';

/**
 * Decision 2: the lake is the truth. Commits that the ledger does not know (a crash came between the two) are entered from
 * the notes they carry, so that nothing is loaded twice. Costs one folder listing per table when all is well.
 * Returns one line per commit that was entered.
 */
export async function reconcile(graph: Graph, lake: Lake, ledger: Ledger): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const node of graph.nodes) {
    const table = parseTableKey(node.key);
    if (table === undefined) continue;
    const latest = await lake.latestVersion(table);
    const known = ledger.lastSuccess(node.key)?.output_version ?? -1;
    if (latest === undefined || latest <= known) continue;
    for (const entry of await lake.history(table)) {
      if (entry.version <= known || entry.note === undefined || entry.note.step !== node.key) continue;
      ledger.finishStep(outcomeFrom(entry.note, entry.version, entry.committed_at_ms));
      lines.push(`${node.key} version ${entry.version} was published before a crash; the ledger knows it now`);
    }
  }
  return lines;
}
