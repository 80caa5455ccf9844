import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { selfSigned } from './certificate.ts';
import type { Room, Settings } from './server.ts';

const USER = 'dataflow';
const PASSWORD = 'only-for-tests';
const LOGIN = 'org.apache.kafka.common.security';

/** Users that the format tool puts into the cluster, for SCRAM. */
export const SCRAM_USERS = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
  '--add-scram',
  `${mechanism}=[name=${USER},password=${PASSWORD}]`,
]);

/** What tests need to know of a broker's listeners. */
export async function kafkaAddresses(room: Room): Promise<Settings> {
  const at = async (key: string): Promise<string> => `127.0.0.1:${await room.port(key)}`;
  return {
    DATAFLOW_TEST_KAFKA: await at('plain'),
    DATAFLOW_TEST_KAFKA_SASL: await at('sasl'),
    DATAFLOW_TEST_KAFKA_TLS: await at('tls'),
    DATAFLOW_TEST_KAFKA_SASL_TLS: await at('sasl_tls'),
    DATAFLOW_TEST_KAFKA_USER: USER,
    DATAFLOW_TEST_KAFKA_PASSWORD: PASSWORD,
    DATAFLOW_TEST_KAFKA_CA: (await selfSigned(room.folder)).certificate,
    DATAFLOW_TEST_KAFKA_PROXY: await at('proxy'),
    DATAFLOW_TEST_KAFKA_BEHIND_PROXY: await at('behind_proxy'),
  };
}

/** The broker's properties file: one listener for each way in, and one that is announced under the port where a test puts its proxy. */
export async function kafkaProperties(room: Room): Promise<string> {
  const { key, certificate } = await selfSigned(room.folder);
  const keystore = join(room.folder, 'keystore.pem');
  writeFileSync(keystore, readFileSync(key, 'utf8') + readFileSync(certificate, 'utf8'), { mode: 0o600 });
  const listen = async (name: string, port: string): Promise<string> => `${name}://127.0.0.1:${await room.port(port)}`;
  const open = await Promise.all([
    listen('PLAIN', 'plain'),
    listen('SASL', 'sasl'),
    listen('TLS', 'tls'),
    listen('SASLTLS', 'sasl_tls'),
  ]);
  const controller = await listen('CONTROLLER', 'controller');
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${await room.port('controller')}
listeners=${[...open, await listen('PROXIED', 'behind_proxy'), controller].join(',')}
advertised.listeners=${[...open, await listen('PROXIED', 'proxy')].join(',')}
listener.security.protocol.map=PLAIN:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL,SASLTLS:SASL_SSL,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
ssl.keystore.type=PEM
ssl.keystore.location=${keystore}
${saslProperties('sasl')}
${saslProperties('sasltls')}
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

function saslProperties(listener: string): string {
  const of = `listener.name.${listener}`;
  const plain = `username="${USER}" password="${PASSWORD}" user_${USER}="${PASSWORD}"`;
  return `${of}.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
${of}.plain.sasl.jaas.config=${LOGIN}.plain.PlainLoginModule required ${plain};
${of}.scram-sha-256.sasl.jaas.config=${LOGIN}.scram.ScramLoginModule required;
${of}.scram-sha-512.sasl.jaas.config=${LOGIN}.scram.ScramLoginModule required;`;
}
