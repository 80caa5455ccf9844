import type { ParityRecord } from '../model/parity.ts';

/** The newest comparison of each table with each engine. No table depends on it: it may be lost, and is not in the lake. */
export interface ParityLedger {
  /** Replaces what was known of the table and engine. */
  record(record: ParityRecord): void;
  records(): readonly ParityRecord[];
}
