import type { Column, TableId } from '../../core/model/table.ts';
import type { PlannedRows } from './planned-rows.ts';
import type { ServedRelease } from './served-release.ts';

/** A release in use; `done` is called once it was read. */
export interface InUse {
  readonly release: ServedRelease;
  /** The rows of its tables, where tables are answered from. */
  readonly rows: PlannedRows;
  /** A table as it is answered. @throws DataflowError E_SERVE_UNKNOWN, E_SERVE_GONE */
  table(key: string): Promise<ServedTable>;
  done(): void;
}

/** What answers say of a table. */
export interface ServedTable {
  readonly id: TableId;
  readonly version: number;
  readonly rows: number;
  readonly columns: readonly Column[];
  readonly key_columns: readonly string[];
  readonly partition_by: readonly string[];
}
