import type { LookupLedger } from './lookup-ledger.ts';
import type { ParityLedger } from './parity-ledger.ts';
import type { TallyLedger } from './tally-ledger.ts';

/** What no table depends on: it may be lost. */
export interface SpareLedger {
  readonly lookups: LookupLedger;
  readonly parity: ParityLedger;
  readonly tallies: TallyLedger;
}
