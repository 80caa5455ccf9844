import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Probe } from '../../core/ports/pulled-source.ts';
import type {
  Comparison,
  Outline,
  OutRows,
  Sink,
  SinkComponent,
  SinkLoad,
  SinkRequest,
  SinkTable,
  Standing,
} from '../../core/ports/sink.ts';
import type { SqliteConnection } from './connection.ts';
import { type Database, openForWriting, written } from './driver.ts';
import { beginWriting, commitsOfOthers, compareTable, SqliteLoad } from './sink-load.ts';
import { CREATION, readState, type SqliteState, standingOf } from './sink-state.ts';
import { outlineOf } from './sink-tables.ts';

/** Files as the way out: `loads:` over a connection of `type: sqlite`. */
export const component: SinkComponent = {
  type: 'sqlite',
  open: async (request) => new SqliteSink(request),
};

/** Opens the file when it is first asked; a file that is not there holds nothing, and is made by the first load. */
class SqliteSink implements Sink {
  readonly place: string;
  readonly whole_release = true;
  readonly #request: SinkRequest;
  readonly #path: string;
  #opened: Database | undefined;
  #seen: SqliteState = new Map();
  /** What SQLite counts up with each commit of somebody else; undefined: nobody looked yet. */
  #commits: number | undefined;

  constructor(request: SinkRequest) {
    const { path } = request.connection.options as SqliteConnection;
    this.#request = request;
    this.#path = resolve(request.root, path);
    this.place = path;
  }

  async standing(
    tables: readonly Pick<SinkTable, 'table' | 'name'>[],
    { deep }: { readonly deep: boolean },
  ): Promise<ReadonlyMap<string, Standing>> {
    const db = this.#there();
    if (db === undefined) return new Map();
    return written(this.place, () => {
      this.#commits = commitsOfOthers(db);
      this.#seen = readState(db, this.#request.id);
      return new Map(tables.map((table) => [table.table, standingOf(db, this.#seen, table, deep)]));
    });
  }

  async outline(table: SinkTable): Promise<Outline> {
    return written(this.place, () => outlineOf(this.#there(), table));
  }

  async begin(): Promise<SinkLoad> {
    this.#request.signal.throwIfAborted();
    const db = this.#db();
    beginWriting(db, this.place, this.#commits);
    written(this.place, () => db.exec(CREATION));
    return new SqliteLoad(db, this.place, this.#request.id, this.#seen);
  }

  async compare(table: SinkTable, rows: OutRows): Promise<Comparison> {
    return await compareTable(this.#db(), this.place, table, rows);
  }

  async probe(): Promise<Probe> {
    try {
      const db = this.#there();
      if (db === undefined && !existsSync(dirname(this.#path)))
        return {
          ok: false,
          words: `the folder of ${this.place} is not there`,
          hint: 'Make the folder, or correct `path:`.',
        };
      return { ok: true, words: db === undefined ? 'made by the first load' : 'a SQLite database' };
    } catch (error) {
      return { ok: false, words: error instanceof DataflowError ? error.message : String(error) };
    }
  }

  async close(): Promise<void> {
    this.#opened?.close();
    this.#opened = undefined;
  }

  #there(): Database | undefined {
    return this.#opened ?? (existsSync(this.#path) ? this.#db() : undefined);
  }

  #db(): Database {
    this.#opened ??= openForWriting(this.#path, this.place);
    return this.#opened;
  }
}
