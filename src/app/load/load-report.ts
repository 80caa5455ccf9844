import type { LoadMode } from '../../core/model/load.ts';
import type { LoadAction } from './load-plan.ts';

/** What a load did with one table, or would do. */
export interface LoadTableReport {
  readonly table: string;
  /** At the destination. */
  readonly name: string;
  readonly mode: LoadMode;
  readonly action: LoadAction;
  readonly reason: string;
  /** Null: the destination held none. */
  readonly version_from: number | null;
  readonly version_to: number;
  readonly inserts: number;
  readonly updates: number;
  readonly deletes: number;
  /** Rows at the destination afterwards. */
  readonly rows: number;
  /** Rows that the destination could not hold: they are kept in `_dataflow/refused/`. */
  readonly refused: number;
  /** Statements that change tables of the destination. */
  readonly statements: readonly string[];
  readonly remarks: readonly string[];
  readonly wall_ms: number;
}

export interface LoadReport {
  readonly load: string;
  readonly connection: string;
  readonly place: string;
  readonly release_id: string;
  /** `up_to_date`: the destination held the release already. */
  readonly status: 'loaded' | 'up_to_date' | 'planned';
  readonly run_id: string;
  readonly tables: readonly LoadTableReport[];
  readonly inserts: number;
  readonly updates: number;
  readonly deletes: number;
  readonly view_statements: readonly string[];
  readonly attempts: number;
  /** From the moment when the release was made to the end of the load. */
  readonly refresh_ms: number;
  readonly wall_ms: number;
  readonly dry_run: boolean;
}
