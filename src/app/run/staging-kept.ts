import type { Leases } from '../../core/ports/leases.ts';
import type { Ledger } from '../../core/ports/ledger.ts';

/**
 * Whose staging must stay: runs and others that are at work, and runs whose failed candidate is still the newest word on a table.
 * @param failed_since_ms failures before this moment no longer count.
 */
export async function stagingKept(
  ledger: Ledger,
  leases: Leases,
  failed_since_ms = Number.NEGATIVE_INFINITY,
): Promise<ReadonlySet<string>> {
  const kept = new Set((await leases.live()).map((lease) => lease.lease_id));
  for (const step of ledger.latestSteps())
    if (step.status === 'failed' && Date.parse(step.started_at) >= failed_since_ms) kept.add(step.run_id);
  for (const run of ledger.runs(50)) if (run.status === 'running') kept.add(run.run_id);
  return kept;
}
