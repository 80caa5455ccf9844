import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { Ledger } from '../core/ports/ledger.ts';
import { Connection } from './connection.ts';
import { createLedgerFile, makePrivateFolder, removeAbandoned, tighten } from './create-file.ts';
import { ledgerError } from './errors.ts';
import { checkHeader, hasLog } from './file-header.ts';
import { migrate, requireMigrated } from './migrate.ts';
import { openForReading } from './open-read-only.ts';
import { loadSqlite, type SqliteDriver } from './sqlite.ts';
import { SqliteLedger } from './sqlite-ledger.ts';

export const LEDGER_FILE = 'ledger.db';

export interface LedgerOptions {
  /** Folder that holds `ledger.db`; made with mode 0700 when it is missing. */
  readonly folder: string;
  /** Open without the right to write; works on a read-only file system too. */
  readonly read_only?: boolean;
  /** Make a new ledger when there is none (default); false: E_LEDGER_MISSING, and the caller looks whether the lake has tables. */
  readonly create?: boolean;
  /** False: writes need not survive a power cut. Only for a ledger that is made anew and synced as a whole afterwards. */
  readonly durable?: boolean;
  /** The clock, in ms since the epoch. */
  readonly now?: () => number;
}

/**
 * Opens the ledger in `<folder>/ledger.db`: SQLite in WAL mode, every transaction synced to the disk, many readers beside one
 * writer. Brings an older format up to date.
 * @throws DataflowError E_LEDGER_MISSING, E_LEDGER_CORRUPT, E_LEDGER_NEWER, E_LEDGER_BUSY, E_LEDGER_READ_ONLY, E_LAKE_IO.
 */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  const open = await loadSqlite();
  const file = join(options.folder, LEDGER_FILE);
  try {
    const connection = options.read_only === true ? openReader(open, file) : openWriter(open, file, options);
    return new SqliteLedger(connection, options.now ?? Date.now);
  } catch (error) {
    throw ledgerError(error, file);
  }
}

function openReader(open: SqliteDriver, file: string): Connection {
  if (!checkHeader(file)) throw missing(file);
  return openForReading(open, file, (connection) => {
    requireMigrated(connection);
    probe(connection);
  });
}

function openWriter(open: SqliteDriver, file: string, options: LedgerOptions): Connection {
  // The log before the file: when both are asked in this order, a log without its file is one whose file was deleted.
  const orphanedLog = hasLog(file);
  if (!checkHeader(file)) {
    if (options.create === false || orphanedLog) throw missing(file);
    createLedgerFile(open, file);
  }
  makePrivateFolder(options.folder);
  removeAbandoned(file);
  tighten(file, 0o600);
  const connection = new Connection(open(file, { readOnly: false }), file);
  try {
    connection.exec(`pragma synchronous = ${options.durable === false ? 'off' : 'full'}; pragma foreign_keys = on`);
    connection.get('pragma journal_mode = wal');
    migrate(connection);
    probe(connection);
    return connection;
  } catch (error) {
    connection.close();
    // SQLite says "unable to open" when it cannot make its files beside this one; the system knows why.
    if (error instanceof DataflowError && error.code === 'E_LAKE_IO') accessSync(options.folder, constants.W_OK);
    throw error;
  }
}

/** Touches the schema and a page of data, so that gross damage shows now and not in the middle of a run. */
function probe(connection: Connection): void {
  connection.get('select 1 as found from runs order by seq desc limit 1');
  connection.get('select 1 as found from steps order by seq desc limit 1');
  connection.get('select 1 as found from inputs limit 1');
}

function missing(file: string): DataflowError {
  return new DataflowError('E_LEDGER_MISSING', 'there is no ledger', {
    place: { file },
    kept: 'nothing was loaded or changed',
  });
}
