import type { Column } from '../../core/model/table.ts';
import type { ParseFile, ParseRequest } from '../../core/ports/engine.ts';
import { culpritSql, forbiddenColumns, misfitSql, RAW_CHARS_MAX, type Tried } from '../../core/types/tried.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { linesSource, type ParseSession, RECORD_TEXT } from './parse-parts.ts';
import { linesAt } from './physical-lines.ts';
import { csvSource, everyRecord } from './read-csv.ts';

/** The columns as they come out of the reader: those that need an exact look as text. An empty quoted text is no number: it is NULL. */
export function triedColumns(request: ParseRequest, as_text: ReadonlySet<string>): readonly Tried[] {
  return request.columns.map((column) => {
    const name = quoteIdent(column.name);
    if (!as_text.has(column.name)) return { column, read: name, value: name, may_fail: false };
    const read = `nullif(${name}, '')`;
    return { column, read, value: `try_cast(${read} as ${column.type})`, may_fail: true };
  });
}

/** Columns whose text has to be looked at: those that a cast may change. */
export function textColumns(request: ParseRequest): ReadonlySet<string> {
  const doubtful = new Set(request.doubtful?.map((name) => name.toLowerCase()));
  const typed = (column: Column): boolean => column.type !== 'varchar';
  return new Set(
    request.columns.filter((one) => typed(one) && doubtful.has(one.name.toLowerCase())).map((one) => one.name),
  );
}

/** Those that a record may fail by: the wanted columns, and the ones that must be empty. */
export function judgedColumns(request: ParseRequest, as_text: ReadonlySet<string>): readonly Tried[] {
  return [
    ...triedColumns(request, as_text),
    ...forbiddenColumns(request.forbidden, (name) => `nullif(${quoteIdent(name)}, '')`),
  ];
}

/** True for a row that fits. */
export function fitsSql(tried: readonly Tried[]): string {
  const misfits = tried.filter((one) => one.may_fail).map((one) => `not ${misfitSql(one)}`);
  return misfits.length === 0 ? 'true' : misfits.join(' and ');
}

/** Temporary tables of a second reading, in which the records that do not survive their cast are looked for. */
export interface MisfitTables {
  /** What is made: file_id, nth (place among the records that the reader delivers, from 0), column_name, error, shown. */
  readonly misfits: string;
  readonly errors: string;
  readonly scans: string;
}

export async function findMisfits(
  session: ParseSession,
  request: ParseRequest,
  as_text: ReadonlySet<string>,
  tables: MisfitTables,
): Promise<void> {
  const tried = judgedColumns(request, as_text);
  const culprit = culpritSql(tried, request.inferred);
  const from = csvSource(request, tables, as_text);
  const at = request.files.length === 1 ? '_at - 1' : '_at - min(_at) over (partition by _fi)';
  const members = tried.map(({ column: { name } }) => `${quoteText(name)}, cast(${quoteIdent(name)} as varchar)`);
  await session.run(
    `create temp table ${tables.misfits} as select _fi as file_id, _i as nth, ${culprit.column_name} as column_name, ${culprit.error} as error,
       left(cast(json_object(${members.join(', ')}) as varchar), ${RAW_CHARS_MAX}) as shown
     from (select *, ${at} as _i from (select *, file_index as _fi, row_number() over () as _at from ${from}))
     where not (${fitsSql(tried)})`,
  );
}

/**
 * Misfits as rejects: their line is their place among all records, those included that the reader itself rejected (`records`), and their raw
 * text is that line. Where records span lines the line has to be found by the byte offset, and beyond many records the raw text is the record
 * as JSON.
 */
export async function misfitRejects(
  session: ParseSession,
  request: ParseRequest,
  tables: { readonly misfits: string; readonly records: string; readonly lines: string },
): Promise<string> {
  const first = request.first_record_line;
  if (first === undefined || request.multiline_records === true) return await spanningRejects(session, request, tables);
  await session.run(`create temp table ${tables.lines} (file_id bigint, line bigint, raw varchar)`);
  const placed = `select m.*, ${first} + m.nth + (select count(*) from (
      select file_id, line - ${first} - (row_number() over (partition by file_id order by line) - 1) as before from ${tables.records}
    ) r where r.file_id = m.file_id and r.before <= m.nth) as line from ${tables.misfits} m`;
  for (const [index, file] of await filesOf(session, request, tables.misfits)) {
    await session.run(
      `insert into ${tables.lines} select ${index}, n, left(line, ${RAW_CHARS_MAX}) from (select line, row_number() over () as n from ${linesSource([file])})
       where n in (select line from (${placed}) where file_id = ${index})`,
    );
  }
  return `select p.file_id, p.line, cast(null as bigint) as byte_offset, p.column_name, p.error, coalesce(l.raw, p.shown) as raw, p.nth
    from (${placed}) p left join ${tables.lines} l on l.file_id = p.file_id and l.line = p.line`;
}

/** A third reading tells where each record begins and how it reads; those that the first one rejected are not among the delivered ones. */
async function spanningRejects(
  session: ParseSession,
  request: ParseRequest,
  tables: { readonly misfits: string; readonly records: string; readonly lines: string },
): Promise<string> {
  if ((request.records ?? 0) > SPANNING_RECORDS_MAX) {
    return `select file_id, cast(null as bigint) as line, cast(null as bigint) as byte_offset, column_name, error, shown as raw, nth from ${tables.misfits}`;
  }
  await session.run(`create temp table ${tables.lines} (file_id bigint, nth bigint, byte_offset bigint, raw varchar)`);
  for (const [index, file] of await filesOf(session, request, tables.misfits)) {
    const rejects = { errors: session.fresh('reject_all_errors'), scans: session.fresh('reject_all_scans') };
    const { rejects_max: _, ...one } = { ...request, files: [file] };
    await session.all(`select count(columns(*)) from ${everyRecord(one, rejects)}`);
    await session.run(
      `insert into ${tables.lines} select ${index}, row_number() over (order by byte_offset) - 1, byte_offset, raw from (
         select line_byte_position - 1 + any_value(length(csv_line) - length(${RECORD_TEXT})) as byte_offset, left(any_value(${RECORD_TEXT}), ${RAW_CHARS_MAX}) as raw
         from ${rejects.errors} group by line_byte_position)
       where byte_offset not in (select byte_offset from ${tables.records} where file_id = ${index})`,
    );
    for (const table of Object.values(rejects)) await session.run(`drop table if exists ${table}`);
  }
  const line = await lineSql(
    session,
    request,
    `(select l.* from ${tables.lines} l semi join ${tables.misfits} m on m.file_id = l.file_id and m.nth = l.nth)`,
  );
  return `select file_id, ${line} as line, byte_offset, column_name, error, raw, nth from (
      select m.file_id, l.byte_offset, m.column_name, m.error, coalesce(l.raw, m.shown) as raw, m.nth
      from ${tables.misfits} m left join ${tables.lines} l on l.file_id = m.file_id and l.nth = m.nth)`;
}

async function filesOf(
  session: ParseSession,
  request: ParseRequest,
  misfits: string,
): Promise<readonly (readonly [number, ParseFile])[]> {
  const rows = await session.all(`select distinct file_id from ${misfits} order by all`);
  return rows.flatMap((row) => {
    const index = Number(row['file_id']);
    const file = request.files[index];
    return file === undefined ? [] : [[index, file] as const];
  });
}

/** Beyond so many records their places are not asked for. */
const SPANNING_RECORDS_MAX = 2_000_000;
/** Beyond so many rejects in multi-line files their lines stay unknown (the byte offset is always there). */
const LOCATED_MAX = 100_000;

/**
 * The engine counts records where it says line, which is not the same when records span lines. For plain files the line is counted
 * up to the byte offset; in compressed ones it stays unknown.
 */
export async function lineSql(session: ParseSession, request: ParseRequest, records: string): Promise<string> {
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
