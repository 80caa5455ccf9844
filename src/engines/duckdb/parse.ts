import { type Column, SOURCE_FILE_COLUMN } from '../../core/model/table.ts';
import { type CandidateFile, type ParseFile, type ParseRequest, type ParseResult, REJECT_COLUMNS, type Row, type WriteTarget } from '../../core/ports/engine.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { csvSource, jsonCompression } from './read-csv.ts';

/** What parsing needs of a session. */
export interface ParseSession {
  run(sql: string): Promise<void>;
  all(sql: string): Promise<readonly Row[]>;
  write(sql: string, target: WriteTarget): Promise<readonly CandidateFile[]>;
  /** A name that no other temporary object of this session has. */
  fresh(prefix: string): string;
}

/** Good rows and rejected records of a set of files, as queries. `rejects` is run after `good`. */
interface Split {
  readonly good: string;
  /** In REJECT_COLUMNS, `file` being the id. */
  readonly rejects: string;
  readonly cleanup: readonly string[];
}

/** Parses input files into candidate files of good rows and of rejects: one pass over the data, counts per file from what was written. */
export async function parseFiles(session: ParseSession, request: ParseRequest): Promise<ParseResult> {
  const split = request.format === 'csv' ? csvSplit(session, request) : await recordSplit(session, request);
  const names = request.columns.map((column) => quoteIdent(column.name)).join(', ');
  const candidates = await session.write(`select ${names}, ${quoteIdent(SOURCE_FILE_COLUMN)} from (${split.good})`, request.target);
  const rejects = await session.write(split.rejects, { folder: request.reject_folder, columns: REJECT_COLUMNS });
  const per_file = new Map<string, { rows: number; rejected: number }>(request.files.map((file) => [file.id, { rows: 0, rejected: 0 }]));
  for (const row of await counted(session, candidates, SOURCE_FILE_COLUMN)) entry(per_file, row).rows = Number(row['n']);
  for (const row of await counted(session, rejects, 'file')) entry(per_file, row).rejected = Number(row['n']);
  for (const sql of split.cleanup) await session.run(sql);
  return { candidates, rejects, per_file };
}

function entry(per_file: Map<string, { rows: number; rejected: number }>, row: Row): { rows: number; rejected: number } {
  const id = String(row['f']);
  const known = per_file.get(id) ?? { rows: 0, rejected: 0 };
  per_file.set(id, known);
  return known;
}

async function counted(session: ParseSession, files: readonly CandidateFile[], column: string): Promise<readonly Row[]> {
  if (files.length === 0) return [];
  const list = files.map((file) => quoteText(file.uri)).join(', ');
  return session.all(`select ${quoteIdent(column)} as f, count(*) as n from read_parquet([${list}], hive_partitioning=false) group by 1`);
}

/** One `read_csv` whose rejects land in temporary tables while the good rows are written. */
function csvSplit(session: ParseSession, request: ParseRequest): Split {
  const errors = session.fresh('reject_errors');
  const scans = session.fresh('reject_scans');
  const from = csvSource(request, { errors, scans });
  const wanted = request.columns.map((column) => quoteIdent(column.name)).join(', ');
  // A record may break in several columns: it is one reject, with its first error and how many more there are.
  const rejects = `select ${idSql(request.files, 's.file_path')} as file, e.line, min(e.line_byte_position) as byte_offset,
      arg_min(e.column_name, e.column_idx) as column_name,
      arg_min(lower(cast(e.error_type as varchar)) || ': ' || e.error_message, e.column_idx) || case when count(*) > 1 then ' (and ' || (count(*) - 1) || ' more)' else '' end as error,
      left(any_value(e.csv_line), 65536) as raw
    from ${errors} e join (select distinct scan_id, file_id, file_path from ${scans}) s on s.scan_id = e.scan_id and s.file_id = e.file_id
    group by all order by file, line`;
  return {
    good: `select ${wanted}, ${idSql(request.files, '_path')} as ${quoteIdent(SOURCE_FILE_COLUMN)} from ${from}`,
    rejects: rejects.replace('group by all', 'group by 1, 2'),
    cleanup: [`drop table if exists ${errors}`, `drop table if exists ${scans}`],
  };
}

/**
 * The id of a file from the path that the engine reports. Mostly ids are the ends of the paths, which is a substring; otherwise
 * the list is searched.
 */
function idSql(files: readonly ParseFile[], path: string): string {
  const [first] = files;
  if (first !== undefined && files.length === 1) return quoteText(first.id);
  const prefix = first === undefined ? '' : first.uri.slice(0, first.uri.length - first.id.length);
  if (files.every((file) => file.uri === prefix + file.id)) return `substr(${path}, ${[...prefix].length + 1})`;
  const paths = files.map((file) => quoteText(file.uri)).join(', ');
  const ids = files.map((file) => quoteText(file.id)).join(', ');
  return `list_extract([${ids}], list_position([${paths}], ${path}))`;
}

/** JSON, NDJSON and Parquet: records are taken as they are, each column is tried, a record with a value that does not fit is rejected. */
async function recordSplit(session: ParseSession, request: ParseRequest): Promise<Split> {
  const table = session.fresh('records');
  const json = request.format !== 'parquet';
  await session.run(`create or replace temp table ${table} as ${json ? jsonRecords(request) : parquetRecords(request)}`);
  const value = (column: Column): string => (json ? jsonValue(column) : `try_cast(${quoteIdent(column.name)} as ${column.type})`);
  const original = (column: Column): string => (json ? `json_extract_string(_json, ${jsonPath(column.name)})` : quoteIdent(column.name));
  const misfit = (column: Column): string => `(${original(column)} is not null and ${value(column)} is null)`;
  const broken = json ? ['coalesce(not _valid, true)'] : [];
  const reason = [
    ...(json ? [`when coalesce(not _valid, true) then 'not a JSON object'`] : []),
    ...request.columns.map((column) => `when ${misfit(column)} then ${quoteText(`${column.name} is no ${column.type}: `)} || left(cast(${original(column)} as varchar), 80)`),
  ];
  const culprit = request.columns.map((column) => `when ${misfit(column)} then ${quoteText(column.name)}`).join(' ');
  const bad = [...broken, ...request.columns.map(misfit)].map((condition) => `coalesce(${condition}, false)`).join(' or ') || 'false';
  const guard = json ? '_valid and ' : '';
  const raw = json ? 'left(_raw, 65536)' : `left(cast(to_json(struct_pack(${request.columns.map((c) => `${quoteIdent(c.name)} := ${quoteIdent(c.name)}`).join(', ')})) as varchar), 65536)`;
  return {
    good: `select ${request.columns.map((column) => `${value(column)} as ${quoteIdent(column.name)}`).join(', ')}, ${idSql(request.files, '_path')} as ${quoteIdent(SOURCE_FILE_COLUMN)}
      from ${table} where ${guard}not (${bad}) order by _at`,
    rejects: `select ${idSql(request.files, '_path')} as file, _line as line, cast(null as bigint) as byte_offset,
      case ${culprit === '' ? 'when false then null' : culprit} end as column_name, coalesce(case ${reason.join(' ')} end, 'does not fit') as error, ${raw} as raw
      from ${table} where ${bad} order by _at`,
    cleanup: [`drop table if exists ${table}`],
  };
}

/** One row per record: its text, whether it is an object, where it stands. Lines are read as plain text, so that a bad one stays itself. */
function jsonRecords(request: ParseRequest): string {
  const uris = request.files.map((file) => quoteText(file.uri)).join(', ');
  const compression = request.files[0]?.compression ?? 'none';
  const source =
    request.format === 'ndjson'
      ? `select line as _raw, _path, row_number() over () as _at from read_csv([${uris}], columns={'line': 'varchar'}, auto_detect=false, header=false, delim=e'\\x01', quote='', escape='', nullstr=e'\\x02',
         filename=_path, compression=${quoteText(compression)}, max_line_size=16777216, buffer_size=67108864, strict_mode=false)`
      : `select cast(json as varchar) as _raw, filename as _path, row_number() over () as _at from read_json_objects([${uris}], format='auto', filename=true, compression=${jsonCompression(compression)}, maximum_object_size=67108864)`;
  return `select _raw, _path, _at, _at - min(_at) over (partition by _path) + 1 as _line, json_valid(_raw) and coalesce(json_type(case when json_valid(_raw) then _raw end) = 'OBJECT', false) as _valid,
    case when json_valid(_raw) then cast(_raw as json) end as _json
    from (${source}) where _raw is not null and trim(_raw) <> ''`;
}

function parquetRecords(request: ParseRequest): string {
  const uris = request.files.map((file) => quoteText(file.uri)).join(', ');
  const columns = request.columns.map((column) => quoteIdent(column.name)).join(', ');
  return `select ${columns}, filename as _path, file_row_number + 1 as _line, row_number() over () as _at
    from read_parquet([${uris}], filename=true, file_row_number=true, hive_partitioning=false, union_by_name=true)`;
}

function jsonPath(name: string): string {
  return quoteText(`$."${name.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`);
}

/** Scalars go through their exact text, so that no number passes through a double; nested values through a JSON cast. */
function jsonValue(column: Column): string {
  if (/^(struct|map)\(|\[\]$/.test(column.type)) return `try_cast(json_extract(_json, ${jsonPath(column.name)}) as ${column.type})`;
  return `try_cast(json_extract_string(_json, ${jsonPath(column.name)}) as ${column.type})`;
}
