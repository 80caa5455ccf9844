import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection, Json } from '@duckdb/node-api';
import type { CandidateFile, WriteTarget } from '../../core/ports/engine.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { engineError } from './errors.ts';
import { fileStats, type RawStats } from './stats.ts';

/** Hidden column by whose value `cluster_by` splits files. */
const CLUSTER = '_cluster';

/**
 * Writes a query's rows as Parquet into the target folder and reads counts and statistics from the writer. Either all files
 * are reported or (on an error) none is left behind.
 */
export async function writeFiles(connection: DuckDBConnection, sql: string, target: WriteTarget): Promise<readonly CandidateFile[]> {
  const partition_by = target.partition_by ?? [];
  const split = partition_by.length > 0 || target.cluster_by !== undefined;
  const place = split ? join(target.folder, randomUUID()) : join(target.folder, `part-${randomUUID()}.zst.parquet`);
  const columns = target.columns.map((column) => `cast(${quoteIdent(column.name)} as ${column.type}) as ${quoteIdent(column.name)}`);
  if (target.cluster_by !== undefined) columns.push(`cast(${target.cluster_by} as varchar) as ${CLUSTER}`);
  const options = ['format parquet', 'compression zstd', 'return_stats true'];
  if (split) {
    const keys = target.cluster_by === undefined ? partition_by : [...partition_by, CLUSTER];
    options.push(`partition_by (${keys.map(quoteIdent).join(', ')})`, 'write_partition_columns false', `filename_pattern 'part-{uuid}'`, 'overwrite_or_ignore true');
  }
  try {
    const result = await connection.runAndReadAll(`copy (select ${columns.join(', ')} from (${sql}\n)) to ${quoteText(place)} (${options.join(', ')})`);
    const files = result.getRowObjectsJson().map((row) => candidate(row, target));
    if (files.every((file) => file.rows > 0)) return files;
    for (const file of files.filter((one) => one.rows === 0)) await rm(file.uri, { force: true });
    return files.filter((file) => file.rows > 0);
  } catch (error) {
    await rm(place, { recursive: true, force: true }).catch(() => undefined);
    throw engineError(error);
  }
}

function candidate(row: Record<string, Json>, target: WriteTarget): CandidateFile {
  const rows = Number(row['count']);
  const keys = pairs(row['partition_keys']);
  const raw = new Map<string, RawStats>(pairs(row['column_statistics']).map(([name, stats]) => [unquoted(String(name)), new Map(pairs(stats).map(([k, v]) => [String(k), String(v)]))]));
  const values = Object.fromEntries((target.partition_by ?? []).map((column) => [column, keyText(keys, column)]));
  return {
    uri: String(row['filename']),
    size_bytes: Number(row['file_size_bytes']),
    rows,
    stats: fileStats(rows, target.columns, raw),
    partition_values: values,
  };
}

function keyText(keys: readonly (readonly [Json, Json])[], column: string): string | null {
  const found = keys.find(([name]) => unquoted(String(name)).toLowerCase() === column.toLowerCase())?.[1];
  return found === undefined || found === null ? null : String(found);
}

/** A MAP comes as a list of key-value objects. */
function pairs(value: Json | undefined): readonly (readonly [Json, Json])[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry) => (typeof entry === 'object' && entry !== null && !Array.isArray(entry) ? [[entry['key'] ?? null, entry['value'] ?? null] as const] : []));
}

function unquoted(name: string): string {
  return name.startsWith('"') && name.endsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}
