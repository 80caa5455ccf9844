import { accessSync, constants, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import { Connection } from './connection.ts';
import { ledgerError, missingLedger } from './errors.ts';
import { checkHeader, hasLog } from './file-header.ts';
import { probe, requireMigrated } from './migrate.ts';
import type { SqliteDatabase, SqliteDriver } from './sqlite.ts';

/**
 * Opens for reading. Readers of a WAL database share an index file that the first of them makes; where it cannot be made (a
 * read-only file system) nobody can be writing either, and the file is read as it stands: `immutable=1`. If a writer left a log
 * there, which `immutable` would ignore, a private copy of both is read instead.
 */
export function openForReading(open: SqliteDriver, file: string): Connection {
  if (!checkHeader(file)) throw missingLedger(file);
  try {
    return checked(new Connection(open(file, { readOnly: true }), file, 'none'));
  } catch (error) {
    const failure = ledgerError(error, file);
    const refused = failure.code === 'E_LAKE_IO' || failure.code === 'E_LEDGER_READ_ONLY';
    if (!refused || isWritable(dirname(file))) throw failure;
  }
  if (hasLog(file)) return openCopy(open, file);
  const url = pathToFileURL(file);
  url.searchParams.set('immutable', '1');
  return checked(new Connection(open(url.href, { readOnly: true }), file, 'none'));
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function openCopy(open: SqliteDriver, file: string): Connection {
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-ledger-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const copy = join(folder, 'copy.db');
    copyFileSync(file, copy);
    copyFileSync(`${file}-wal`, `${copy}-wal`);
    return checked(new Connection(closingWith(open(copy, { readOnly: true }), remove), file, 'none'));
  } catch (error) {
    remove();
    throw error;
  }
}

function closingWith(db: SqliteDatabase, after: () => void): SqliteDatabase {
  return {
    exec: (sql) => db.exec(sql),
    prepare: (sql) => db.prepare(sql),
    close: () => {
      db.close();
      after();
    },
  };
}

function checked(connection: Connection): Connection {
  try {
    requireMigrated(connection);
    probe(connection);
    return connection;
  } catch (error) {
    connection.close();
    throw error instanceof DataflowError ? error : ledgerError(error, connection.file);
  }
}
