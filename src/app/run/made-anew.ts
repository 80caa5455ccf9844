import type { Ledger, ReleaseRecord, StepRecord } from '../../core/ports/ledger.ts';
import type { Hold } from '../../core/ports/undo.ts';

type Publishes = Pick<Ledger, 'publishes'>;

/**
 * Inputs of a step whose table was lost and made anew since its last success: one that is computed whole gets a version above all before it, unless
 * its log began again. Their versions may look as if nothing had happened. An undo remembers versions of its own.
 */
export function inputsMadeAnew(ledger: Publishes, last: StepRecord, hold?: Hold): readonly string[] {
  const read = Object.entries(last.inputs).map(([table, version]): [string, number] => [
    table,
    Math.max(version, hold?.inputs[table] ?? version),
  ]);
  return read
    .filter(([table, version]) => ledger.publishes(table, -1, version, last.step_id).some(isWhole))
    .map(([table]) => table);
}

/** Tables of a release that were lost and made anew since it was recorded: the versions that it names are those of another table now, or of none. */
export function releasedMadeAnew(
  ledger: Publishes & Pick<Ledger, 'steps'>,
  { release_id, run_id, tables }: ReleaseRecord,
): readonly string[] {
  const after = ledger.steps(run_id).at(-1)?.step_id;
  // A ledger that was made from the lake may not know that run any more.
  const came = ({ step_id }: StepRecord): boolean => after !== undefined || step_id > release_id;
  return Object.entries(tables)
    .filter(([table, version]) => ledger.publishes(table, -1, version, after).some((one) => isWhole(one) && came(one)))
    .map(([table]) => table);
}

function isWhole({ mode }: StepRecord): boolean {
  return mode === 'full';
}
