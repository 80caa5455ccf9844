import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { DataflowError } from '../core/errors/dataflow-error.ts';

export type SqlValue = string | number | bigint | null | Uint8Array;
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** What we use of `node:sqlite`, which `@photostructure/sqlite` copies. */
export interface SqliteStatement {
  run(...values: SqlValue[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint };
  get(...values: SqlValue[]): unknown;
  all(...values: SqlValue[]): unknown[];
}

export interface SqliteDatabase {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

/** Opens a database file, or a `file:` URL. Synchronous, as everything in SQLite. */
export type SqliteDriver = (location: string, options: { readonly readOnly: boolean }) => SqliteDatabase;

type DatabaseClass = new (location: string, options: { readOnly: boolean }) => SqliteDatabase;

/** How long a writer waits for another one before it gives up with E_LEDGER_BUSY. */
const BUSY_TIMEOUT_MS = 5_000;

let found: DatabaseClass | undefined;

/** The SQLite that Node brings, else the addon with the same interface. Loaded at the first use. */
export function loadSqlite(): SqliteDriver {
  found ??= builtinClass() ?? addonClass();
  const database = found;
  return (location, { readOnly }) => {
    const db = new database(location, { readOnly });
    // Not as an option: early releases of Node 22 know none of that name and would not wait at all.
    db.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
    return db;
  };
}

const ADDON = '@photostructure/sqlite';
const requireHere = createRequire(import.meta.url);

/**
 * By `require`, and the compiled part directly where it is in its usual place: measured 8 ms of CPU less than `import()`, which
 * counts because `status` may take no longer than two starts of Node.
 */
function addonClass(): DatabaseClass {
  try {
    const addon = prebuilt() ?? (requireHere(ADDON) as typeof import('@photostructure/sqlite'));
    return addon.DatabaseSync as unknown as DatabaseClass;
  } catch (cause) {
    throw new DataflowError(
      'E_INTERNAL',
      'SQLite is not available: this Node has none and the addon cannot be loaded',
      { hint: 'Install again with `npm ci`, or use Node 24.', cause },
    );
  }
}

/** Undefined on other systems (musl, …) or when the package is laid out in another way: it then finds its file itself. */
function prebuilt(): { readonly DatabaseSync: unknown } | undefined {
  try {
    const root = dirname(requireHere.resolve(`${ADDON}/package.json`));
    const file = join(root, 'prebuilds', `${process.platform}-${process.arch}`, '@photostructure+sqlite.glibc.node');
    return requireHere(file) as { readonly DatabaseSync: unknown };
  } catch {
    return undefined;
  }
}

function builtinClass(): DatabaseClass | undefined {
  const builtin: unknown = withoutExperimentalWarning(() => process.getBuiltinModule?.('node:sqlite'));
  if (typeof builtin !== 'object' || builtin === null || !('DatabaseSync' in builtin)) return undefined;
  return builtin.DatabaseSync as DatabaseClass;
}

/** Node 22 and 23 warn on standard error when their SQLite is loaded; what we use of it has not changed since. */
function withoutExperimentalWarning<T>(load: () => T): T {
  const emit = process.emitWarning;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]): void => {
    if (!String(warning).includes('SQLite')) Reflect.apply(emit, process, [warning, ...rest]);
  };
  try {
    return load();
  } finally {
    process.emitWarning = emit;
  }
}
