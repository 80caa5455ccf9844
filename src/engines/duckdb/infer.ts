import type { Column } from '../../core/model/table.ts';
import type { EngineColumn, ParseRequest, Row } from '../../core/ports/engine.ts';
import type { ValueForm } from '../../kit/json-members.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { numberTextSql, recordTextsSql } from './parse-json.ts';
import { LINE_BYTES_MAX } from './parse-parts.ts';
import { dialectOptions, jsonCompression } from './read-csv.ts';

export type InferRequest = Pick<ParseRequest, 'format' | 'files' | 'dialect' | 'header' | 'limits' | 'forms'>;

/** Records that the engine looks at before it says what type a column has. */
const SAMPLE_RECORDS = 100_000;

/** The query whose columns are the inferred ones. */
function inferSql(request: InferRequest, more: readonly string[] = [], sample_records = SAMPLE_RECORDS): string {
  const uris = request.files.map((file) => quoteText(file.uri)).join(', ');
  const compression = quoteText(request.files[0]?.compression ?? 'none');
  if (request.format === 'parquet')
    return `select * from read_parquet([${uris}], hive_partitioning=false, union_by_name=true)`;
  if (request.format === 'csv') {
    const layout =
      request.dialect === undefined
        ? []
        : dialectOptions(request.dialect).filter((option) => option !== 'auto_detect=false');
    const names = request.header === undefined ? [] : [`names=[${request.header.map(quoteText).join(', ')}]`];
    return `select * from read_csv([${uris}], ${[...layout, ...names, `sample_size=${SAMPLE_RECORDS}`, `compression=${compression}`, 'ignore_errors=true', ...more].join(', ')})`;
  }
  const format = request.format === 'ndjson' ? 'newline_delimited' : 'auto';
  return `select * from read_json([${uris}], format='${format}', sample_size=${sample_records}, compression=${jsonCompression(request.files[0]?.compression)}, ignore_errors=${request.format === 'ndjson'}, maximum_object_size=${LINE_BYTES_MAX})`;
}

/** A look at fewer records is enough where the forms of all values are known. */
const SHORT_SAMPLE_RECORDS = 20_000;

/** The types that values of a form have, by the sniffer's own reading of all of them; texts may be anything. */
const FORM_TYPES: Partial<Readonly<Record<ValueForm, RegExp>>> = {
  whole: /^bigint$/,
  number: /^double$/,
  boolean: /^boolean$/,
  instant: /^timestamp/,
  text: /^varchar$/,
  nested: /^(struct|map)\(|\[\]$|^json$/,
};

/** The short look, where forms are known at all. */
function shortInferSql(request: InferRequest): string | undefined {
  return request.forms === undefined ? undefined : inferSql(request, [], SHORT_SAMPLE_RECORDS);
}

/** Whether more records could not change what a short look found: each member was seen, with the type that all its values have. */
function isSettled({ forms = {} }: InferRequest, found: readonly EngineColumn[]): boolean {
  const types = new Map(found.map(({ name, type }) => [name, type]));
  return Object.entries(forms).every(([name, form]) => FORM_TYPES[form]?.test(types.get(name) ?? '') === true);
}

/** Texts of a type that the sniffer takes for it, although they say more: an account or barcode that a double rounds, a leading zero, the country NO, 01/02/03. */
const ONLY_TEXT: readonly (readonly [type: RegExp, pattern: string])[] = [
  [/^double$/, '\\s*[+-]?([0-9]{16,}|0[0-9]+)\\s*'],
  [/^(bigint|integer|smallint|tinyint)$/, '\\s*[+-]?0[0-9]+\\s*'],
  [/^boolean$/, '(?i)\\s*(n|y|no|yes|on|off)\\s*'],
  [/^(date|timestamp)/, '[0-9]{1,3}[^0-9].*|[0-9]{8,}|[^0-9].*'],
];

/** True for the text of a number with more digits than a double gives back: 0.1 and 0.30000000000000004 come back as they are. */
function losesDigits(text: string): string {
  const digits = (number: string): string =>
    `trim(regexp_replace(regexp_replace(${number}, '[eE].*', ''), '[^0-9]', '', 'g'), '0')`;
  return `(length(${text}) > 15 and ${digits(text)} <> ${digits(`cast(try_cast(${text} as double) as varchar)`)})`;
}

/**
 * For columns of texts (csv, json): a query with one boolean each, true when the sample has a text that its type would change. Undefined when there is
 * nothing to ask.
 */
function onlyTextSql(request: InferRequest, columns: readonly EngineColumn[]): string | undefined {
  if (request.format === 'parquet') return undefined;
  const items = columns.flatMap(({ name, type }) => {
    // A number that is known to be short loses no digit.
    if (request.forms?.[name] === 'number') return [];
    const text = request.format === 'csv' ? quoteIdent(name) : numberTextSql(name);
    const pattern = request.format === 'csv' ? ONLY_TEXT.find(([types]) => types.test(type))?.[1] : undefined;
    const changes = [
      ...(pattern === undefined ? [] : [`regexp_full_match(${text}, ${quoteText(pattern)})`]),
      ...(type === 'double' ? [losesDigits(text)] : []),
    ];
    return changes.length === 0 ? [] : [`coalesce(bool_or(${changes.join(' or ')}), false) as ${quoteIdent(name)}`];
  });
  if (items.length === 0) return undefined;
  const texts = request.format === 'csv' ? inferSql(request, ['all_varchar=true']) : recordTextsSql(request);
  return `select ${items.join(', ')} from (${texts} limit ${SAMPLE_RECORDS})`;
}

/** Inferred types made storable and safe: nested values stay JSON text, times without zone are taken as UTC instants. */
function inferredColumns(columns: readonly EngineColumn[], format: ParseRequest['format']): readonly Column[] {
  return columns.map(({ name, type }) => ({ name, type: format === 'parquet' ? type : settled(type), nullable: true }));
}

function settled(type: string): string {
  if (/^(struct|map)\(|\[\]$|^json$/.test(type)) return 'varchar';
  if (type === 'timestamp') return 'timestamptz';
  return type === '"null"' || type === 'null' ? 'varchar' : type;
}

/** What the engine is asked while columns are inferred. */
interface Asked {
  columns(sql: string): Promise<readonly EngineColumn[]>;
  row(sql: string): Promise<Row>;
}

/** Columns of input files: a short look where that settles it, else the long one; what only looks like a number stays text. */
export async function inferColumns(request: InferRequest, ask: Asked): Promise<readonly Column[]> {
  const short = shortInferSql(request);
  const seen = short === undefined ? [] : await ask.columns(short);
  const found = short !== undefined && isSettled(request, seen) ? seen : await ask.columns(inferSql(request));
  const sql = onlyTextSql(request, found);
  const long: Row = sql === undefined ? {} : await ask.row(sql);
  const columns = found.map((column) => (long[column.name] === true ? { ...column, type: 'varchar' } : column));
  return inferredColumns(columns, request.format);
}
