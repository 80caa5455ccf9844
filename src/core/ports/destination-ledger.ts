import type { LoadLedger } from './load-ledger.ts';
import type { MirrorLedger } from './mirror-ledger.ts';
import type { StreamLedger } from './stream-ledger.ts';

/** What went out of the lake, by the way that it went. */
export interface DestinationLedger {
  readonly streams: StreamLedger;
  readonly loads: LoadLedger;
  readonly mirrors: MirrorLedger;
}
