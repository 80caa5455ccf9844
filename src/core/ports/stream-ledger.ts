import type { StreamPosition } from '../model/stream.ts';

/** Where streams stand, as the ledger remembers it. */
export interface StreamLedger {
  record(position: StreamPosition): void;
  position(stream: string): StreamPosition | undefined;
  positions(): readonly StreamPosition[];
}
