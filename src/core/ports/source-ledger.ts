import type { PulledStanding, SourceLook } from '../model/pulled.ts';
import type { Position } from './pulled-source.ts';

/** Where pulled sources stand and what was seen of them, as the ledger remembers it. */
export interface SourceLedger {
  /** Where a source stands. */
  position(source: string): PulledStanding | undefined;
  /** All that stand somewhere. */
  positions(): readonly PulledStanding[];
  /** The source moved on without a record; counts as long as the table stands at `sequence`. */
  recordAhead(source: string, sequence: number, ahead: Position): void;
  /** What a round of a service saw; those of long ago are dropped. */
  recordLooks(looks: readonly SourceLook[]): void;
  /** Of one source since a moment, oldest first. */
  looks(source: string, since_ms: number): readonly SourceLook[];
}
