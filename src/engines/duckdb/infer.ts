import type { Column } from '../../core/model/table.ts';
import type { EngineColumn, ParseRequest } from '../../core/ports/engine.ts';
import { quoteText } from '../../kit/sql.ts';
import { dialectOptions, jsonCompression } from './read-csv.ts';

/** Records that the engine looks at before it says what type a column has. */
const SAMPLE_RECORDS = 100_000;

/** The query whose columns are the inferred ones. */
export function inferSql(request: Pick<ParseRequest, 'format' | 'files' | 'dialect' | 'header'>): string {
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
    return `select * from read_csv([${uris}], ${[...layout, ...names, `sample_size=${SAMPLE_RECORDS}`, `compression=${compression}`, 'ignore_errors=true'].join(', ')})`;
  }
  const format = request.format === 'ndjson' ? 'newline_delimited' : 'auto';
  return `select * from read_json([${uris}], format='${format}', sample_size=${SAMPLE_RECORDS}, compression=${jsonCompression(request.files[0]?.compression)}, ignore_errors=${request.format === 'ndjson'}, maximum_object_size=67108864)`;
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
