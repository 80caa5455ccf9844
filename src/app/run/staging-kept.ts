import type { Lake } from '../../core/ports/lake.ts';
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

/** Runs whose failed candidate is the newest word on a table. */
export function failedRuns(ledger: Ledger): ReadonlySet<string> {
  const failed = ledger.latestSteps().filter((step) => step.status === 'failed');
  return new Set(failed.map((step) => step.run_id));
}

/** Takes away what was kept of runs whose failed steps have all succeeded since. @param failed_before {@link failedRuns} before this run's steps. */
export async function discardMended(
  { lake, ledger }: { readonly lake: Lake; readonly ledger: Ledger },
  openLeases: () => Promise<Leases>,
  failed_before: ReadonlySet<string>,
): Promise<void> {
  const still = failedRuns(ledger);
  if ([...failed_before].every((run_id) => still.has(run_id))) return;
  await lake.leftovers(await stagingKept(ledger, await openLeases()), true);
}
