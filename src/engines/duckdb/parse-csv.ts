import { SOURCE_FILE_COLUMN } from '../../core/model/table.ts';
import type { ParseRequest } from '../../core/ports/engine.ts';
import { RAW_CHARS_MAX } from '../../core/types/tried.ts';
import { quoteIdent } from '../../kit/sql.ts';
import {
  findMisfits,
  fitsSql,
  judgedColumns,
  lineSql,
  type MisfitTables,
  misfitRejects,
  textColumns,
  triedColumns,
} from './misfits.ts';
import { fileId, type ParseSession, RECORD_TEXT, type Split } from './parse-parts.ts';
import { csvSource } from './read-csv.ts';

const ERROR_CHARS_MAX = 2_000;
/** Good rows and rejected records of files that are read where they lie. */
export function csvSplit(session: ParseSession, request: ParseRequest): Split {
  const reading = csvReading(session, request);
  const origin = `${fileId(request.files)} as ${quoteIdent(SOURCE_FILE_COLUMN)}`;
  return {
    good: `select ${[...reading.values, origin].join(', ')} from ${reading.from}`,
    rejected: reading.rejected,
    rejects: async () => `select ${fileId(request.files, 'file_id')} as file, line, byte_offset, column_name, error, raw
      from (${await reading.rejects()}) order by file_id, line, byte_offset, nth`,
    cleanup: reading.cleanup,
  };
}

/** What is read and what is rejected, in terms of the files of the request. */
export interface CsvReading {
  /** The wanted columns, each with its name. */
  readonly values: readonly string[];
  /** The reader with the condition under which a record fits. */
  readonly from: string;
  rejected(good_rows: number): Promise<number>;
  /** Query of file_id, line, byte_offset, column_name, error, raw, nth. */
  rejects(): Promise<string>;
  cleanup(): Promise<void>;
}

/**
 * One `read_csv` whose rejects land in temporary tables while the good rows are written. Columns that need an exact look are read as text
 * and cast here; what does not survive that is looked for in a second reading, only when something is amiss.
 */
export function csvReading(session: ParseSession, request: ParseRequest): CsvReading {
  const names = ['errors', 'scans', 'records', 'misfits', 'lines', 'misfit_errors', 'misfit_scans'] as const;
  const t = Object.fromEntries(names.map((name) => [name, session.fresh(`reject_${name}`)])) as Record<
    (typeof names)[number],
    string
  >;
  const as_text = textColumns(request);
  const tried = triedColumns(request, as_text);
  const judged = judgedColumns(request, as_text).filter((one) => one.may_fail);
  let misfits: MisfitTables | undefined;
  const count = async (table: string): Promise<number> =>
    Number((await session.all(`select count(*) as n from ${table}`))[0]?.['n'] ?? 0);
  return {
    values: tried.map((one) => `${one.value} as ${quoteIdent(one.column.name)}`),
    from: csvSource(request, t, as_text) + (judged.length === 0 ? '' : ` where ${fitsSql(judged)}`),
    rejected: async (good_rows) => {
      await session.run(`create temp table ${t.records} as ${rejectedRecordsSql(t.errors, t.scans)}`);
      const unreadable = await count(t.records);
      if (judged.length === 0 || good_rows + unreadable === request.records) return unreadable;
      misfits = { misfits: t.misfits, errors: t.misfit_errors, scans: t.misfit_scans };
      await findMisfits(session, request, as_text, misfits);
      return unreadable + (await count(t.misfits));
    },
    rejects: async () => {
      const line = request.multiline_records === true ? await lineSql(session, request, t.records) : 'line';
      const read = `select file_id, ${line} as line, byte_offset, column_name, error, raw, cast(null as bigint) as nth from ${t.records}`;
      return misfits === undefined ? read : `${read} union all ${await misfitRejects(session, request, t)}`;
    },
    cleanup: async () => {
      await session.run(
        Object.values(t)
          .map((table) => `drop table if exists ${table}`)
          .join(';\n'),
      );
    },
  };
}

/**
 * A record may break in several columns: it is one reject, with its first error and the others behind it. The engine's byte
 * position counts from 1, ours from 0; it takes the LF of a CR LF, and blank lines, for the record's first bytes. `file_id` is the file's place in the list.
 */
function rejectedRecordsSql(errors: string, scans: string): string {
  return `select file_id, line, line_byte_position - 1 + any_value(length(csv_line) - length(${RECORD_TEXT})) as byte_offset,
      arg_min(column_name, (column_idx, byte_position)) as column_name,
      left(string_agg(lower(cast(error_type as varchar)) || ': ' || split_part(error_message, chr(10), 1), '; ' order by column_idx, byte_position), ${ERROR_CHARS_MAX}) as error,
      left(any_value(${RECORD_TEXT}), ${RAW_CHARS_MAX}) as raw
    from ${errors} where scan_id in (select scan_id from ${scans}) group by file_id, line, line_byte_position`;
}
