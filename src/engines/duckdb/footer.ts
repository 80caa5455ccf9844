import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { CompactReader } from '../../kit/compact-protocol.ts';

/** Length of the metadata, and `PAR1`. */
const TAIL_BYTES = 8;
const MAGIC = 'PAR1';
/** Read at once; the metadata of most files is shorter. */
const GUESS_BYTES = 16_384;
/** `num_rows` of FileMetaData. */
const ROWS_FIELD = 3;

/** The number of rows that a local Parquet file states in its metadata; undefined when it cannot be read as such. */
export function statedRows(path: string): number | undefined {
  const metadata = metadataOf(path);
  if (metadata === undefined) return undefined;
  let rows: number | undefined;
  try {
    new CompactReader(metadata).struct((id, value) => {
      if (id === ROWS_FIELD) rows = value;
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return undefined;
  }
  return rows !== undefined && Number.isSafeInteger(rows) && rows >= 0 ? rows : undefined;
}

function metadataOf(path: string): Buffer | undefined {
  if (!existsSync(path)) return undefined;
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    const end = lastBytes(fd, size, Math.min(size, GUESS_BYTES));
    if (end.length < TAIL_BYTES || end.toString('latin1', end.length - MAGIC.length) !== MAGIC) return undefined;
    const length = end.readUInt32LE(end.length - TAIL_BYTES) + TAIL_BYTES;
    if (length > size) return undefined;
    const bytes = length <= end.length ? end.subarray(end.length - length) : lastBytes(fd, size, length);
    return bytes.subarray(0, bytes.length - TAIL_BYTES);
  } finally {
    closeSync(fd);
  }
}

function lastBytes(fd: number, size: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  const read = readSync(fd, bytes, 0, length, size - length);
  return bytes.subarray(0, read);
}
