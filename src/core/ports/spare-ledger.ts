import type { AlertLedger } from './alert-ledger.ts';
import type { LookupLedger } from './lookup-ledger.ts';
import type { PageLedgerOf } from './page-ledger.ts';
import type { ParityLedger } from './parity-ledger.ts';
import type { TallyLedger } from './tally-ledger.ts';

/** What no table depends on: what may be lost, and what is only looked at. */
export interface SpareLedgerOf<Run extends { readonly status: string }, Step> {
  readonly lookups: LookupLedger;
  readonly parity: ParityLedger;
  readonly alerts: AlertLedger;
  readonly tallies: TallyLedger;
  readonly pages: PageLedgerOf<Run, Step>;
}
