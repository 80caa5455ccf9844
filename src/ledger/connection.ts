import { ledgerError } from './errors.ts';
import type { SqliteDatabase, SqliteStatement, SqlRow, SqlValue } from './sqlite.ts';

/** Whether a commit waits for the disk: always, or only where the file itself is written. `none`: there are no commits, it is open for reading. */
type Durability = 'full' | 'normal' | 'off' | 'none';

/**
 * One open database: prepared statements are kept, values are bound, errors leave as those of the catalogue.
 * Every method throws DataflowError E_LEDGER_BUSY, E_LEDGER_CORRUPT, E_LEDGER_READ_ONLY or E_LAKE_IO.
 */
export class Connection {
  /** Path of the ledger, for messages. */
  readonly file: string;
  readonly #db: SqliteDatabase;
  readonly #statements = new Map<string, SqliteStatement>();
  readonly #synchronous: Durability;
  /** What the database was told last. */
  #told: Durability;
  #open = true;

  constructor(db: SqliteDatabase, file: string, synchronous: Exclude<Durability, 'normal'> = 'full') {
    this.#db = db;
    this.file = file;
    this.#synchronous = synchronous;
    this.#told = synchronous;
  }

  exec(sql: string): void {
    this.guard(() => this.#db.exec(sql));
  }

  /** Returns the id of the row that was inserted last. */
  run(sql: string, ...values: SqlValue[]): number {
    return this.guard(() => Number(this.#prepared(sql).run(...values).lastInsertRowid));
  }

  get(sql: string, ...values: SqlValue[]): SqlRow | undefined {
    return this.guard(() => this.#prepared(sql).get(...values) as SqlRow | undefined);
  }

  all(sql: string, ...values: SqlValue[]): readonly SqlRow[] {
    return this.guard(() => this.#prepared(sql).all(...values) as SqlRow[]);
  }

  /** All of `work` or nothing. Takes the write lock first, so that what is read inside stays true until the end. */
  transaction<T>(work: () => T): T {
    this.#tell(this.#synchronous);
    return this.#transaction(work);
  }

  #transaction<T>(work: () => T): T {
    this.exec('begin immediate');
    try {
      const result = work();
      this.exec('commit');
      return result;
    } catch (error) {
      // SQLite rolls back by itself after some errors (disk full, I/O); asking again then fails, which changes nothing.
      this.#attempt('rollback');
      throw ledgerError(error, this.file);
    }
  }

  /**
   * The same without waiting for the disk: after a power failure it may be gone, though whatever is there is whole. For what can be found
   * again in the lake; the next transaction of the other kind makes it durable too.
   */
  hastyTransaction<T>(work: () => T): T {
    if (this.#synchronous === 'full') this.#tell('normal');
    return this.#transaction(work);
  }

  /** Steps follow each other: what the database is told stays until something else is wanted. */
  #tell(synchronous: Durability): void {
    if (this.#told === synchronous) return;
    this.exec(`pragma synchronous = ${synchronous}`);
    this.#told = synchronous;
  }

  /** Runs `work` with its errors translated. */
  guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw ledgerError(error, this.file);
    }
  }

  /**
   * Closing twice is allowed. Who may write moves the log into the file first, if nobody else is at it: the addon (unlike Node's own SQLite)
   * keeps a connection half open until its statements are collected as garbage, so that SQLite itself does not do it.
   */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#statements.clear();
    if (this.#synchronous !== 'none') this.#attempt('pragma busy_timeout = 0; pragma wal_checkpoint(truncate)');
    this.guard(() => this.#db.close());
  }

  #prepared(sql: string): SqliteStatement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #attempt(sql: string): void {
    try {
      this.#db.exec(sql);
    } catch {
      // what matters was done or reported before
    }
  }
}
