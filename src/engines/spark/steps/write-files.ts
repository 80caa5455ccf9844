import { randomUUID } from 'node:crypto';
import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { Column } from '../../../core/model/table.ts';
import type { CandidateFile, WriteTarget } from '../../../core/ports/engine.ts';
import { quoteIdent } from '../../../kit/sql.ts';
import { binaryRelation, parquetPlan, sqlRelation, viewPlan } from '../plans.ts';
import type { SparkSession } from '../session.ts';
import { indented, quoteName } from '../sql/words.ts';
import { partitionText, TOLD_ADDRESS, toldAddress } from './addresses.ts';
import { type FooterPlaces, footersOf } from './footers.ts';
import { sparkColumns } from './relations.ts';

/** What writing needs of the step's session. */
export interface Writer {
  readonly spark: SparkSession;
  /** The query in Spark's dialect. @param lines_before of ours, before the one that a user wrote. */
  text(sql: string, lines_before: number): Promise<string>;
  addressOf(uri: string): string;
  readonly hashes: boolean;
  /** A quoted name for a view of ours. */
  view(name: string): string;
  /** Removes a folder with all that is in it. */
  remove(uri: string): Promise<void>;
  readonly places: FooterPlaces;
}

const OPTIONS = { compression: 'zstd', 'mapreduce.fileoutputcommitter.marksuccessfuljobs': 'false' };
/** Column by whose value rows are put together. */
const CLUSTER = '__dataflow_cluster';
const PARTITION = '__dataflow_partition_';
const FILES_MAX = 1_000_000;

/**
 * Writes a query's rows as Parquet into the target folder, and reads rows, bounds and null counts back from the footers of the files. Either all
 * files are reported, or (on an error or interrupt) none is left behind. Files without rows are not reported.
 */
export async function writeFiles(writer: Writer, sql: string, target: WriteTarget): Promise<readonly CandidateFile[]> {
  const name = randomUUID();
  const uri = `${target.folder}/${name}`;
  const text = arranged(await writer.text(castSql(sql, target), 1), target);
  const partition_by = (target.partition_by ?? []).map((_, at) => PARTITION + at);
  try {
    const plan = parquetPlan(sqlRelation(text), { path: writer.addressOf(uri), partition_by }, OPTIONS);
    await writer.spark.carryOut(plan, text);
    return await readBack(writer, uri, target);
  } catch (error) {
    await writer.remove(uri).catch(() => undefined);
    throw error;
  }
}

/** In DuckDB's dialect: the columns in their order and types, and what rows are put together by. */
function castSql(sql: string, { columns, cluster_by }: WriteTarget): string {
  const items = columns.map(({ name, type }) => `cast(${quoteIdent(name)} as ${type}) as ${quoteIdent(name)}`);
  if (cluster_by !== undefined) items.push(`${cluster_by} as ${quoteIdent(CLUSTER)}`);
  return `select ${items.join(', ')} from (\n${sql}\n)`;
}

/** In Spark's: rows of a partition, or of one value of `cluster_by`, go to one task, which writes one file of them; large ones are divided, small ones put together. */
function arranged(text: string, { columns, partition_by = [], cluster_by }: WriteTarget): string {
  if (partition_by.length === 0 && cluster_by === undefined) return text;
  const stored = columns.filter((one) => !partition_by.some((name) => same(name, one.name)));
  const keys = partition_by.map((name, at) => {
    const column = columns.find((one) => same(one.name, name));
    return `${valueText(column ?? { name, type: 'varchar', nullable: true })} AS ${quoteName(PARTITION + at)}`;
  });
  const by = cluster_by === undefined ? partition_by.map((_, at) => quoteName(PARTITION + at)) : [quoteName(CLUSTER)];
  const items = [...stored.map(({ name }) => quoteName(name)), ...keys].join(', ');
  const inner = cluster_by === undefined ? items : `${items}, ${quoteName(CLUSTER)}`;
  const rebalanced = `SELECT /*+ REBALANCE(${by.join(', ')}) */ ${inner}\nFROM (\n${indented(text)}\n) AS _`;
  if (cluster_by === undefined) return rebalanced;
  return `SELECT ${items}\nFROM (\n${indented(rebalanced)}\n) AS _`;
}

/** A partition's value as Delta writes it: an instant in ISO form with Z, which no reader takes for local time. */
function valueText({ name, type }: Column): string {
  const value = quoteName(name);
  if (type !== 'timestamptz') return `CAST(${value} AS STRING)`;
  return `CONCAT(REPLACE(CAST(${value} AS STRING), ' ', 'T'), 'Z')`;
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** Names that Spark and Hadoop give to what is no data: `_SUCCESS`, `.part-….crc`. */
const NO_DATA = /(^|\/)[._][^/]*$/;

/** What was written, from the folder's listing and the footers of its files; in a lake elsewhere with their SHA-256, by one query. */
async function readBack(writer: Writer, uri: string, target: WriteTarget): Promise<readonly CandidateFile[]> {
  const { partition_by = [] } = target;
  const columns = sparkColumns(target.columns).filter(
    (one) => !partition_by.some((name) => same(name, one.name)) && !/^struct|\[|^map/.test(one.type),
  );
  const listed = (await writer.places.filesBelow(uri)).filter(({ path }) => !NO_DATA.test(path));
  if (listed.length > FILES_MAX) throw new DataflowError('E_ENGINE', `Spark wrote more than ${FILES_MAX} files`);
  const files = [...listed].sort((one, other) => (one.path < other.path ? -1 : 1));
  const facts = await footersOf(writer.places, uri, files, columns);
  const found = files.flatMap(({ path, size_bytes }, at): CandidateFile[] => {
    const { rows = 0, stats } = facts[at] ?? {};
    if (stats === undefined || rows === 0) return [];
    const folders = path.split('/').slice(0, -1);
    const partition_values = Object.fromEntries(
      partition_by.map((name, place) => [name, partitionText(folders[place] ?? '=')]),
    );
    return [{ uri: `${uri}/${path}`, size_bytes, rows, stats, partition_values }];
  });
  return writer.hashes ? withHashes(writer, found) : found;
}

/** The SHA-256 of files that only the cluster can read. */
async function withHashes(writer: Writer, files: readonly CandidateFile[]): Promise<readonly CandidateFile[]> {
  const addresses = files.map(({ uri }) => writer.addressOf(uri));
  const known = await digestsOf(writer, addresses);
  return files.map((file, at) => {
    const digest = known.get(addresses[at] ?? '');
    if (digest === undefined || digest.size_bytes !== file.size_bytes)
      throw new DataflowError('E_ENGINE', `Spark cannot read back what it wrote: ${addresses[at]}`);
    return { ...file, sha256: digest.sha256 };
  });
}

/** A view of `file`, `sha256` and `length` of all files that are named, or lie in a folder that is. */
async function digestView({ spark, view: viewOf }: Pick<Writer, 'spark' | 'view'>, addresses: readonly string[]) {
  const view = viewOf('~bytes');
  const items = [`${TOLD_ADDRESS} AS file`, 'SHA2(content, 256) AS sha256', 'length'];
  await spark.carryOut(viewPlan(view, binaryRelation(addresses, items)));
  return view;
}

/** Computed by the tasks that read the files, each of which is held in memory as a whole; a file that is not there is missing or an error. */
export async function digestsOf(
  writer: Pick<Writer, 'spark' | 'view'>,
  addresses: readonly string[],
): Promise<ReadonlyMap<string, { readonly sha256: string; readonly size_bytes: number }>> {
  if (addresses.length === 0) return new Map();
  const view = await digestView(writer, addresses);
  const rows = await writer.spark.rows(`SELECT file, sha256, length FROM ${view}`, { rows_max: FILES_MAX });
  const told = new Map(rows.map((row) => [String(row['file']), row]));
  return new Map(
    addresses.flatMap((address) => {
      const row = told.get(toldAddress(address));
      return row === undefined
        ? []
        : [[address, { sha256: String(row['sha256']), size_bytes: Number(row['length']) }] as const];
    }),
  );
}
