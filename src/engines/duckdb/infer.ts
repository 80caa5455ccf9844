import type { Column } from '../../core/model/table.ts';
import type { EngineColumn, ParseRequest } from '../../core/ports/engine.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { LINE_BYTES_MAX } from './parse-parts.ts';
import { dialectOptions, jsonCompression } from './read-csv.ts';

export type InferRequest = Pick<ParseRequest, 'format' | 'files' | 'dialect' | 'header'>;

/** Records that the engine looks at before it says what type a column has. */
const SAMPLE_RECORDS = 100_000;

/** The query whose columns are the inferred ones. */
export function inferSql(request: InferRequest, more: readonly string[] = []): string {
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
  return `select * from read_json([${uris}], format='${format}', sample_size=${SAMPLE_RECORDS}, compression=${jsonCompression(request.files[0]?.compression)}, ignore_errors=${request.format === 'ndjson'}, maximum_object_size=${LINE_BYTES_MAX})`;
}

/**
 * For csv columns that were taken for doubles: a query with one boolean each, true when the sample has a whole number of 16 digits or more
 * (an account, a barcode), which a double would round. Undefined when there is nothing to ask.
 */
export function longNumbersSql(request: InferRequest, columns: readonly EngineColumn[]): string | undefined {
  if (request.format !== 'csv') return undefined;
  const doubles = columns.filter((column) => column.type === 'double').map((column) => quoteIdent(column.name));
  if (doubles.length === 0) return undefined;
  const items = doubles.map(
    (name) => `coalesce(bool_or(regexp_matches(${name}, '^\\s*[+-]?[0-9]{16,}\\s*$')), false) as ${name}`,
  );
  return `select ${items.join(', ')} from (${inferSql(request, ['all_varchar=true'])} limit ${SAMPLE_RECORDS})`;
}

/** Inferred types made storable and safe: nested values stay JSON text, times without zone are taken as UTC instants. */
export function inferredColumns(columns: readonly EngineColumn[], format: ParseRequest['format']): readonly Column[] {
  return columns.map(({ name, type }) => ({ name, type: format === 'parquet' ? type : settled(type), nullable: true }));
}

function settled(type: string): string {
  if (/^(struct|map)\(|\[\]$|^json$/.test(type)) return 'varchar';
  if (type === 'timestamp') return 'timestamptz';
  return type === '"null"' || type === 'null' ? 'varchar' : type;
}
