import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { parseTableKey } from '../../core/model/table.ts';
import type { Cause } from '../../core/planning/reasons.ts';
import type { Lake } from '../../core/ports/lake.ts';
import type { Ledger } from '../../core/ports/ledger.ts';

/** A table whose newest version is in the ledger and no longer in the lake. */
export interface LostTable {
  /** `bronze.achats`. */
  readonly table: string;
  /** The version that the ledger knows. */
  readonly known: number;
  /** Where the log ends now; undefined: the table is gone. */
  readonly latest: number | undefined;
}

/** Undefined while the lake holds what the ledger knows of the table. Costs a listing of its log. */
export async function lostTable(
  lake: Pick<Lake, 'latestVersion'>,
  ledger: Pick<Ledger, 'lastSuccess'>,
  key: string,
): Promise<LostTable | undefined> {
  // In this order: a run that is at work publishes first and enters it into the ledger afterwards.
  const known = ledger.lastSuccess(key)?.output_version;
  const table = parseTableKey(key);
  if (known === undefined || table === undefined) return undefined;
  const latest = await lake.latestVersion(table);
  return latest !== undefined && latest >= known ? undefined : { table: key, known, latest };
}

export function lostCause({ known, latest }: LostTable): Cause {
  return latest === undefined ? { kind: 'table_gone' } : { kind: 'table_went_back', from: known, to: latest };
}

/** In words, for a finding or an error. */
export function lostWords({ table, known, latest }: LostTable): string {
  return latest === undefined
    ? `version ${known} of ${table} was published, but the lake has no such table any more`
    : `version ${known} of ${table} was published, but its log ends at version ${latest}`;
}

/**
 * What a source delivered is not loaded again by itself: its files may be gone since, and rows that a person decided on too. Tables that are computed
 * from others are simply computed again.
 */
export function lostError(lost: LostTable): DataflowError {
  return new DataflowError('E_LAKE_CORRUPT', lostWords(lost), {
    kept: 'no table was changed',
    hint: lostRemedy(lost.table),
  });
}

export function lostRemedy(table: string): string {
  return table.startsWith('bronze.')
    ? `Restore its folder from a backup or a mirror; or load its source again: dataflow run --full-refresh --force --select ${table}+`
    : `Restore its folder from a backup or a mirror; or compute it again: dataflow run --select ${table}+`;
}
