import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { Snapshot } from '../../../core/ports/lake.ts';
import type { SealedUnit } from '../../../core/ports/landing-place.ts';
import { timeOfId } from '../../../kit/ids.ts';
import { keptMessage } from '../../publish.ts';
import type { RefusedUnit } from '../refused.ts';
import type { BronzeStep } from '../step.ts';

/** Rules that tell of other columns than those that are known. */
const DRIFT_RULES: readonly string[] = ['extra_columns', 'missing_columns'];

const OF_CONTENT: readonly string[] = [
  'E_SCHEMA_CHANGED',
  'E_SOURCE_IO',
  'E_REJECTS_LIMIT',
  'E_TESTS_FAILED',
  'E_BALANCE',
  'E_TYPE_UNSUPPORTED',
  'E_ENGINE',
  'E_INTERNAL',
];

/** The same content would fail again: what was landed is no longer of use, its source must be asked. */
export function failsByContent(error: unknown): boolean {
  return error instanceof DataflowError && OF_CONTENT.includes(error.code);
}

/** A landed whole that is older tells of a state that is long gone: its source is asked again. */
const WHOLE_MS_MAX = 24 * 60 * 60 * 1000;

export function isStale({ units }: { readonly units: readonly Pick<SealedUnit, 'pull'>[] }, now_ms: number): boolean {
  return units.some(({ pull }) => now_ms - timeOfId(pull) > WHOLE_MS_MAX);
}

/**
 * What replaces all there was must be whole: without the rows of a refused unit it would be a state that never was, and the published rows would go.
 * @throws DataflowError E_SCHEMA_CHANGED, E_SOURCE_IO
 */
export function refuseWhole(step: BronzeStep, snapshot: Snapshot | undefined, refused: readonly RefusedUnit[]): void {
  const [first] = refused;
  if (first === undefined || snapshot === undefined || snapshot.rows === 0) return;
  const drift = refused.find((one) => DRIFT_RULES.includes(one.rule));
  const { record, reason } = drift ?? first;
  const what = `${refused.length} ${refused.length === 1 ? 'unit' : 'units'} of what was to replace all rows cannot be taken`;
  throw new DataflowError(
    drift === undefined ? 'E_SOURCE_IO' : 'E_SCHEMA_CHANGED',
    `${step.node.key}: ${what} (${record.path}: ${reason})`,
    {
      kept: keptMessage(step, snapshot),
      hint:
        drift === undefined
          ? 'Look at the source, then run again: it is asked once more.'
          : 'Declare the columns, or accept them with `schema_change: evolve` or `discard_value`; then run again.',
    },
  );
}
