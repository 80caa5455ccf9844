import type { Ledger, StepRecord } from '../../core/ports/ledger.ts';

/**
 * Inputs of a step's last success whose table was lost and made anew since: one that is computed whole gets a version above all before it, unless
 * its log began again. Their versions may look as if nothing had happened.
 */
export function inputsMadeAnew(ledger: Pick<Ledger, 'publishes'>, last: StepRecord): readonly string[] {
  return Object.entries(last.inputs)
    .filter(([table, read]) => ledger.publishes(table, -1, read, last.step_id).some(({ mode }) => mode === 'full'))
    .map(([table]) => table);
}
