import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import { Connection } from './connection.ts';
import { createLedgerFile, makePrivateFolder, removeAbandoned, tighten } from './create-file.ts';
import { missingLedger } from './errors.ts';
import { checkHeader, hasLog } from './file-header.ts';
import { migrate, probe } from './migrate.ts';
import type { SqliteDriver } from './sqlite.ts';

/** Opens for reading and writing: makes the file when it may, brings it up to date, sets how durable a commit is. */
export function openForWriting(
  open: SqliteDriver,
  file: string,
  options: { readonly create?: boolean; readonly durable?: boolean },
): Connection {
  const folder = dirname(file);
  // The log before the file: when both are asked in this order, a log without its file is one whose file was deleted.
  const orphanedLog = hasLog(file);
  if (!checkHeader(file)) {
    if (options.create === false || orphanedLog) throw missingLedger(file);
    createLedgerFile(open, file);
  }
  makePrivateFolder(folder);
  removeAbandoned(file);
  tighten(file, 0o600);
  const synchronous = options.durable === false ? 'off' : 'full';
  const connection = new Connection(open(file, { readOnly: false }), file, synchronous);
  try {
    connection.exec(`pragma synchronous = ${synchronous}; pragma foreign_keys = on; pragma journal_mode = wal`);
    migrate(connection);
    probe(connection);
    return connection;
  } catch (error) {
    connection.close();
    // SQLite says "unable to open" when it cannot make its files beside this one; the system knows why.
    if (error instanceof DataflowError && error.code === 'E_LAKE_IO') accessSync(folder, constants.W_OK);
    throw error;
  }
}
