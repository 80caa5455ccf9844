import type { ReleaseMarker } from '../../core/model/mirror.ts';
import type { Project } from '../../core/model/project.ts';
import type { FarStorage } from '../../core/ports/far-storage.ts';
import type { Rooms } from '../rooms.ts';
import type { FarListing, WantedTable } from './far-tables.ts';
import type { TransferOptions } from './transfer.ts';

export interface RestoreOptions extends TransferOptions {
  readonly table?: string;
  readonly version?: number;
  /** A release id, or its beginning; absent: the newest there. */
  readonly release?: string;
  /** Absolute path of the folder to make; absent: the lake itself. */
  readonly to?: string;
}

export interface RestoredTable {
  readonly table: string;
  readonly version: number;
  readonly files: number;
  /** Files that were brought back; the others were there and whole. */
  readonly files_fetched: number;
  readonly bytes_fetched: number;
}

/** A file of the lake that is damaged and that the mirror does not have. */
export interface LeftDamage {
  readonly table: string;
  /** Relative to the lake. */
  readonly path: string;
}

export interface RestoreReport {
  readonly mirror: string;
  readonly place: string;
  readonly release_id: string;
  /** `copied`: a lake was made. `mended`: files of the lake that were missing or damaged were put back. */
  readonly what: 'copied' | 'mended';
  readonly to: string;
  readonly tables: readonly RestoredTable[];
  readonly files_fetched: number;
  readonly bytes_fetched: number;
  /** There from an earlier attempt that was stopped. */
  readonly files_resumed: number;
  readonly left: readonly LeftDamage[];
  readonly wall_ms: number;
  readonly dry_run: boolean;
}

/** What restoring works on. */
export interface Restoring {
  readonly rooms: Rooms;
  readonly project: Project;
  readonly options: RestoreOptions;
  readonly far: FarStorage;
  readonly listing: FarListing;
  readonly marker: ReleaseMarker;
  readonly tables: readonly WantedTable[];
}

export type Restored = Pick<RestoreReport, 'tables' | 'files_fetched' | 'bytes_fetched' | 'files_resumed' | 'left'>;
