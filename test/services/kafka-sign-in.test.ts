import { afterAll, expect, it } from 'vitest';
import { Broker, numbered } from './kafka-support.ts';
import { describeService, type Service } from './service.ts';

const NEEDED = ['SASL', 'SASL_TLS', 'TLS', 'CA', 'USER', 'PASSWORD'].map((name) => `DATAFLOW_TEST_KAFKA_${name}`);

describeService('kafka', signIn, NEEDED);

function signIn({ url, settings }: Service): void {
  const of = (name: string): string => settings[`DATAFLOW_TEST_KAFKA_${name}`] ?? '';
  const broker = new Broker(url);
  afterAll(() => broker.close());
  const login = { username: of('USER'), password: of('PASSWORD') };
  const tls = { tls: true, ca: of('CA') };

  it.each([
    ['plain', 'SASL', { sasl: 'plain', ...login }],
    ['scram-sha-256', 'SASL', { sasl: 'scram-sha-256', ...login }],
    ['TLS alone', 'TLS', tls],
    ['scram-sha-512 over TLS', 'SASL_TLS', { sasl: 'scram-sha-512', ...login, ...tls }],
    ['TLS whose certificate is not checked', 'TLS', { tls: true, verify: false }],
  ] as const)('%s', async (_, listener, options) => {
    const topic = await broker.topic('signed-in', 2);
    await broker.send(topic, [...numbered(10), ...numbered(10, 1, 10)]);
    const reading = await broker.source(topic, {}, { brokers: [of(listener)], ...options });
    expect((await reading.pull()).rows.length).toBe(20);
    expect(await reading.source.probe(reading.context())).toEqual({
      ok: true,
      words: `topic ${topic} has 2 partitions`,
    });
    await reading.source.close();
  });

  it.each([
    ['a wrong password', 'SASL', { sasl: 'scram-sha-256', ...login, password: 'wrong-one' }, 'E_SOURCE_DENIED'],
    ['a certificate that nobody vouches for', 'TLS', { tls: true }, 'E_SOURCE_UNREACHABLE'],
    ['no TLS where it is wanted', 'TLS', {}, 'E_SOURCE_UNREACHABLE'],
  ] as const)('%s is refused, without the password in the words', async (_, listener, options, code) => {
    const topic = await broker.topic('refused');
    const reading = await broker.source(
      topic,
      {},
      { brokers: [of(listener)], patience_ms: 1500, connect_timeout_ms: 1000, ...options },
    );
    const error = await reading.pull().then(
      () => undefined,
      (failure: unknown) => failure as Error & { code: string },
    );
    expect(error?.code, error?.message).toBe(code);
    expect(`${error?.message}`).not.toContain('wrong-one');
    await reading.source.close();
  });
}
