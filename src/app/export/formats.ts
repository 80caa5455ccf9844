/** Kinds of files that an export writes. */
export const EXPORT_FORMATS = ['csv', 'csv.gz', 'ndjson', 'ndjson.gz', 'parquet', 'xlsx'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
