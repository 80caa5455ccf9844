import type { LoadSpec } from '../../core/model/load.ts';
import type { Project } from '../../core/model/project.ts';
import type { Graph } from '../../core/planning/graph.ts';
import type { Lake } from '../../core/ports/lake.ts';
import type { Ledger, ReleaseRecord } from '../../core/ports/ledger.ts';
import type { Rooms } from '../rooms.ts';
import type { LoadTableReport } from './load-report.ts';

export interface LoadOptions {
  readonly name: string;
  /** A word for a release; absent: the newest. */
  readonly release?: string;
  /** All rows of all tables again, whatever is there. */
  readonly full_refresh: boolean;
  readonly dry_run: boolean;
  /** The command line as typed, for the lock. */
  readonly command: string;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
  /** Told again and again how far it is; absent: nobody looks. */
  readonly progress?: (now: LoadMoving) => void;
  /** Told the id under which the load is entered into the ledger. */
  readonly entered?: (run_id: string) => void;
  /** Told of each table once it is committed there. */
  readonly put?: (table: LoadTableReport) => void;
}

/** How far a load is. */
export interface LoadMoving {
  readonly table: string;
  /** Rows of it that went there, roughly. */
  readonly rows: number;
  /** Of the whole load, 0 to 1. */
  readonly share: number;
}

/** What one load works on. */
export interface Loading {
  readonly rooms: Rooms;
  readonly project: Project;
  readonly spec: LoadSpec;
  readonly lake: Lake;
  readonly ledger: Ledger;
  readonly release: ReleaseRecord;
  readonly graph: Graph;
  readonly options: LoadOptions;
  readonly run_id: string;
}
