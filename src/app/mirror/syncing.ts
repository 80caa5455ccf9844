import type { MirroredFile, MirrorSpec } from '../../core/model/mirror.ts';
import type { Project } from '../../core/model/project.ts';
import type { FarStorage } from '../../core/ports/far-storage.ts';
import type { LakeCare } from '../../core/ports/lake-care.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import type { AdaptivePool } from '../../kit/adaptive-pool.ts';
import type { NearSide } from './near-side.ts';

export interface SyncOptions {
  readonly name: string;
  /** Replace what others changed there. */
  readonly force: boolean;
  /** Remove what the lake no longer has; absent: as the mirror says. */
  readonly remove?: boolean;
  readonly max_delete_pct?: number;
  readonly dry_run: boolean;
  /** The command line as typed, for the lock. */
  readonly command: string;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
  readonly progress: (progress: SyncProgress) => void;
}

export interface SyncProgress {
  readonly phase: 'comparing' | 'putting' | 'reading back' | 'fetching';
  readonly files: number;
  readonly files_total: number;
  readonly bytes: number;
  readonly bytes_total: number;
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
