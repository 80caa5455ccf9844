import type { FreshnessVerdict } from '../../core/planning/freshness.ts';
import type { Node } from '../../core/planning/graph.ts';
import { type Cause, onlyTests, reasonOf } from '../../core/planning/reasons.ts';
import type { Lake } from '../../core/ports/lake.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import { decidedOf, decisionsOf } from '../../medallion/decisions.ts';
import { undoneDecisions } from './redo-decisions.ts';

/** Decisions about rejected rows of a table that its last success did not know of. They are in the lake, so a crash forgets none. */
export async function undecided(
  open: { readonly lake: Lake; readonly ledger: Ledger; readonly redo?: boolean },
  node: Node,
): Promise<Extract<Cause, { kind: 'decided' }> | undefined> {
  if (node.layer === 'gold') return undefined;
  if ((await open.lake.latestVersion(decidedOf(node))) === undefined) return undefined;
  const { pending } = await decisionsOf(open, node);
  const again = open.redo === true && pending === 0 ? (await undoneDecisions(open, node)).length : 0;
  if (again > 0) return { kind: 'decided', decisions: again };
  return pending > 0 ? { kind: 'decided', decisions: pending } : undefined;
}

/** A step that is up to date otherwise runs for the sake of such decisions. */
export function withDecisions(verdict: FreshnessVerdict, cause: Cause | undefined): FreshnessVerdict {
  if (cause === undefined || verdict.causes.some((one) => one.kind === 'no_data')) return verdict;
  if (verdict.run && !onlyTests(verdict.causes)) return verdict;
  if (verdict.run)
    return { ...verdict, causes: [cause, ...verdict.causes], reason: reasonOf([cause, ...verdict.causes]) };
  return { ...verdict, run: true, causes: [cause], reason: reasonOf([cause]) };
}
