import type { CsvDialect, ParseRequest } from '../../core/ports/engine.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { LINE_BYTES_MAX, uriList } from './parse-parts.ts';

/** Names of the temporary tables for rejects. */
export interface RejectTables {
  readonly errors: string;
  readonly scans: string;
}

/** Errors that a record may have beside one a column: a column too many is an error each. */
const EXTRA_ERRORS = 100;

/** A column that no file has. */
const MORE = '__dataflow_more';

const PLAIN: CsvDialect = { delimiter: ',', quote: '"', escape: '"', has_header: true, skip_lines: 0 };

/**
 * The `read_csv` call for files with a known dialect and header: nothing is sniffed, columns stand in the files' own order, unwanted
 * ones are read as text and dropped; so are those of `as_text`, which are cast later.
 *
 * Every column is read, needed or not: when a value is not UTF-8 and a column before it is left out, the engine's reader ends in an internal error,
 * and with it the whole engine.
 */
export function csvSource(
  request: ParseRequest,
  rejects: RejectTables,
  as_text: ReadonlySet<string> = new Set(),
): string {
  const types = new Map(request.columns.map((column) => [column.name.toLowerCase(), column]));
  const header = request.header ?? request.columns.map((column) => column.name);
  const columns = header.map((name) => {
    const wanted = types.get(name.toLowerCase());
    const type = wanted === undefined || as_text.has(wanted.name) ? 'varchar' : wanted.type;
    return `${quoteText(wanted?.name ?? name)}: ${quoteText(type)}`;
  });
  const read = readCsv(request, rejects, columns);
  const unwanted = header.filter((name) => !types.has(name.toLowerCase())).map(quoteIdent);
  if (unwanted.length === 0) return read;
  // True of every record, since a text with NUL was refused before; the engine does not know that and reads the columns.
  return `(select *, file_index from ${read} where coalesce(${unwanted.join(', ')}, '') is distinct from chr(0))`;
}

/** The call by which every record is rejected, because it lacks a column: so the reader tells the place and text of each. */
export function everyRecord(request: ParseRequest, rejects: RejectTables): string {
  const header = request.header ?? request.columns.map((column) => column.name);
  return readCsv(
    request,
    rejects,
    [...header, MORE].map((name) => `${quoteText(name)}: 'varchar'`),
  );
}

function readCsv(request: ParseRequest, rejects: RejectTables, columns: readonly string[]): string {
  const options = [
    `columns={${columns.join(', ')}}`,
    ...dialectOptions(request.dialect ?? PLAIN),
    `compression=${quoteText(request.files[0]?.compression ?? 'none')}`,
    'store_rejects=true',
    `rejects_table=${quoteText(rejects.errors)}`,
    `rejects_scan=${quoteText(rejects.scans)}`,
    // Errors, not records, and each record may have one per column and more; enough to know that there are too many.
    `rejects_limit=${request.rejects_max === undefined ? 0 : (request.rejects_max + 1) * (columns.length + EXTRA_ERRORS)}`,
    // Without a size of its own the buffer is 16 times the longest line, which is memory taken per file.
    `buffer_size=${2 * LINE_BYTES_MAX}`,
    `max_line_size=${LINE_BYTES_MAX}`,
    ...(request.multiline_records === true ? ['parallel=false'] : []),
  ];
  return `read_csv(${uriList(request.files)}, ${options.join(', ')})`;
}

/** The options that say how the file is laid out. */
export function dialectOptions(dialect: CsvDialect): readonly string[] {
  return [
    'auto_detect=false',
    `delim=${quoteText(dialect.delimiter)}`,
    `quote=${quoteText(dialect.quote)}`,
    `escape=${quoteText(dialect.escape)}`,
    `header=${dialect.has_header}`,
    `skip=${dialect.skip_lines}`,
    `nullstr=[${['', ...(dialect.null_values ?? [])].map(quoteText).join(', ')}]`,
    'allow_quoted_nulls=false',
  ];
}

/** The JSON readers call "none" otherwise than the CSV reader. */
export function jsonCompression(compression: 'none' | 'gzip' | 'zstd' | undefined): string {
  return quoteText(compression === undefined || compression === 'none' ? 'uncompressed' : compression);
}
