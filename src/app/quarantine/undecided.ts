import type { FreshnessVerdict } from '../../core/planning/freshness.ts';
import type { Node } from '../../core/planning/graph.ts';
import { type Cause, reasonOf } from '../../core/planning/reasons.ts';
import type { Lake } from '../../core/ports/lake.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import { decidedInput, decidedOf } from '../../medallion/decisions.ts';

/** Decisions about rejected rows of a table that its last success did not know of. They are in the lake, so a crash forgets none. */
export async function undecided(
  open: { readonly lake: Lake; readonly ledger: Ledger },
  node: Node,
): Promise<Extract<Cause, { kind: 'decided' }> | undefined> {
  if (node.layer === 'gold') return undefined;
  const version = await open.lake.latestVersion(decidedOf(node));
  if (version === undefined) return undefined;
  const applied = open.ledger.lastSuccess(node.key)?.inputs[decidedInput(node)] ?? -1;
  return version > applied ? { kind: 'decided', decisions: version - applied } : undefined;
}

/** A step that is up to date otherwise runs for the sake of such decisions. */
export function withDecisions(verdict: FreshnessVerdict, cause: Cause | undefined): FreshnessVerdict {
  if (cause === undefined || verdict.run || verdict.causes.some((one) => one.kind === 'no_data')) return verdict;
  return { ...verdict, run: true, causes: [cause], reason: reasonOf([cause]) };
}
