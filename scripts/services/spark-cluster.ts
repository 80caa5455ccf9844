import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SHORT_LIVED } from './registries.ts';
import type { Launch, Room, Server } from './server.ts';
import {
  connectServer,
  connectUrl,
  DELTA_VERSION,
  deltaJars,
  installSpark,
  isOpen,
  SPARK_VERSION,
  sparkHome,
} from './spark-server.ts';

/** Of the Connect server. */
const CORES = 2;
const EXECUTOR_MEMORY = '1g';
/** One core and half a gigabyte are left for another application. */
const WORKER = ['--cores', '3', '--memory', '1536m'];

/** A standalone cluster of one worker, whose executor is a process of its own, and a Connect server over it. */
export const spark_cluster: Server = {
  name: 'spark_cluster',
  title: `Spark ${SPARK_VERSION} cluster: master, worker and Connect with Delta ${DELTA_VERSION}`,
  variables: [
    'DATAFLOW_TEST_SPARK_CLUSTER',
    'DATAFLOW_TEST_SPARK_MASTER',
    'DATAFLOW_TEST_SPARK_HOME',
    'DATAFLOW_TEST_SPARK_JARS',
  ],
  after: ['minio'],
  install: installSpark,

  async start(room) {
    const port = await room.port('master');
    const web = await room.port('master_web');
    const master = `spark://127.0.0.1:${port}`;
    const place = (name: string): readonly string[] => ['--host', '127.0.0.1', '--port', name];
    room.launch(daemon(room, 'master', 'master.Master', [...place(String(port)), '--webui-port', String(web)]));
    // Who finds no master tries again only after many seconds.
    await room.ready(() => isOpen(port));
    const worker = [...WORKER, '--work-dir', join(room.folder, 'work')];
    const at = [...place(String(await room.port('worker'))), '--webui-port', String(await room.port('worker_web'))];
    room.launch(daemon(room, 'worker', 'worker.Worker', [...at, ...worker, master]));
    const memory = { 'spark.driver.memory': '1g', 'spark.executor.memory': EXECUTOR_MEMORY };
    const executor = { 'spark.cores.max': String(CORES), 'spark.executor.extraJavaOptions': SHORT_LIVED.join(' ') };
    room.launch(await connectServer(room, master, { ...memory, ...executor }));
    await room.ready(async () => (await isOpen(await room.port('connect'))) && (await hasExecutors(web)));
    return {
      DATAFLOW_TEST_SPARK_CLUSTER: await connectUrl(room),
      DATAFLOW_TEST_SPARK_MASTER: master,
      DATAFLOW_TEST_SPARK_HOME: sparkHome(room),
      DATAFLOW_TEST_SPARK_JARS: deltaJars(room).join(','),
    };
  },
};

function daemon(room: Room, name: string, type: string, args: readonly string[]): Launch {
  const home = sparkHome(room);
  const scratch = join(room.folder, `scratch-${name}`);
  mkdirSync(scratch, { recursive: true });
  return {
    name,
    command: join(home, 'bin', 'spark-class'),
    args: [`org.apache.spark.deploy.${type}`, ...args],
    env: {
      SPARK_HOME: home,
      SPARK_LOCAL_IP: '127.0.0.1',
      SPARK_LOCAL_DIRS: scratch,
      SPARK_DAEMON_MEMORY: '256m',
      SPARK_DAEMON_JAVA_OPTS: SHORT_LIVED.join(' '),
    },
  };
}

/** Whether the worker has given its cores to the Connect server. */
async function hasExecutors(web: number): Promise<boolean> {
  const { coresused } = (await (await fetch(`http://127.0.0.1:${web}/json/`)).json()) as { coresused: number };
  return coresused >= CORES;
}
