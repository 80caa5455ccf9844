import { createRequire } from 'node:module';
import { DataflowError } from '../../core/errors/dataflow-error.ts';

export type SqliteValue = string | number | bigint | null | Uint8Array;

/** What we use of `node:sqlite`, which `@photostructure/sqlite` copies. */
export interface Statement {
  setReadBigInts(yes: boolean): void;
  all(...values: SqliteValue[]): unknown[];
  get(...values: SqliteValue[]): unknown;
  run(...values: SqliteValue[]): { readonly changes: number | bigint };
  iterate(...values: SqliteValue[]): IterableIterator<unknown>;
  /** The addon has it, Node has not. */
  [Symbol.dispose]?(): void;
  columns(): readonly { readonly name: string; readonly type: string | null }[];
}

export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

type DatabaseClass = new (path: string, options: { readonly readOnly: boolean }) => Database;

const BUSY_TIMEOUT_MS = 10_000;
const requireHere = createRequire(import.meta.url);

/**
 * Opens a database file for reading only.
 * @throws DataflowError E_SOURCE_IO
 */
export function openReadOnly(path: string, shown: string): Database {
  try {
    const { DatabaseSync } = requireHere('@photostructure/sqlite') as unknown as {
      readonly DatabaseSync: DatabaseClass;
    };
    const db = new DatabaseSync(path, { readOnly: true });
    db.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}; pragma query_only = on`);
    return db;
  } catch (cause) {
    throw new DataflowError('E_SOURCE_IO', `cannot open the database ${shown}: ${messageOf(cause)}`, {
      hint: 'Check `path:` and the permissions of the file and its folder.',
      cause,
    });
  }
}

/**
 * Opens a database file for writing, and makes it when there is none.
 * @throws DataflowError E_LOAD_UNREACHABLE
 */
export function openForWriting(path: string, shown: string): Database {
  try {
    const { DatabaseSync } = requireHere('@photostructure/sqlite') as unknown as {
      readonly DatabaseSync: DatabaseClass;
    };
    const db = new DatabaseSync(path, { readOnly: false });
    db.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
    return db;
  } catch (cause) {
    throw new DataflowError('E_LOAD_UNREACHABLE', `cannot open the database ${shown}: ${messageOf(cause)}`, {
      hint: 'Check `path:` of the connection, and the permissions of the file and its folder.',
      cause,
    });
  }
}

/** What SQLite says of a write, as an error of the catalogue. */
export function written<T>(shown: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof DataflowError) throw cause;
    const text = messageOf(cause);
    const busy = /locked|busy/i.test(text);
    const full = /disk is full|readonly|read-only|disk i\/o/i.test(text);
    throw new DataflowError(
      busy
        ? 'E_LOAD_CONFLICT'
        : full
          ? 'E_LOAD_UNREACHABLE'
          : /constraint/i.test(text)
            ? 'E_LOAD_REFUSED'
            : 'E_LOAD_FAILED',
      `${shown}: ${text}`,
      { cause },
    );
  }
}

/** Runs `work` with what SQLite says as an error of the catalogue. */
export function asked<T>(shown: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof DataflowError) throw cause;
    const text = messageOf(cause);
    const busy = /locked|busy/i.test(text);
    const damaged = /malformed|not a database|disk i\/o/i.test(text);
    throw new DataflowError(
      busy ? 'E_SOURCE_TIMEOUT' : damaged ? 'E_SOURCE_IO' : 'E_SOURCE_QUERY',
      `${shown}: ${text}`,
      { cause },
    );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
