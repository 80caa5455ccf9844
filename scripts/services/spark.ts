import { join } from 'node:path';
import type { Server } from './server.ts';
import { connectServer, connectUrl, DELTA_VERSION, installSpark, isOpen, SPARK_VERSION } from './spark-server.ts';

/** Spark Connect over two threads. */
export const spark: Server = {
  name: 'spark',
  title: `Spark ${SPARK_VERSION} Connect with Delta ${DELTA_VERSION}, local[2]`,
  variables: ['DATAFLOW_TEST_SPARK', 'DATAFLOW_TEST_SPARK_PYTHONPATH'],
  after: ['minio'],
  install: installSpark,

  async start(room) {
    const port = await room.port('connect');
    room.launch(await connectServer(room, 'local[2]', { 'spark.driver.memory': '2g' }));
    await room.ready(() => isOpen(port));
    return {
      DATAFLOW_TEST_SPARK: await connectUrl(room),
      DATAFLOW_TEST_SPARK_PYTHONPATH: join(room.installed, 'python'), // Spark's own client
    };
  },
};
