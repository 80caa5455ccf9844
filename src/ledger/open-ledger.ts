import { join } from 'node:path';
import type { Ledger } from '../core/ports/ledger.ts';
import type { Connection } from './connection.ts';
import { ledgerError } from './errors.ts';
import { openForReading } from './open-read-only.ts';
import { loadSqlite } from './sqlite.ts';
import { SqliteLedger } from './sqlite-ledger.ts';

const LEDGER_FILE = 'ledger.db';

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
  const file = join(options.folder, LEDGER_FILE);
  try {
    const connection = await connect(file, options);
    return new SqliteLedger(connection, options.now ?? Date.now);
  } catch (error) {
    throw ledgerError(error, file);
  }
}

/** What only a writer needs is loaded for a writer only: `status` and a run with nothing to do are readers. */
async function connect(file: string, options: LedgerOptions): Promise<Connection> {
  if (options.read_only === true) return openForReading(loadSqlite(), file);
  const { openForWriting } = await import('./open-writer.ts');
  return openForWriting(loadSqlite(), file, options);
}
