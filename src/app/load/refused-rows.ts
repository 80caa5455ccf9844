import { appendFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { HeldTable } from '../../core/model/load.ts';
import { makeFolders } from '../../kit/make-folders.ts';

/** With more of them something else is wrong than single rows. */
const REFUSED_MAX = 1000;
/** Below the state of the lake. */
const REFUSED_FOLDER = 'refused';
const ENDING = '.ndjson';

/** One row that a destination could not hold. */
export interface RefusedRecord {
  readonly release_id: string;
  readonly version: number;
  readonly reason: string;
  /** As JSON. */
  readonly row: string;
}

/**
 * Where they are kept: `_dataflow/refused/<load>/<table>.ndjson`, those of the version that the destination holds. Until a load is committed they lie
 * beside it.
 */
export class RefusedRows {
  readonly #folder: string;
  readonly #written: RefusedTable[] = [];

  constructor(state_folder: string, load: string) {
    this.#folder = join(state_folder, REFUSED_FOLDER, load);
  }

  /** What a load left behind that was killed: it counts if it was committed. */
  settle(table: string, held: Pick<HeldTable, 'release_id' | 'version' | 'refused'> | undefined): void {
    const one = new RefusedTable(this.#folder, table);
    const [first] = one.waiting();
    if (first !== undefined && first.release_id === held?.release_id && first.version === held.version) one.keep();
    else one.drop();
    if (held !== undefined && held.refused === undefined) rmSync(one.path, { force: true });
  }

  of(table: string): RefusedTable {
    const made = new RefusedTable(this.#folder, table);
    this.#written.push(made);
    return made;
  }

  /** The destination holds what was put there: the rows of earlier versions are those of nobody. */
  committed(): void {
    for (const one of this.#written.splice(0)) one.keep();
  }
}

class RefusedTable {
  readonly path: string;
  readonly #folder: string;
  readonly #table: string;
  readonly #waiting: string;
  #count = 0;

  constructor(folder: string, table: string) {
    this.#folder = folder;
    this.#table = table;
    this.path = join(folder, `${table}${ENDING}`);
    this.#waiting = `${this.path}.next`;
  }

  /** @throws DataflowError E_LOAD_REFUSED when there are too many. */
  add(record: RefusedRecord): void {
    if (this.#count === 0) this.drop();
    this.#count += 1;
    if (this.#count > REFUSED_MAX)
      throw new DataflowError(
        'E_LOAD_REFUSED',
        `more than ${REFUSED_MAX} rows of ${this.#table} are refused, the last one: ${record.reason}`,
        {
          kept: `the first of them are in ${this.#waiting}`,
        },
      );
    makeFolders(this.#folder, 0o700);
    appendFileSync(this.#waiting, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  }

  waiting(): readonly RefusedRecord[] {
    return existsSync(this.#waiting) ? refusedRecords(this.#waiting) : [];
  }

  /** What waited is kept; without any, none of an earlier version stays. */
  keep(): void {
    if (existsSync(this.#waiting)) renameSync(this.#waiting, this.path);
    else rmSync(this.path, { force: true });
  }

  drop(): void {
    rmSync(this.#waiting, { force: true });
  }
}

function refusedRecords(path: string): readonly RefusedRecord[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  // A last line without end was being written when the program was killed.
  return lines.slice(0, -1).map((line) => JSON.parse(line) as RefusedRecord);
}

/** Rows of one table that one destination could not hold. */
export interface KeptRefused {
  readonly load: string;
  readonly table: string;
  readonly path: string;
  readonly rows: number;
  /** Of the first one. */
  readonly reason: string;
}

/** All of them, for whoever asks what lies aside; changes nothing. */
export function keptRefused(state_folder: string): readonly KeptRefused[] {
  const root = join(state_folder, REFUSED_FOLDER);
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .sort()
    .flatMap((load) =>
      readdirSync(join(root, load))
        .filter((name) => name.endsWith(ENDING))
        .sort()
        .map((name) => {
          const path = join(root, load, name);
          const records = refusedRecords(path);
          return {
            ...{ load, table: name.slice(0, -ENDING.length), path },
            ...{ rows: records.length, reason: records[0]?.reason ?? '' },
          };
        }),
    );
}
