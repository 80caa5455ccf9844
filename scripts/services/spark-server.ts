import { mkdirSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { cached } from './cache.ts';
import { javaProgram, mavenJars, pythonPackages, SHORT_LIVED } from './registries.ts';
import type { Launch, Room, Settings } from './server.ts';

export const SPARK_VERSION = '4.0.1';
export const DELTA_VERSION = '4.0.0';
const HADOOP_VERSION = '3.4.1'; // Spark's own
/** Next to the one that Hadoop was built with (2.24.6), for which one of the parts is not published. */
const AWS_VERSION = '2.25.53';
const TOKEN = 'only-for-tests';
/** Of one that serves many tests: what is compiled for their queries does not fit into the 48 MB of a Java without the optimizing compiler. */
const CODE_CACHE = '-XX:ReservedCodeCacheSize=128m';

/** Spark with Delta: 760 MB. Python's package is the server, too. */
export async function installSpark(): Promise<string> {
  await javaProgram();
  await installS3a();
  return cached(`spark-${SPARK_VERSION}-delta-${DELTA_VERSION}`, async (folder) => {
    await mavenJars(folder, [`io.delta:delta-spark_2.13:${DELTA_VERSION}`]);
    await pythonPackages(join(folder, 'python'), [`pyspark[connect]==${SPARK_VERSION}`]);
  });
}

/** What Spark needs for `s3a://`: the parts of Amazon's SDK that are used, 9 MB, and not the bundle of all of them (580 MB). What Spark has itself is left out. */
function installS3a(): Promise<string> {
  return cached(`hadoop-aws-${HADOOP_VERSION}-${AWS_VERSION}`, (folder) =>
    mavenJars(
      folder,
      [
        `org.apache.hadoop:hadoop-aws:${HADOOP_VERSION}`,
        `software.amazon.awssdk:s3-transfer-manager:${AWS_VERSION}`,
        `software.amazon.awssdk:sts:${AWS_VERSION}`,
      ],
      [
        ...(['software.amazon.awssdk:bundle', 'org.apache.hadoop:hadoop-common', 'org.wildfly.openssl:*'] as const),
        ...(['io.netty:*', 'org.slf4j:*', 'commons-codec:*', 'org.apache.httpcomponents:*'] as const),
      ],
    ),
  );
}

export function sparkHome(room: Room): string {
  return join(room.installed, 'python', 'pyspark');
}

/** Of what Maven gives with Delta only these: Spark has the rest. */
export function deltaJars(room: Room): readonly string[] {
  return ['delta-spark_2.13', 'delta-storage'].map((name) =>
    join(room.installed, 'lib', `${name}-${DELTA_VERSION}.jar`),
  );
}

/**
 * A Connect server with Delta; clients need the token, and it reaches MinIO if that runs already. Its tables and scratch files are in the room's folder.
 * @param master `local[2]`, `spark://…` @param more settings of Spark
 */
export async function connectServer(
  room: Room,
  master: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Launch> {
  const scratch = join(room.folder, 'scratch');
  mkdirSync(scratch, { recursive: true });
  const s3a = join(await installS3a(), 'lib');
  const jars = [...deltaJars(room), ...readdirSync(s3a).map((name) => join(s3a, name))];
  const login = minioLogin();
  const settings: Readonly<Record<string, string>> = {
    'spark.sql.extensions': 'io.delta.sql.DeltaSparkSessionExtension',
    'spark.sql.catalog.spark_catalog': 'org.apache.spark.sql.delta.catalog.DeltaCatalog',
    'spark.sql.warehouse.dir': join(room.folder, 'warehouse'),
    'spark.sql.shuffle.partitions': '4',
    'spark.sql.session.timeZone': 'UTC',
    'spark.databricks.delta.snapshotPartitions': '2', // 50 as it is shipped: a second for every small table
    'spark.connect.grpc.binding.address': '127.0.0.1',
    'spark.connect.grpc.binding.port': String(await room.port('connect')),
    'spark.driver.bindAddress': '127.0.0.1',
    'spark.driver.host': '127.0.0.1',
    'spark.local.dir': scratch,
    'spark.hadoop.hadoop.tmp.dir': scratch,
    'spark.ui.enabled': 'false',
    'spark.jars.ivy': scratch,
    ...login.settings,
    ...more,
  };
  const home = sparkHome(room);
  return {
    name: 'connect',
    command: join(home, 'bin', 'spark-submit'),
    args: [
      ...['--class', 'org.apache.spark.sql.connect.service.SparkConnectServer', '--name', 'connect'],
      ...['--master', master, '--jars', jars.join(',')],
      ...['--driver-java-options', `${SHORT_LIVED.join(' ')} ${CODE_CACHE} -Djava.io.tmpdir=${scratch}`],
      ...Object.entries(settings).flatMap(([name, value]) => ['--conf', `${name}=${value}`]),
    ],
    env: { SPARK_HOME: home, SPARK_CONNECT_AUTHENTICATE_TOKEN: TOKEN, HADOOP_USER_NAME: 'hdfs', ...login.env },
  };
}

/** Keys of a store come from the environment of the server; where it is, from its settings. */
function minioLogin(): { readonly env: Settings; readonly settings: Settings } {
  const url = process.env['DATAFLOW_TEST_MINIO'];
  if (url === undefined || url === '') return { env: {}, settings: {} };
  const { origin, username, password } = new URL(url);
  return {
    env: { AWS_ACCESS_KEY_ID: username, AWS_SECRET_ACCESS_KEY: password },
    settings: {
      'spark.hadoop.fs.s3a.endpoint': origin,
      'spark.hadoop.fs.s3a.path.style.access': 'true',
      'spark.hadoop.fs.s3a.connection.ssl.enabled': 'false',
    },
  };
}

/** What clients are told. */
export async function connectUrl(room: Room): Promise<string> {
  return `sc://127.0.0.1:${await room.port('connect')}/;token=${TOKEN}`;
}

/** Whether somebody listens there. */
export function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
