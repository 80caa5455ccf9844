import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { corrupt } from './errors.ts';
import { APPLICATION_ID } from './migrate.ts';

const MAGIC = 'SQLite format 3\0';
const HEADER_BYTES = 100;

/**
 * A look at the first 100 bytes (https://sqlite.org/fileformat2.html#the_database_header), before SQLite sees the file: SQLite
 * would take an empty file for a new database. False when there is no file.
 * @throws DataflowError E_LEDGER_CORRUPT for an empty, truncated, zeroed or foreign file; file system errors as they are.
 */
export function checkHeader(file: string): boolean {
  const fd = openIfThere(file);
  if (fd === undefined) return false;
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    const read = readSync(fd, header, 0, HEADER_BYTES, 0);
    const size = fstatSync(fd).size;
    if (read < HEADER_BYTES) throw corrupt(file, `it has only ${size} bytes`);
    if (header.toString('latin1', 0, MAGIC.length) !== MAGIC) throw corrupt(file, 'it does not begin like a database');
    if (header.readInt32BE(68) !== APPLICATION_ID) throw corrupt(file, 'it is a database of another program');
    const stored = header.readUInt16BE(16);
    const expected = (stored === 1 ? 65_536 : stored) * header.readUInt32BE(28);
    // With a log beside it the file may lag behind its header; SQLite then decides.
    if (size < expected && !hasLog(file)) throw corrupt(file, `it was cut: ${size} of ${expected} bytes are left`);
    return true;
  } finally {
    closeSync(fd);
  }
}

/** True when a write-ahead log with content lies beside the file. */
export function hasLog(file: string): boolean {
  return (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

function openIfThere(file: string): number | undefined {
  try {
    return openSync(file, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
