import type { CandidateFile, EngineColumn, ParseFile, Row, WriteTarget } from '../../core/ports/engine.ts';
import { quoteText } from '../../kit/sql.ts';

/** What parsing needs of a session. */
export interface ParseSession {
  run(sql: string): Promise<void>;
  all(sql: string): Promise<readonly Row[]>;
  columns(sql: string): Promise<readonly EngineColumn[]>;
  write(sql: string, target: WriteTarget): Promise<readonly CandidateFile[]>;
  /** A name that no other temporary object of this session has. */
  fresh(prefix: string): string;
}

/** Good rows and rejected records of a set of files. */
export interface Split {
  /** Query of the wanted columns and the file's id: what is kept. */
  readonly good: string;
  /** The same rows, read with less ado; fails where a record is not what it was said to be. */
  readonly quick?: string;
  /** How many records were rejected, asked after the good rows are written; more than `rejects_max` is an error. */
  rejected(good_rows: number): Promise<number>;
  /** Query in REJECT_COLUMNS, `file` being the id; asked for only when there are any. */
  rejects(): Promise<string>;
  cleanup(): Promise<void>;
}

/** A rejected CSV record without the line ends and blank lines before it, which the engine takes for a part of it. */
export const RECORD_TEXT = `ltrim(csv_line, chr(10) || chr(13))`;

/** Limit on one line or JSON element. The inspection of a file has its own, of the same default; a larger one has no effect here. */
export const LINE_BYTES_MAX = 16 * 1024 * 1024;

/** Lines as they stand: a delimiter of four control characters, which no text of ours contains, makes each line one column. Blank ones are NULL. */
export function linesSource(files: readonly ParseFile[]): string {
  const options = [
    `columns={'line': 'varchar'}`,
    'auto_detect=false',
    'header=false',
    `delim=e'\\x01\\x02\\x03\\x04'`,
    `quote=''`,
    `escape=''`,
    'strict_mode=false',
    `compression=${quoteText(files[0]?.compression ?? 'none')}`,
    `max_line_size=${LINE_BYTES_MAX}`,
    `buffer_size=${2 * LINE_BYTES_MAX}`,
  ];
  return `read_csv(${uriList(files)}, ${options.join(', ')})`;
}

export function uriList(files: readonly ParseFile[]): string {
  return `[${files.map((file) => quoteText(file.uri)).join(', ')}]`;
}

/** The id of the file that a row comes from: a constant, or looked up by the file's place in the list. */
export function fileId(files: readonly ParseFile[], index = 'file_index'): string {
  const [only] = files;
  if (only !== undefined && files.length === 1) return quoteText(only.id);
  return `list_extract([${files.map((file) => quoteText(file.id)).join(', ')}], cast(${index} as bigint) + 1)`;
}
