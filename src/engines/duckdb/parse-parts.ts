import type { RecordCheck } from '../../core/model/record-check.ts';
import type { Column } from '../../core/model/table.ts';
import type { CandidateFile, EngineColumn, ParseFile, Row, WriteTarget } from '../../core/ports/engine.ts';
import { lossSql } from '../../core/types/loss.ts';
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

/** Raw text of a rejected record is cut here (characters). */
export const RAW_CHARS_MAX = 65_536;

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

/** A number that such a column cannot hold is too large for it, not of another kind. */
const NUMERIC = /^(tiny|small|big|huge)?int(eger)?$|^decimal\(/;

/** A column whose value is tried: what was read and what it became, as SQL. */
export interface Tried {
  readonly column: Column;
  /** What was read; NULL means that there is no value. */
  readonly read: string;
  readonly value: string;
  /** A column that must have no value. */
  readonly forbidden?: boolean;
  /** False when the value cannot fail (it has its type already). */
  readonly may_fail: boolean;
  /** Condition under which the value is not what was read, in place of {@link lossSql}. */
  readonly loss?: string;
  /** A check of the source's own, in place of the column's type. */
  readonly check?: RecordCheck;
}

/** Condition under which a column's value does not fit; never NULL. */
export function misfitSql(tried: Tried): string {
  const { column, read, value, forbidden, check, loss = lossSql(column.type, read, value) } = tried;
  if (forbidden === true) return `(${read} is not null)`;
  if (check !== undefined)
    return check.min === undefined
      ? `(nullif(trim(${read}), '') is null)`
      : `coalesce(try_cast(${read} as double) < ${check.min}, false)`;
  return `case when ${read} is null then false when ${value} is null then true else ${loss ?? 'false'} end`;
}

/** The first column that does not fit, and why, for a row that has one. `inferred`: columns whose type nobody declared. */
export function culpritSql(
  tried: readonly Tried[],
  inferred: readonly string[] = [],
): { readonly column_name: string; readonly error: string } {
  const fallible = tried.filter((one) => one.may_fail);
  if (fallible.length === 0) return { column_name: 'cast(null as varchar)', error: `'does not fit'` };
  const names = fallible.map((one) => `when ${misfitSql(one)} then ${quoteText(one.column.name)}`);
  const reasons = fallible.map((one) => {
    if (one.forbidden === true) {
      const told = `column ${one.column.name} is not declared but has a value (schema_change: discard_row)`;
      return `when ${misfitSql(one)} then ${quoteText(told)}`;
    }
    const shown = `left(cast(${one.read} as varchar), 80)`;
    if (one.check !== undefined) {
      const { says, min } = one.check;
      const told = min === undefined ? '' : ` || ${shown} || ${quoteText(`, less than ${min}`)}`;
      return `when ${misfitSql(one)} then ${quoteText(says)}${told}`;
    }
    const hint = inferred.includes(one.column.name) ? ' (the type was inferred; declare another under columns)' : '';
    const says = quoteText(`${one.column.name} is no ${one.column.type}: `);
    const lossy = quoteText(` does not fit into ${one.column.type} unchanged${hint}`);
    const large = NUMERIC.test(one.column.type)
      ? `${one.value} is null and not coalesce(isfinite(try_cast(cast(${one.read} as varchar) as double)), false)`
      : `${one.value} is null`;
    return `when ${misfitSql(one)} then case when ${large} then ${says} || ${shown}${hint === '' ? '' : ` || ${quoteText(hint)}`} else ${quoteText(`${one.column.name}: `)} || ${shown} || ${lossy} end`;
  });
  return { column_name: `case ${names.join(' ')} end`, error: `case ${reasons.join(' ')} else 'does not fit' end` };
}

/** The checks of a request, to be looked at before the types of the columns. */
export function checkedColumns(
  checks: readonly RecordCheck[] | undefined,
  readOf: (name: string) => string,
): readonly Tried[] {
  return (checks ?? []).map((check) => ({
    column: { name: check.column, type: 'varchar', nullable: true },
    read: readOf(check.column),
    value: 'null',
    may_fail: true,
    check,
  }));
}

/** The columns of `forbidden`, to be looked at beside the wanted ones. */
export function forbiddenColumns(
  names: readonly string[] | undefined,
  readOf: (name: string) => string,
): readonly Tried[] {
  return (names ?? []).map((name) => ({
    column: { name, type: 'varchar', nullable: true },
    read: readOf(name),
    value: 'null',
    forbidden: true,
    may_fail: true,
  }));
}
