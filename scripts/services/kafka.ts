import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { cached } from './cache.ts';
import { javaProgram, mavenJars } from './registries.ts';
import type { Room, Server } from './server.ts';

const VERSION = '4.1.0';

/** One node that is broker and controller. */
export const kafka: Server = {
  name: 'kafka',
  title: `Kafka ${VERSION}, one node (KRaft)`,
  variables: ['DATAFLOW_TEST_KAFKA'],

  async install() {
    await javaProgram();
    return cached(`kafka-${VERSION}`, (folder) => mavenJars(folder, [`org.apache.kafka:kafka_2.13:${VERSION}`]));
  },

  async start(room) {
    const broker = `127.0.0.1:${await room.port('broker')}`;
    const properties = join(room.folder, 'server.properties');
    const java = await javaProgram();
    const classes = ['-cp', `${room.folder}:${join(room.installed, 'lib')}/*`];
    if (!existsSync(properties)) {
      mkdirSync(join(room.folder, 'data'));
      writeFileSync(join(room.folder, 'log4j2.properties'), LOGGING);
      writeFileSync(properties, await settings(room));
      const format = ['kafka.tools.StorageTool', 'format', '--cluster-id', CLUSTER, '--config', properties];
      await room.run({ name: 'format', command: java, args: [...classes, ...format] });
    }
    const args = ['-Xmx512m', '-Xms128m', ...classes, 'kafka.Kafka', properties];
    room.launch({ name: 'kafka', command: java, args });
    await room.ready(() => answers(broker));
    return { DATAFLOW_TEST_KAFKA: broker };
  },
};

// 22 letters of base64url for 16 bytes, as the format tool wants it.
const CLUSTER = 'ZGF0YWZsb3ctdGVzdC1rYQ';

const LOGGING = `rootLogger.level = WARN
rootLogger.appenderRefs = out
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %m (%c)%n
`;

async function settings(room: Room): Promise<string> {
  const broker = await room.port('broker');
  const controller = await room.port('controller');
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controller}
listeners=PLAINTEXT://127.0.0.1:${broker},CONTROLLER://127.0.0.1:${controller}
advertised.listeners=PLAINTEXT://127.0.0.1:${broker}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=${join(room.folder, 'data')}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
`;
}

async function answers(broker: string): Promise<boolean> {
  const client = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING, retry: { retries: 0 } });
  const admin = client.admin();
  try {
    await admin.connect();
    return (await admin.describeCluster()).brokers.length > 0;
  } finally {
    await admin.disconnect();
  }
}
