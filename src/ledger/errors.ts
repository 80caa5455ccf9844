import type { ErrorCode } from '../core/errors/catalogue.ts';
import { DataflowError, type ErrorDetails } from '../core/errors/dataflow-error.ts';

/** SQLite's primary result codes (https://sqlite.org/rescode.html) that have a meaning of their own for the user. */
const BY_RESULT_CODE: ReadonlyMap<number, ErrorCode> = new Map([
  [3, 'E_LEDGER_READ_ONLY'], // PERM
  [5, 'E_LEDGER_BUSY'], // BUSY
  [6, 'E_LEDGER_BUSY'], // LOCKED
  [8, 'E_LEDGER_READ_ONLY'], // READONLY
  [10, 'E_LAKE_IO'], // IOERR
  [11, 'E_LEDGER_CORRUPT'], // CORRUPT
  [13, 'E_LAKE_IO'], // FULL
  [14, 'E_LAKE_IO'], // CANTOPEN
  [15, 'E_LEDGER_BUSY'], // PROTOCOL: the race for the lock on the WAL was lost too often
  [26, 'E_LEDGER_CORRUPT'], // NOTADB
]);

/** SQLITE_IOERR_SHORT_READ: a page lies beyond the end of the file. */
const SHORT_READ = 10 | (2 << 8);

const BY_ERRNO: ReadonlyMap<string, ErrorCode> = new Map([
  ['EACCES', 'E_LEDGER_READ_ONLY'],
  ['EPERM', 'E_LEDGER_READ_ONLY'],
  ['EROFS', 'E_LEDGER_READ_ONLY'],
  ['EIO', 'E_LAKE_IO'],
  ['ENOSPC', 'E_LAKE_IO'],
  ['EDQUOT', 'E_LAKE_IO'],
  ['EMFILE', 'E_LAKE_IO'],
  ['ENOTDIR', 'E_LAKE_IO'],
  ['ENOENT', 'E_LAKE_IO'],
  ['ELOOP', 'E_LAKE_IO'],
]);

/** The schema is ours and its version was checked, so a missing table or a value of the wrong type means damage. */
const DAMAGED_SCHEMA =
  /^(no such (table|column|index)|malformed database schema|database disk image is malformed|malformed JSON)/;

/** Any error of SQLite or the file system as one of the catalogue; `file` becomes its place. */
export function ledgerError(error: unknown, file: string): DataflowError {
  if (error instanceof DataflowError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const details: ErrorDetails = { place: { file }, cause: error };
  const code = codeOf(error, text);
  switch (code) {
    case 'E_LEDGER_CORRUPT':
      return corrupt(file, text, error);
    case 'E_LEDGER_BUSY':
      return new DataflowError(code, 'another process has been writing to the ledger for too long', details);
    case 'E_LEDGER_READ_ONLY':
      return new DataflowError(code, `the ledger cannot be written: ${text}`, details);
    case 'E_LAKE_IO':
      return new DataflowError(code, `the ledger cannot be read or written: ${text}`, details);
    default:
      return new DataflowError('E_INTERNAL', `the ledger failed: ${text}`, details);
  }
}

/** E_LEDGER_CORRUPT with what was found; the lake itself is not touched by it. */
export function corrupt(file: string, finding: string, cause?: unknown): DataflowError {
  return new DataflowError('E_LEDGER_CORRUPT', `the ledger is damaged: ${finding}`, {
    place: { file },
    kept: 'the tables of the lake are whole; nothing was written',
    cause,
  });
}

/** No file: whether that is wrong is for the caller to say, who can see whether the lake has tables. */
export function missingLedger(file: string): DataflowError {
  return new DataflowError('E_LEDGER_MISSING', 'there is no ledger', {
    place: { file },
    kept: 'nothing was loaded or changed',
  });
}

function codeOf(error: unknown, text: string): ErrorCode | undefined {
  // What the ledger keeps as JSON was written as JSON.
  if (DAMAGED_SCHEMA.test(text) || error instanceof SyntaxError) return 'E_LEDGER_CORRUPT';
  if (typeof error !== 'object' || error === null) return undefined;
  if ('errcode' in error && typeof error.errcode === 'number') {
    if (error.errcode === SHORT_READ) return 'E_LEDGER_CORRUPT';
    const primary = error.errcode & 0xff;
    const refused = primary === 14 && 'systemErrno' in error && (error.systemErrno === 13 || error.systemErrno === 30);
    return refused ? 'E_LEDGER_READ_ONLY' : BY_RESULT_CODE.get(primary);
  }
  return 'code' in error && typeof error.code === 'string' ? BY_ERRNO.get(error.code) : undefined;
}
