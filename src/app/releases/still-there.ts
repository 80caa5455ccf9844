import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { ReleaseRecord } from '../../core/ports/ledger.ts';

/**
 * Stops whoever is about to read tables of a release that were made anew since: the number of a version is that of other rows now.
 * @throws DataflowError E_LAKE_NO_VERSION
 */
export function refuseMadeAnew({ release_id }: ReleaseRecord, anew: readonly string[], tables: Iterable<string>): void {
  const lost = [...tables].filter((table) => anew.includes(table));
  if (lost.length === 0) return;
  throw new DataflowError(
    'E_LAKE_NO_VERSION',
    `release ${release_id} is not in the lake any more: ${lost.join(', ')} ${lost.length === 1 ? 'was' : 'were'} lost and made anew since`,
    {
      hint: 'A run that succeeds records a release of the tables as they are now: dataflow run. An older one comes from a mirror: dataflow restore NAME --release ID --to FOLDER.',
    },
  );
}
