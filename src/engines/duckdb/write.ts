import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection, Json } from '@duckdb/node-api';
import type { CandidateFile, WriteTarget } from '../../core/ports/engine.ts';
import { fileStats, type RawStats } from '../../core/types/file-stats.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { type Doing, engineError } from './errors.ts';

const EXTENSION = '.zst.parquet';

/** Hidden column by whose value `cluster_by` splits files. */
const CLUSTER = '__dataflow_cluster';

/** From so many files on, together below so many bytes, files of a `cluster_by` become one. */
const CRUMBS_MIN = 12;
const CRUMBS_BYTES_MAX = 2 * 1024 * 1024;

interface CopyStatement {
  readonly text: string;
  /** Bytes before the query in it, for the place of an error. */
  readonly bytes_before: number;
}

/**
 * Writes a query's rows as Parquet into the target folder and reads counts and statistics from the writer. Either all files
 * are reported or (on an error or interrupt) none is left behind. No rows, no file. One file per partition tuple and `cluster_by` value, up to
 * 1,000 of them; beyond that a value may get several. Where `cluster_by` would only make crumbs, all rows are in one file.
 *
 * An empty text in a partition column is written as NULL: the Delta protocol, whose partition values are texts, has only one for both.
 */
export async function writeFiles(
  connection: DuckDBConnection,
  sql: string,
  target: WriteTarget,
  doing: Doing = {},
): Promise<readonly CandidateFile[]> {
  const split = (target.partition_by ?? []).length > 0 || target.cluster_by !== undefined;
  const place = join(target.folder, split ? randomUUID() : `part-${randomUUID()}${EXTENSION}`);
  const statement = copyStatement(sql, target, place);
  try {
    const files = await written(connection, statement, target);
    return isCrumbs(files, target) ? await joined(connection, files, target, place) : files;
  } catch (error) {
    for (const one of [place, `${place}${EXTENSION}`])
      await rm(one, { recursive: true, force: true }).catch(() => undefined);
    throw engineError(error, { ...doing, sql, bytes_before: statement.bytes_before });
  }
}

async function written(
  connection: DuckDBConnection,
  statement: CopyStatement,
  target: WriteTarget,
): Promise<readonly CandidateFile[]> {
  const result = await connection.runAndReadAll(statement.text);
  const files = result.getRowObjectsJson().map((row) => candidate(row, target));
  await removeFiles(files.filter((file) => file.rows === 0));
  return files.filter((file) => file.rows > 0);
}

/** Files of a `cluster_by` that are so small that whoever reads them would mostly open them. */
function isCrumbs(files: readonly CandidateFile[], { cluster_by, partition_by = [] }: WriteTarget): boolean {
  if (cluster_by === undefined || partition_by.length > 0 || files.length < CRUMBS_MIN) return false;
  return files.reduce((sum, file) => sum + file.size_bytes, 0) < CRUMBS_BYTES_MAX;
}

/** The same rows in one file: value by value of `cluster_by`, each in their order. */
async function joined(
  connection: DuckDBConnection,
  files: readonly CandidateFile[],
  { cluster_by, ...target }: WriteTarget,
  place: string,
): Promise<readonly CandidateFile[]> {
  const list = files.map((file) => quoteText(file.uri)).join(', ');
  const sql = `select * from read_parquet([${list}], hive_partitioning=false, file_row_number=true) order by ${cluster_by}, file_row_number`;
  const whole = await written(connection, copyStatement(sql, target, `${place}${EXTENSION}`), target);
  await rm(place, { recursive: true, force: true });
  return whole;
}

/** Takes back files that were written. */
export async function removeFiles(files: readonly CandidateFile[]): Promise<void> {
  await Promise.all(files.map((file) => rm(file.uri, { force: true })));
}

function copyStatement(sql: string, target: WriteTarget, place: string): CopyStatement {
  const partition_by = target.partition_by ?? [];
  const columns = target.columns.map((column) => {
    const name = quoteIdent(column.name);
    const value = `cast(${name} as ${column.type})`;
    const emptied = column.type === 'varchar' && partition_by.some((one) => sameName(one, column.name));
    return `${emptied ? `nullif(${value}, '')` : value} as ${name}`;
  });
  const options = ['format parquet', 'compression zstd', 'return_stats true'];
  const keys = [...partition_by];
  if (target.cluster_by !== undefined) {
    // A hash, because the value becomes a folder name, which has a limit on its length; two values in one file do no harm.
    columns.push(`cast(hash(${target.cluster_by}) as varchar) as ${CLUSTER}`);
    keys.push(CLUSTER);
  }
  if (keys.length > 0) {
    options.push(
      `partition_by (${keys.map(quoteIdent).join(', ')})`,
      'write_partition_columns false',
      `filename_pattern 'part-{uuid}'`,
      `file_extension ${quoteText(EXTENSION.slice(1))}`,
      'overwrite_or_ignore true',
    );
  }
  const before = `copy (select ${columns.join(', ')} from (\n`;
  const text = `${before}${sql}\n)) to ${quoteText(place)} (${options.join(', ')})`;
  return { text, bytes_before: Buffer.byteLength(before) };
}

function candidate(row: Record<string, Json>, target: WriteTarget): CandidateFile {
  const rows = Number(row['count']);
  const keys = pairs(row['partition_keys']);
  const raw = new Map<string, RawStats>(
    pairs(row['column_statistics']).map(([name, stats]) => [
      unquoted(String(name)),
      new Map(pairs(stats).map(([k, v]) => [String(k), String(v)])),
    ]),
  );
  const values = Object.fromEntries(
    (target.partition_by ?? []).map((column) => [column, partitionText(keys, column, target)]),
  );
  return {
    uri: String(row['filename']),
    size_bytes: Number(row['file_size_bytes']),
    rows,
    stats: fileStats(rows, target.columns, raw),
    partition_values: values,
  };
}

/** A partition value as Delta writes it: an instant in ISO form with Z, which no reader takes for local time. */
function partitionText(keys: readonly (readonly [Json, Json])[], column: string, target: WriteTarget): string | null {
  const found = keys.find(([name]) => sameName(unquoted(String(name)), column))?.[1];
  if (found === undefined || found === null) return null;
  const type = target.columns.find((one) => sameName(one.name, column))?.type;
  if (type !== 'timestamptz') return String(found);
  return String(found)
    .replace(' ', 'T')
    .replace(/\+00(:00)?$/, 'Z');
}

function sameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** A MAP comes as a list of key-value objects. */
function pairs(value: Json | undefined): readonly (readonly [Json, Json])[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry) =>
    typeof entry === 'object' && entry !== null && !Array.isArray(entry)
      ? [[entry['key'] ?? null, entry['value'] ?? null] as const]
      : [],
  );
}

function unquoted(name: string): string {
  return name.startsWith('"') && name.endsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}
