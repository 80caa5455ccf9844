import { statSync } from 'node:fs';
import type { SqliteDatabase, SqliteDriver, SqliteStatement } from './sqlite.ts';

/** Statements that a kept database holds ready; with more than that it begins anew. */
const STATEMENTS_MAX = 256;

/** Open, and waiting for the next reader; by path. There are never more of them than were in use at the same time. */
const idle = new Map<string, KeptDatabase[]>();

/**
 * Opens a database for reading, or takes one that this process has open. The addon closes the files of a database only when all its statements were
 * collected as garbage: a process that lives long and opened the ledger for each look would hold more and more of them. One that
 * is given back has no page in memory, and is taken again only while the path leads to the very files that it has open; so its reader sees what
 * one would see that opens the file.
 */
export function openKept(open: SqliteDriver, path: string): SqliteDatabase {
  const files = filesOf(path);
  // Those of other files, which were there before, end as garbage.
  const usable = (idle.get(path) ?? []).filter((one) => one.files === files);
  const taken = usable.pop();
  idle.set(path, usable);
  if (taken !== undefined) return taken;
  const db = open(path, { readOnly: true });
  // The first look makes the log's files where there are none.
  db.exec('pragma user_version');
  const opened = filesOf(path);
  const sure = opened.split(' ')[0] === files.split(' ')[0];
  return new KeptDatabase(db, path, sure ? opened : undefined);
}

/** The database, its log and the index of the log: they belong together. */
function filesOf(path: string): string {
  return ['', '-wal', '-shm']
    .map((end) => {
      const stat = statSync(path + end, { bigint: true, throwIfNoEntry: false });
      return stat === undefined ? 'none' : `${stat.dev}.${stat.ino}`;
    })
    .join(' ');
}

class KeptDatabase implements SqliteDatabase {
  /** Which files it has open; undefined when that is not sure. */
  readonly files: string | undefined;
  readonly #db: SqliteDatabase;
  readonly #path: string;
  readonly #statements = new Map<string, SqliteStatement>();
  #failed = false;

  constructor(db: SqliteDatabase, path: string, files: string | undefined) {
    this.#db = db;
    this.#path = path;
    this.files = files;
  }

  exec(sql: string): void {
    this.#told(() => this.#db.exec(sql));
  }

  prepare(sql: string): SqliteStatement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    if (this.#statements.size >= STATEMENTS_MAX) this.#statements.clear();
    const made = this.#told(() => this.#db.prepare(sql));
    const statement: SqliteStatement = {
      run: (...values) => this.#told(() => made.run(...values)),
      get: (...values) => this.#told(() => made.get(...values)),
      all: (...values) => this.#told(() => made.all(...values)),
    };
    this.#statements.set(sql, statement);
    return statement;
  }

  /** Gives it back; after an error nobody is to take it again. */
  close(): void {
    if (this.#failed || this.files === undefined || this.files !== filesOf(this.#path)) {
      this.#statements.clear();
      this.#db.close();
      return;
    }
    // What others than SQLite wrote over it in its place is seen by the next reader too.
    this.#db.exec('pragma shrink_memory');
    idle.set(this.#path, [...(idle.get(this.#path) ?? []), this]);
  }

  #told<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.#failed = true;
      throw error;
    }
  }
}
