import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Ledger, ReleaseRecord } from '../../core/ports/ledger.ts';
import { findRelease } from '../releases/find-release.ts';

/** The release that a word means, or the newest. @throws DataflowError E_NO_RELEASE */
export function releaseFor(ledger: Ledger, word: string | undefined): ReleaseRecord {
  if (word !== undefined) return findRelease(ledger, word);
  const release = ledger.latestRelease();
  if (release !== undefined) return release;
  throw new DataflowError('E_NO_RELEASE', 'there is no release yet', {
    hint: 'A run that succeeds records one: dataflow run',
  });
}
