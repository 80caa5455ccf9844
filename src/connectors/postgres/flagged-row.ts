import { rowHash, type TakenRows } from '../../kit/taken-rows.ts';

/** Flags of a row that is read by cursor: a digit and a comma before its first column, as the query of `sectionCopy` writes them. */
export const MAYBE_TAKEN = 1;
export const TO_REMEMBER = 2;
export const KNOWN = 4;

const FLAG_BYTES = 2;
const ZERO = 0x30;

/** The row itself. */
export function rowOf(record: Buffer): Buffer {
  return record.subarray(FLAG_BYTES);
}

/**
 * Whether a row was not taken yet.
 * @param taken what was met up to now. @param remembered gets what has to be known when it is met again.
 */
export function isNewRow(record: Buffer, taken: TakenRows, remembered?: TakenRows): boolean {
  const flags = (record[0] ?? ZERO) - ZERO;
  const known = (flags & KNOWN) !== 0;
  if ((flags & (MAYBE_TAKEN | TO_REMEMBER)) === 0) return !known;
  const hash = rowHash(rowOf(record));
  if ((flags & TO_REMEMBER) !== 0) remembered?.add(hash);
  return !known && !((flags & MAYBE_TAKEN) !== 0 && taken.has(hash));
}
