import type { MirroredFile, MirrorSpec } from '../../core/model/mirror.ts';
import type { Project } from '../../core/model/project.ts';
import type { FarStorage } from '../../core/ports/far-storage.ts';
import type { LakeCare } from '../../core/ports/lake-care.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import type { AdaptivePool } from '../../kit/adaptive-pool.ts';
import type { NearSide } from './near-side.ts';
import type { TransferOptions } from './transfer.ts';

export interface SyncOptions extends TransferOptions {
  /** Replace what others changed there. */
  readonly force: boolean;
  /** Remove what the lake no longer has; absent: as the mirror says. */
  readonly remove?: boolean;
  readonly max_delete_pct?: number;
}

/** What one sync works on. */
export interface Syncing {
  readonly project: Project;
  readonly spec: MirrorSpec;
  readonly options: SyncOptions;
  readonly ledger: Ledger;
  readonly care: LakeCare;
  readonly far: FarStorage;
  readonly pool: AdaptivePool;
  readonly near: NearSide;
  readonly known: ReadonlyMap<string, MirroredFile>;
}
