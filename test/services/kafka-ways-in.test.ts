import { readFileSync } from 'node:fs';
import { Kafka, type KafkaConfig, logLevel } from 'kafkajs';
import { expect, it } from 'vitest';
import { tcpProxy } from './faults/tcp-proxy.ts';
import { describeService, type Service } from './service.ts';

async function brokersSeen(config: KafkaConfig): Promise<readonly string[]> {
  const admin = new Kafka({ ...config, logLevel: logLevel.NOTHING, retry: { retries: 1 } }).admin();
  try {
    await admin.connect();
    return (await admin.describeCluster()).brokers.map((one) => `${one.host}:${one.port}`);
  } finally {
    await admin.disconnect();
  }
}

const NEEDED = ['SASL', 'SASL_TLS', 'TLS', 'CA', 'USER', 'PASSWORD', 'PROXY', 'BEHIND_PROXY'].map(
  (name) => `DATAFLOW_TEST_KAFKA_${name}`,
);

describeService('kafka', waysIn, NEEDED);

function waysIn({ settings }: Service): void {
  const of = (name: string): string => settings[`DATAFLOW_TEST_KAFKA_${name}`] ?? '';
  const login = { username: of('USER'), password: of('PASSWORD') };
  const tls = (): { ca: string } => ({ ca: readFileSync(of('CA'), 'utf8') });

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
    'lets in by %s, with TLS and without',
    async (mechanism) => {
      const sasl = { mechanism, ...login } as NonNullable<KafkaConfig['sasl']>;
      expect(await brokersSeen({ brokers: [of('SASL')], sasl })).toEqual([of('SASL')]);
      expect(await brokersSeen({ brokers: [of('SASL_TLS')], sasl, ssl: tls() })).toEqual([of('SASL_TLS')]);
    },
  );

  it('keeps out a wrong password', async () => {
    const sasl = { mechanism: 'scram-sha-256', username: login.username, password: 'wrong' } as const;
    await expect(brokersSeen({ brokers: [of('SASL')], sasl })).rejects.toThrow(/credentials|authentication/i);
  });

  it('has TLS that a client trusts only with the right authority', async () => {
    expect(await brokersSeen({ brokers: [of('TLS')], ssl: tls() })).toEqual([of('TLS')]);
    await expect(brokersSeen({ brokers: [of('TLS')], ssl: true })).rejects.toThrow(/self-signed/i);
  });

  it('announces the address of a proxy', async () => {
    const proxy = await tcpProxy(of('BEHIND_PROXY'), { port: Number(of('PROXY').split(':')[1]) });
    try {
      expect(await brokersSeen({ brokers: [of('PROXY')] })).toEqual([proxy.address]);
      expect(proxy.bytes.down).toBeGreaterThan(0);
    } finally {
      await proxy.close();
    }
  });
}
