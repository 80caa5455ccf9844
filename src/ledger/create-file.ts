import { chmodSync, closeSync, fsyncSync, linkSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { timeSortedId } from '../kit/ids.ts';
import { makeFolders } from '../kit/make-folders.ts';
import { livenessOf, thisProcess } from '../kit/process-identity.ts';
import { APPLICATION_ID, MIGRATIONS } from './migrate.ts';
import type { SqliteDatabase, SqliteDriver } from './sqlite.ts';

/**
 * Makes a new, empty ledger so that it is there as a whole or not at all: built under another name, made durable, then
 * given its name by `link()`, which fails when another process was faster (that one's ledger is then used).
 */
export function createLedgerFile(open: SqliteDriver, file: string): void {
  makePrivateFolder(dirname(file));
  const temporary = `${file}.new-${process.pid}-${timeSortedId()}`;
  try {
    closeSync(openSync(temporary, 'wx', 0o600));
    build(open(temporary, { readOnly: false }));
    fsyncPath(temporary);
    linkUnlessThere(temporary, file);
    fsyncPath(dirname(file));
  } finally {
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(temporary + suffix, { force: true });
  }
}

/**
 * Prepares no statement: a connection that is really closed is essential here, since the addon would otherwise go on using the
 * shared-memory file of the temporary name for what has another name by then (https://sqlite.org/howtocorrupt.html, 2.5).
 */
function build(db: SqliteDatabase): void {
  try {
    db.exec(`pragma synchronous = off; pragma application_id = ${APPLICATION_ID}`);
    for (const migration of MIGRATIONS)
      db.exec(`begin; ${migration.sql}; pragma user_version = ${migration.version}; commit`);
    db.exec('pragma journal_mode = wal');
  } finally {
    db.close();
  }
}

/** The folder with mode 0700; the folders above it as the umask says. A looser mode that somebody set is tightened. */
export function makePrivateFolder(folder: string): void {
  // Whoever writes here later relies on these names, and the one that makes them is the one to make them durable.
  for (const made of makeFolders(dirname(folder))) fsyncPath(dirname(made));
  for (const made of makeFolders(folder, 0o700)) fsyncPath(dirname(made));
  tighten(folder, 0o700);
}

/** Takes away what others may do, when the file is ours. */
export function tighten(path: string, mode: number): void {
  const found = statSync(path);
  if ((found.mode & 0o077) === 0) return;
  try {
    chmodSync(path, mode);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'EPERM' || error.code === 'EROFS'))) throw error;
  }
}

function linkUnlessThere(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

/**
 * Unfinished ledgers of processes that were killed while they made one, or had just named it: a second name of a database must not
 * stay.
 */
export function removeAbandoned(file: string): void {
  const prefix = `${basename(file)}.new-`;
  for (const name of readdirSync(dirname(file))) {
    if (!name.startsWith(prefix)) continue;
    const pid = Number(name.slice(prefix.length).split('-')[0]);
    if (livenessOf({ ...thisProcess(), pid, process_start: null }) === 'dead')
      rmSync(join(dirname(file), name), { force: true });
  }
}

function fsyncPath(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
