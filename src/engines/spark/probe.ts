import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { FarEngineFinding, TableAt } from '../../core/ports/far-engine.ts';
import { quoteText } from '../../kit/sql.ts';
import { viewName } from './lake-names.ts';
import type { SparkSession } from './session.ts';

const DELTA_SETTINGS =
  'spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension and spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog';
/** Executors list even a single folder, and not the server itself, whatever the file system. */
const LISTED_BY_EXECUTORS: Readonly<Record<string, string>> = {
  'spark.sql.sources.parallelPartitionDiscovery.threshold': '0',
  'spark.sql.sources.useListFilesFileSystemList': '',
};

/** A table of the lake, and how Spark is told of it. */
export interface Sample {
  readonly table: TableAt;
  /** As Spark opens its folder. */
  readonly address: string;
  bind(): Promise<void>;
}

/** Whether it is a version that is known to work. */
export function probeVersion({ version, place, started }: SparkSession): FarEngineFinding {
  const ok = /^(3\.5|4)\./.test(version);
  const hint = 'Versions 3.5 and 4 are known to work: use one of them.';
  return { about: '', ok, words: `Spark ${version} ${started ?? `answers at ${place}`}`, ...(ok ? {} : { hint }) };
}

/** Which catalog names are looked up in, and whether Delta is known: a kind of table that is not is taken for the name of a schema. */
export async function probeCatalog(session: SparkSession): Promise<FarEngineFinding> {
  const [row] = await session.rows('select current_catalog() as catalog, current_user() as user');
  const words = `catalog ${row?.['catalog']}, user ${row?.['user']}`;
  const missing = await session.describe('select * from delta.`/nowhere-dataflow`').then(() => undefined, wordsOf);
  if (missing === undefined || !missing.includes('TABLE_OR_VIEW_NOT_FOUND'))
    return { about: 'catalog', ok: true, words: `${words}, Delta is there` };
  const jar = `io.delta:delta-spark_${session.version.startsWith('3.') ? '2.12:3.3.2' : '2.13:4.0.0'}`;
  const hint = `Start the server with Delta: its jar (${jar}), ${DELTA_SETTINGS}.`;
  return { about: 'catalog', ok: false, words: `${words}, but Delta is not there`, hint };
}

/** Whether the server finds a table, and then whether tasks on executors can list and read its files. */
export async function probeLake(session: SparkSession, sample: Sample): Promise<readonly FarEngineFinding[]> {
  const { key, version } = sample.table;
  try {
    await sample.bind();
  } catch (error) {
    const words = wordsOf(error);
    return [{ about: 'lake', ok: false, words: `cannot open ${key}: ${words}`, hint: remedy(words, sample.address) }];
  }
  const found = { about: 'lake', ok: true, words: `finds ${key} at version ${version}` } as const;
  return [found, await probeExecutors(session, sample)];
}

async function probeExecutors(session: SparkSession, { table, address }: Sample): Promise<FarEngineFinding> {
  const { key } = table;
  const who = await executors(session);
  try {
    await session.setConfig(LISTED_BY_EXECUTORS);
    const [listed] = await session.rows(
      `select count(*) as files from binaryFile.\`${address.replaceAll('`', '``')}\``,
    );
    // Not the count alone, which Delta knows from its log.
    const names = `select input_file_name() as name from ${viewName(key)}`;
    const [read] = await session.rows(`select count(*) as n, count(distinct name) as files from (${names})`);
    const words = `list ${files(listed?.['files'])} and read ${files(read?.['files'])} of ${key}: ${read?.['n']} rows`;
    return { about: 'executors', ok: true, words: `${who}: ${words}` };
  } catch (error) {
    const words = wordsOf(error);
    const hint = remedy(words, address);
    return { about: 'executors', ok: false, words: `${who}: cannot list and read ${key}: ${words}`, hint };
  }
}

/** Where tasks run, by the setting that the server was started with. */
async function executors(session: SparkSession): Promise<string> {
  const master = await session.config('spark.master').catch(() => undefined);
  if (master === undefined) return 'tasks';
  return master.startsWith('local') ? `tasks in the server itself (${master})` : `executors of ${master}`;
}

function files(count: unknown): string {
  return `${count} ${count === 1 ? 'file' : 'files'}`;
}

/** Without what Amazon's SDK says about its call. */
function wordsOf(error: unknown): string {
  const words = error instanceof DataflowError ? error.message : String(error);
  return words.replace(/ \(Service: .*$/s, '');
}

/** What to do, by what Hadoop's clients say. */
function remedy(words: string, address: string): string {
  const where = quoteText(address);
  const of = (scheme: string): boolean => address.startsWith(`${scheme}:`);
  if (/ClassNotFound|No FileSystem for scheme|NoClassDefFound/.test(words))
    return `Give the server the client that opens ${where}: for s3a:// hadoop-aws in the version of its Hadoop (spark.jars.packages).`;
  if (words.includes('FILE_NOT_EXIST')) return 'Find out what is missing: dataflow verify.';
  if (
    /AccessDenied|AccessControl|Permission denied|Forbidden|40[13]\b|NoAuth|InvalidAccessKey|Credentials/i.test(words)
  )
    return of('s3a')
      ? 'Give the server keys that may read the bucket: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in its environment, or fs.s3a settings.'
      : `Give the user of the server the right to read ${where} (HADOOP_USER_NAME, or its Kerberos ticket).`;
  if (of('file') || address.startsWith('/'))
    return `A local lake must be the same folder on the server and its executors: mount ${where} there, or say by engine.lake_uri where it is.`;
  const place = of('hdfs') ? 'address of the NameNode for programs' : 'endpoint in spark.hadoop.fs.s3a.endpoint';
  return `See whether the cluster reaches ${where} (${place}), or say by engine.lake_uri how it opens the lake.`;
}
