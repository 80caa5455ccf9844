import type { ErrorCode } from '../../../core/errors/catalogue.ts';
import { DataflowError } from '../../../core/errors/dataflow-error.ts';

/** What Spark says when the bytes of a file are no rows. */
const UNREADABLE =
  /FAILED_READ_FILE|CANNOT_READ_FILE_FOOTER|INVALID_UTF8_STRING|ParquetDecodingException|ParquetFileReader/;
/** The file is sound, and holds a column in a way that Spark does not read as its type. */
const OTHERWISE = /COLUMN_DATA_TYPE_MISMATCH|ColumnConvertNotSupported/;

/** A failure of reading that is not the cluster's; undefined for any other. */
export function readingProblem({
  code,
  message,
}: DataflowError): { readonly code: ErrorCode; readonly words: string; readonly hint?: string } | undefined {
  if (code === 'E_ENGINE_DIALECT' || OTHERWISE.test(message))
    return {
      code: 'E_ENGINE_DIALECT',
      words: message.replace(/ \(\d+:\d+\)$/, ''),
      hint: 'Declare the columns in the types that the files have, or take in_place out of the source: its files are then read on this machine.',
    };
  return UNREADABLE.test(message) ? { code: 'E_SOURCE_IO', words: message } : undefined;
}

/** What keeps executors from files of a source, in words that name the address. */
export function unreadable(error: unknown, addresses: readonly string[]): unknown {
  if (!(error instanceof DataflowError) || !['E_ENGINE', 'E_SQL'].includes(error.code)) return error;
  return new DataflowError('E_SOURCE_UNREACHABLE', `Spark cannot read ${addresses[0]}: ${error.message}`, {
    hint: "in_place has to be what the cluster calls the beginning of the connection's files, and the user of the Spark server needs the right to read them.",
    kept: 'nothing of these files was taken',
    cause: error,
  });
}
