import type { DuckDBConnection } from '@duckdb/node-api';
import type { ExportTarget } from '../../core/ports/engine.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';

/** A character that no text holds stands in for the delimiter, so that a line is written as it is. */
const NO_DELIMITER = '\u0001';

/** Writes the rows of a query as one file for others; returns how many. */
export async function exportRows(connection: DuckDBConnection, sql: string, target: ExportTarget): Promise<number> {
  const result = await connection.runAndReadAll(
    `copy (${rowsOf(sql, target)}) to ${quoteText(target.uri)} (${optionsOf(target).join(', ')})`,
  );
  return Number(result.getRowsJson()[0]?.[0] ?? 0);
}

/** The header of a `lines` file is the name of its only column: the writer puts it first. */
function rowsOf(sql: string, target: ExportTarget): string {
  if (target.format !== 'lines' || target.header === undefined) return sql;
  return `select * from (${sql}\n) as t(${quoteIdent(target.header)})`;
}

function optionsOf(target: ExportTarget): readonly string[] {
  if (target.format === 'parquet')
    return ['format parquet', `compression ${target.compression === 'none' ? 'zstd' : target.compression}`];
  const compression = `compression ${target.compression}`;
  if (target.format === 'ndjson') return ['format json', compression];
  if (target.format === 'csv') return ['format csv', 'header true', compression];
  const header = `header ${target.header !== undefined}`;
  return ['format csv', header, `quote ''`, `escape ''`, `delimiter ${quoteText(NO_DELIMITER)}`, compression];
}
