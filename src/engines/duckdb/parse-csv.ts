import { SOURCE_FILE_COLUMN } from '../../core/model/table.ts';
import type { ParseRequest } from '../../core/ports/engine.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { fileId, type ParseSession, RAW_CHARS_MAX, type Split } from './parse-parts.ts';
import { linesAt } from './physical-lines.ts';
import { csvSource } from './read-csv.ts';

const ERROR_CHARS_MAX = 2_000;
/** Beyond so many rejects in multi-line files their lines stay unknown (the byte offset is always there). */
const LOCATED_MAX = 100_000;

/** One `read_csv` whose rejects land in temporary tables while the good rows are written. */
export function csvSplit(session: ParseSession, request: ParseRequest): Split {
  const errors = session.fresh('reject_errors');
  const scans = session.fresh('reject_scans');
  const records = session.fresh('reject_records');
  const wanted = request.columns.map((column) => quoteIdent(column.name));
  const from = csvSource(request, { errors, scans });
  return {
    good: `select ${[...wanted, `${fileId(request.files)} as ${quoteIdent(SOURCE_FILE_COLUMN)}`].join(', ')} from ${from}`,
    rejected: async () => {
      await session.run(`create temp table ${records} as ${rejectedRecordsSql(errors, scans)}`);
      const [row] = await session.all(`select count(*) as n from ${records}`);
      return Number(row?.['n'] ?? 0);
    },
    rejects: async () => {
      const line = request.multiline_records === true ? await lineSql(session, request, records) : 'line';
      return `select ${fileId(request.files, 'file_id')} as file, ${line} as line, byte_offset, column_name, error, raw
        from ${records} order by file_id, byte_offset`;
    },
    cleanup: async () => {
      for (const table of [records, errors, scans]) await session.run(`drop table if exists ${table}`);
    },
  };
}

/**
 * A record may break in several columns: it is one reject, with its first error and the others behind it. The engine's byte
 * position counts from 1, ours from 0; after a CR LF it takes the LF for the record's first byte. `file_id` is the file's place in the list.
 */
export function rejectedRecordsSql(errors: string, scans: string): string {
  return `select file_id, line, line_byte_position - 1 + cast(any_value(starts_with(csv_line, chr(10))) as bigint) as byte_offset,
      arg_min(column_name, (column_idx, byte_position)) as column_name,
      left(string_agg(lower(cast(error_type as varchar)) || ': ' || split_part(error_message, chr(10), 1), '; ' order by column_idx, byte_position), ${ERROR_CHARS_MAX}) as error,
      left(any_value(ltrim(csv_line, chr(10))), ${RAW_CHARS_MAX}) as raw
    from ${errors} where scan_id in (select scan_id from ${scans}) group by file_id, line, line_byte_position`;
}

/**
 * The engine counts records where it says line, which is not the same when records span lines. For plain files the line is counted
 * up to the byte offset; in compressed ones it stays unknown.
 */
async function lineSql(session: ParseSession, request: ParseRequest, records: string): Promise<string> {
  const rows = await session.all(`select file_id, byte_offset from ${records} order by all limit ${LOCATED_MAX + 1}`);
  if (rows.length > LOCATED_MAX) return 'cast(null as bigint)';
  const found: string[] = [];
  for (const [index, file] of request.files.entries()) {
    const offsets = rows.filter((row) => Number(row['file_id']) === index).map((row) => Number(row['byte_offset']));
    if (offsets.length === 0 || file.compression !== 'none') continue;
    const lines = await linesAt(file.uri, offsets);
    found.push(...offsets.map((offset, at) => `'${index}:${offset}': ${lines[at]}`));
  }
  if (found.length === 0) return 'cast(null as bigint)';
  return `cast(map {${found.join(', ')}}[file_id || ':' || byte_offset] as bigint)`;
}
