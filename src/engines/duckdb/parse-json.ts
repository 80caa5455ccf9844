import { type Column, SOURCE_FILE_COLUMN } from '../../core/model/table.ts';
import type { ParseRequest } from '../../core/ports/engine.ts';
import { lossSql } from '../../core/types/loss.ts';
import {
  checkedColumns,
  culpritSql,
  forbiddenColumns,
  misfitSql,
  RAW_CHARS_MAX,
  type Tried,
} from '../../core/types/tried.ts';
import { parseType, renderType, type TypeNode } from '../../core/types/type-text.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { fileId, LINE_BYTES_MAX, linesSource, type ParseSession, type Split, uriList } from './parse-parts.ts';
import { jsonCompression } from './read-csv.ts';

/** The record without the white space of JSON around it. */
const TRIMMED = `trim(_raw, ' ' || chr(9) || chr(10) || chr(13))`;

/** A record that has a member twice: which of the two is meant nobody knows. Asked only of what is JSON. */
const TWICE = `case when json_valid(_raw) then len(json_keys(_raw)) <> len(list_distinct(json_keys(_raw))) else false end`;
/** What the engine reads although JSON forbids it: a comma before a closing bracket, NaN, Infinity; looked for outside strings. */
const LENIENT = `regexp_matches(regexp_replace(_raw, '"([^"\\\\]|\\\\.)*"', '""', 'g'), ',\\s*[\\]}]|[NAIiFTYy]|na')`;
/** Why a record is not valid. */
const NOT_VALID = `case when ${TWICE} then 'a member stands in it twice: ' ||
  list_filter(json_keys(_raw), lambda k, i: list_position(json_keys(_raw), k) < i)[1] 
  when json_valid(_raw) and ${LENIENT} then 'not JSON: a comma too many, NaN or Infinity'
  when regexp_matches(_raw, '[\\\\]u[dD][89a-fA-F][0-9a-fA-F]{2}') then 'not a JSON object: a string may hold half of a surrogate pair'
  else 'not a JSON object' end`;

/** Types of columns whose values are JSON objects or lists. */
export const NESTED = /^(struct|map)\(|\]$/;

/**
 * NDJSON lines and JSON elements: each is taken as text, so that a broken one is rejected as itself. The good rows are one parallel
 * pass; only when there are fewer of them than records are the others looked for in a second, ordered pass.
 */
export function jsonSplit(session: ParseSession, request: ParseRequest): Split {
  const source = recordTextsSql(request);
  const tried = request.columns.map((column) => triedColumn(column, request.exact?.includes(column.name) === true));
  const memberOf = (name: string): string => `struct_extract(_r, ${quoteText(name)})`;
  const checked = checkedColumns(request.checks, memberOf);
  const judged = [...checked, ...tried, ...forbiddenColumns(request.forbidden, memberOf)];
  const misfits = judged.filter((one) => one.may_fail).map(misfitSql);
  const bad = ['not _valid', ...misfits].join(' or ');
  const fits = ['_valid', ...misfits.map((misfit) => `not ${misfit}`)].join(' and ');
  const records = (from: string): string => recordsSql(from, request);
  // Trimming is dear, so it is done only for lines that do not look like the usual ones (CASE is lazy, OR is not).
  const present = `where case when _raw is null then false when starts_with(_raw, '{') then true else ${TRIMMED} <> '' end`;
  return {
    good: `select ${tried
      .map((one) => `${one.value} as ${quoteIdent(one.column.name)}`)
      .concat(`${fileId(request.files, '_fi')} as ${quoteIdent(SOURCE_FILE_COLUMN)}`)
      .join(', ')}
      from (${records(source)}) where ${fits}`,
    rejected: async (good_rows) => {
      if (good_rows === request.records) return 0;
      const [row] = await session.all(`select count(*) as n from (${source} ${present})`);
      return Number(row?.['n'] ?? 0) - good_rows;
    },
    rejects: async () => {
      const culprit = culpritSql(judged, request.inferred);
      const numbered = `select *, _at - min(_at) over (partition by _fi) + 1 as _line from (select *, row_number() over () as _at from (${source}))`;
      return `select ${fileId(request.files, '_fi')} as file, _line as line, cast(null as bigint) as byte_offset,
        case when _valid then ${culprit.column_name} end as column_name,
        case when _valid then ${culprit.error} else ${NOT_VALID} end as error, left(_raw, ${RAW_CHARS_MAX}) as raw
        from (${records(`select * from (${numbered}) ${present}`)}) where ${bad} order by _at`;
    },
    cleanup: async () => undefined,
  };
}

/** Adds `_valid` and the members that are asked for as texts (`_r`): one look at the text for all columns together. */
function recordsSql(from: string, { columns, forbidden = [], checks = [], strict_records }: ParseRequest): string {
  const kinds = [
    ...checks.map(({ column }) => [column, 'VARCHAR']),
    ...columns.map((column) => [column.name, kindOf(column)]),
    ...forbidden.map((name) => [name, 'VARCHAR']),
  ];
  const structure = JSON.stringify(Object.fromEntries(kinds));
  const valid = strict_records === true ? `(json_valid(_raw) and not ${TWICE} and not ${LENIENT})` : 'json_valid(_raw)';
  const object = `case when _raw is null then false when starts_with(_raw, '{') then ${valid}
    when starts_with(${TRIMMED}, '{') then ${valid} else false end`;
  const parsed = kinds.length === 0 ? 'null' : `case when _valid then from_json(_raw, ${quoteText(structure)}) end`;
  return `select *, ${parsed} as _r from (select *, ${object} as _valid from (${from}))`;
}

function kindOf(column: Column): string {
  return NESTED.test(column.type) ? 'JSON' : 'VARCHAR';
}

function triedColumn(column: Column, exact: boolean): Tried {
  const member = `struct_extract(_r, ${quoteText(column.name)})`;
  if (exact) return { column, read: member, value: `try_cast(${member} as ${column.type})`, may_fail: false };
  if (column.type === 'varchar') {
    const read = exactText(column, member);
    return { column, read, value: read, may_fail: false };
  }
  if (!NESTED.test(column.type)) {
    const read = exactText(column, member);
    return { column, read, value: `try_cast(${read} as ${column.type})`, may_fail: true };
  }
  return triedNested(column, member);
}

/** A column whose type has members or elements, from their JSON. */
export function triedNested(column: Column, json: string): Tried {
  const read = `nullif(${json}, 'null')`;
  const value = `try_cast(${read} as ${column.type})`;
  return { column, read, value, may_fail: true, loss: nestedMisfit(parseType(column.type), read, value, 0) };
}

/** The engine makes NULL of a member or element that does not fit, deep inside a value: each is compared with what was read. */
function nestedMisfit(node: TypeNode, json: string, value: string, depth: number): string {
  if (node.kind === 'struct') {
    const members = node.members.map(({ name, type }) => {
      const member = `struct_extract(${value}, ${quoteText(name)})`;
      return nestedMisfit(type, `json_extract(${json}, ${quoteText(`$.${JSON.stringify(name)}`)})`, member, depth);
    });
    return `(${[isOther(json, 'OBJECT'), ...members].join(' or ')})`;
  }
  if (node.kind === 'list') {
    const pair = `p${depth}`;
    const inner = nestedMisfit(node.element, `${pair}[1]`, `${pair}[2]`, depth + 1);
    const pairs = `list_zip(json_extract(${json}, '$[*]'), ${value})`;
    return `(${isOther(json, 'ARRAY')} or coalesce(len(list_filter(${pairs}, lambda ${pair}: ${inner})) > 0, false))`;
  }
  const type = renderType(node);
  if (node.kind === 'map' || type === 'varchar') return 'false';
  const read = `json_extract_string(${json}, '$')`;
  return `(${read} is not null and (${value} is null or ${lossSql(type, read, value) ?? 'false'}))`;
}

/** True for a JSON value that is neither of this kind nor null. */
function isOther(json: string, kind: 'OBJECT' | 'ARRAY'): string {
  return `coalesce(json_type(${json}) not in ('${kind}', 'NULL'), false)`;
}

/**
 * The engine reads a number with a fraction as a double, which keeps 15 to 17 digits. Where the column is text or a longer decimal, the number is
 * taken from the record's text, if it is the same number to the double's last digit.
 */
function exactText(column: Column, member: string): string {
  const precision = Number(/^decimal\((\d+)/.exec(column.type)?.[1] ?? 0);
  if (precision <= 15 && column.type !== 'varchar') return member;
  const found = numberTextSql(column.name);
  // Most texts are no numbers, which their first character tells at once.
  const long = `length(${member}) > 15${column.type === 'varchar' ? ` and ascii(${member}) between 45 and 57` : ''}`;
  return `case when ${long} and try_cast(${found} as double) = try_cast(${member} as double) then ${found} else ${member} end`;
}

/** The number that stands behind a member's name in the text of a record, digit by digit; empty when there is none. */
export function numberTextSql(name: string): string {
  const key = JSON.stringify(name).replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return `regexp_extract(_raw, ${quoteText(`${key}\\s*:\\s*(-?[0-9]+(?:\\.[0-9]+)?)\\s*[,}]`)}, 1)`;
}

/** The records as texts, `_raw`. */
export function recordTextsSql(request: Pick<ParseRequest, 'format' | 'files'>): string {
  return request.format === 'ndjson' ? linesSql(request) : elementsSql(request);
}

function linesSql(request: Pick<ParseRequest, 'files'>): string {
  return `select * from (select line as _raw, file_index as _fi from ${linesSource(request.files)})`;
}

function elementsSql(request: Pick<ParseRequest, 'files'>): string {
  const options = [
    `format='auto'`,
    `compression=${jsonCompression(request.files[0]?.compression)}`,
    `maximum_object_size=${LINE_BYTES_MAX}`,
  ];
  return `select * from (select cast(json as varchar) as _raw, file_index as _fi from read_json_objects(${uriList(request.files)}, ${options.join(', ')}))`;
}
