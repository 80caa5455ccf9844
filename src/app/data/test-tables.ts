import type { Project } from '../../core/model/project.ts';
import { parseTableKey } from '../../core/model/table.ts';
import type { Graph } from '../../core/planning/graph.ts';
import { parentsOf } from '../../core/planning/graph.ts';
import type { Engine } from '../../core/ports/engine.ts';
import type { Lake, Snapshot } from '../../core/ports/lake.ts';
import type { TestResult } from '../../core/ports/ledger.ts';
import type { CheckComponent } from '../../core/ports/rule.ts';
import { runTests } from '../../medallion/audit.ts';
import { bindPublished } from '../../medallion/audit-published.ts';

export interface TableTest extends TestResult {
  readonly table: string;
  readonly version: number;
}

/** Runs the declared tests on the published versions of the selected tables: what `dataflow test` prints. Changes nothing. */
export async function testTables(
  open: {
    readonly project: Project;
    readonly graph: Graph;
    readonly lake: Lake;
    readonly checks: ReadonlyMap<string, CheckComponent>;
    readonly engine: Engine;
  },
  selected: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<readonly TableTest[]> {
  const results: TableTest[] = [];
  for (const node of open.graph.nodes) {
    if (!selected.has(node.key) || node.layer === 'bronze' || node.spec.tests.length === 0) continue;
    const snapshot = await open.lake.snapshot({ layer: node.layer, name: node.name });
    if (snapshot === undefined) continue;
    const session = await open.engine.openSession({ label: `test/${node.key}`, signal });
    try {
      const inputs = new Map<string, Snapshot>();
      for (const parent of parentsOf(node)) {
        const table = parseTableKey(parent);
        const other = table === undefined ? undefined : await open.lake.snapshot(table);
        if (other !== undefined) inputs.set(parent, other);
      }
      await bindPublished(session, node.key, snapshot, inputs);
      const found = await runTests(
        { checks: open.checks, now_ms: Date.now() },
        session,
        node.spec.tests,
        snapshot.columns,
        undefined,
      );
      results.push(...found.map((result) => ({ table: node.key, version: snapshot.version, ...result })));
    } finally {
      await session.close();
    }
  }
  return results;
}
