import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { cached } from './cache.ts';
import { kafkaAddresses, kafkaProperties, SCRAM_USERS } from './kafka-settings.ts';
import { javaProgram, mavenJars, SHORT_LIVED } from './registries.ts';
import type { Server } from './server.ts';

const VERSION = '4.1.0';

/** One node that is broker and controller; plain, SASL (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512), TLS, and SASL with TLS. */
export const kafka: Server = {
  name: 'kafka',
  title: `Kafka ${VERSION}, one node (KRaft)`,
  variables: [
    'DATAFLOW_TEST_KAFKA',
    'DATAFLOW_TEST_KAFKA_SASL',
    'DATAFLOW_TEST_KAFKA_TLS',
    'DATAFLOW_TEST_KAFKA_SASL_TLS',
    'DATAFLOW_TEST_KAFKA_USER',
    'DATAFLOW_TEST_KAFKA_PASSWORD',
    'DATAFLOW_TEST_KAFKA_CA',
    'DATAFLOW_TEST_KAFKA_PROXY',
    'DATAFLOW_TEST_KAFKA_BEHIND_PROXY',
  ],

  async install() {
    await javaProgram();
    return cached(`kafka-${VERSION}`, (folder) => mavenJars(folder, [`org.apache.kafka:kafka_2.13:${VERSION}`]));
  },

  async start(room) {
    const properties = join(room.folder, 'server.properties');
    const java = await javaProgram();
    const classes = ['-cp', `${room.folder}:${join(room.installed, 'lib')}/*`];
    if (!existsSync(properties)) {
      mkdirSync(join(room.folder, 'data'));
      writeFileSync(join(room.folder, 'log4j2.properties'), LOGGING);
      writeFileSync(properties, await kafkaProperties(room), { mode: 0o600 });
      const format = ['kafka.tools.StorageTool', 'format', '--cluster-id', CLUSTER, '--config', properties];
      await room.run({ name: 'format', command: java, args: [...SHORT_LIVED, ...classes, ...format, ...SCRAM_USERS] });
    }
    const args = [...SHORT_LIVED, '-Xmx512m', '-Xms128m', ...classes, 'kafka.Kafka', properties];
    room.launch({ name: 'kafka', command: java, args });
    const addresses = await kafkaAddresses(room);
    await room.ready(() => answers(addresses['DATAFLOW_TEST_KAFKA'] ?? ''));
    return addresses;
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
