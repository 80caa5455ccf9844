import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { makeFolders } from '../../kit/make-folders.ts';

/** With more of them something else is wrong than single rows. */
const REFUSED_MAX = 1000;

/** One row that a destination could not hold. */
export interface RefusedRecord {
  readonly release_id: string;
  readonly version: number;
  readonly reason: string;
  /** As JSON. */
  readonly row: string;
}

/** Where they are kept: `_dataflow/refused/<load>/<table>.ndjson`, those of the last load of a table that moved rows. */
export class RefusedRows {
  readonly #folder: string;

  constructor(state_folder: string, load: string) {
    this.#folder = join(state_folder, 'refused', load);
  }

  of(table: string): RefusedTable {
    return new RefusedTable(this.#folder, table);
  }
}

class RefusedTable {
  readonly #folder: string;
  readonly #table: string;
  #count = 0;

  constructor(folder: string, table: string) {
    this.#folder = folder;
    this.#table = table;
  }

  /** @throws DataflowError E_LOAD_REFUSED when there are too many. */
  add(record: RefusedRecord): void {
    const path = join(this.#folder, `${this.#table}.ndjson`);
    if (this.#count === 0) rmSync(path, { force: true });
    this.#count += 1;
    if (this.#count > REFUSED_MAX)
      throw new DataflowError(
        'E_LOAD_REFUSED',
        `more than ${REFUSED_MAX} rows of ${this.#table} are refused, the last one: ${record.reason}`,
        {
          kept: `the first of them are in ${path}`,
        },
      );
    makeFolders(this.#folder, 0o700);
    appendFileSync(path, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  }

  /** None of an earlier load stays when there are none now. */
  close(): void {
    if (this.#count === 0) rmSync(join(this.#folder, `${this.#table}.ndjson`), { force: true });
  }
}
