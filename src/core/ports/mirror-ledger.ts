import type { MirroredFile, MirrorStanding } from '../model/mirror.ts';

/**
 * What mirrors hold, as the ledger remembers it: it spares questions and tells changes of others from our own. Lost with the ledger it is found again by
 * checksums.
 */
export interface MirrorLedger {
  /** By name. */
  standings(): readonly MirrorStanding[];
  stand(standing: MirrorStanding): void;
  files(mirror: string): ReadonlyMap<string, MirroredFile>;
  record(mirror: string, files: readonly MirroredFile[]): void;
  /** Without paths: everything that is known of the mirror. */
  forget(mirror: string, paths?: readonly string[]): void;
}
