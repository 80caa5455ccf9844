import type { LoadRecord } from '../model/load.ts';

/** What destinations hold, as the ledger remembers it; the destination itself knows best. */
export interface LoadLedger {
  /** Replaces what is remembered of these tables of the load. */
  record(records: readonly LoadRecord[]): void;
  /** By load and table; `load` narrows. */
  records(load?: string): readonly LoadRecord[];
}
