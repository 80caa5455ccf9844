import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { cached } from './cache.ts';
import { javaProgram, mavenJars, pythonPackages } from './registries.ts';
import type { Room, Server } from './server.ts';

const SPARK_VERSION = '4.0.1';
const DELTA_VERSION = '4.0.0';
const TOKEN = 'only-for-tests';

/** Spark Connect over two threads, with Delta; clients need the token. Its tables and scratch files are in its folder. */
export const spark: Server = {
  name: 'spark',
  title: `Spark ${SPARK_VERSION} Connect with Delta ${DELTA_VERSION}, local[2]`,
  variables: ['DATAFLOW_TEST_SPARK', 'DATAFLOW_TEST_SPARK_PYTHONPATH'],

  async install() {
    await javaProgram();
    return cached(`spark-${SPARK_VERSION}-delta-${DELTA_VERSION}`, async (folder) => {
      await mavenJars(folder, [`io.delta:delta-spark_2.13:${DELTA_VERSION}`]);
      await pythonPackages(join(folder, 'python'), [`pyspark[connect]==${SPARK_VERSION}`]);
    });
  },

  async start(room) {
    const port = await room.port('connect');
    const home = join(room.installed, 'python', 'pyspark');
    mkdirSync(join(room.folder, 'scratch'), { recursive: true });
    room.launch({
      name: 'spark',
      command: join(home, 'bin', 'spark-submit'),
      args: connectServer(room, port),
      env: { SPARK_HOME: home, SPARK_CONNECT_AUTHENTICATE_TOKEN: TOKEN, HADOOP_USER_NAME: 'hdfs' },
    });
    await room.ready(() => isOpen(port));
    return {
      DATAFLOW_TEST_SPARK: `sc://127.0.0.1:${port}/;token=${TOKEN}`,
      DATAFLOW_TEST_SPARK_PYTHONPATH: join(room.installed, 'python'), // Spark's own client
    };
  },
};

/** What `spark-submit` takes. Of Maven's jars only Delta's: Spark has the rest. */
function connectServer(room: Room, port: number): readonly string[] {
  const scratch = join(room.folder, 'scratch');
  const delta = ['delta-spark_2.13', 'delta-storage'].map((name) =>
    join(room.installed, 'lib', `${name}-${DELTA_VERSION}.jar`),
  );
  const settings: Readonly<Record<string, string | number>> = {
    'spark.sql.extensions': 'io.delta.sql.DeltaSparkSessionExtension',
    'spark.sql.catalog.spark_catalog': 'org.apache.spark.sql.delta.catalog.DeltaCatalog',
    'spark.sql.warehouse.dir': join(room.folder, 'warehouse'),
    'spark.sql.shuffle.partitions': 4,
    'spark.sql.session.timeZone': 'UTC',
    'spark.databricks.delta.snapshotPartitions': 2, // 50 as it is shipped: a second for every small table
    'spark.connect.grpc.binding.address': '127.0.0.1',
    'spark.connect.grpc.binding.port': port,
    'spark.driver.bindAddress': '127.0.0.1',
    'spark.driver.host': '127.0.0.1',
    'spark.local.dir': scratch,
    'spark.ui.enabled': 'false',
    'spark.jars.ivy': scratch,
  };
  return [
    ...['--class', 'org.apache.spark.sql.connect.service.SparkConnectServer', '--name', 'connect'],
    ...['--master', 'local[2]', '--driver-memory', '2g', '--jars', delta.join(',')],
    ...['--driver-java-options', `-XX:+UseSerialGC -Djava.io.tmpdir=${scratch}`],
    ...Object.entries(settings).flatMap(([name, value]) => ['--conf', `${name}=${value}`]),
  ];
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
