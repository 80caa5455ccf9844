import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { CompactReader } from '../../kit/compact-protocol.ts';
import { quoteText } from '../../kit/sql.ts';

/** Length of the metadata, and `PAR1`. */
const TAIL_BYTES = 8;
const MAGIC = 'PAR1';
/** Read at once; the metadata of most files is shorter. */
const GUESS_BYTES = 16_384;
/** `num_rows` of FileMetaData. */
const ROWS_FIELD = 3;

/** The number of rows that these files state together; undefined when some of them cannot be read by ourselves. */
export function rowsStated(uris: readonly string[]): number | undefined {
  let sum = 0;
  for (const uri of uris) {
    const rows = isAbsolute(uri) ? statedRows(uri) : undefined;
    if (rows === undefined) return undefined;
    sum += rows;
  }
  return sum;
}

/** The query that asks the engine for the same, as `n`. */
export function rowsSql(uris: readonly string[]): string {
  return `select sum(num_rows)::bigint as n from parquet_file_metadata([${uris.map(quoteText).join(', ')}])`;
}

/** The number of rows that a local Parquet file states in its metadata; undefined when it cannot be read as such. */
function statedRows(path: string): number | undefined {
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
