import { sourceContract } from '../../src/connectors/testing/source-contract.ts';
import { Broker, numbered } from './kafka-support.ts';
import { describeService, type Service } from './service.ts';

const NEEDED = ['SASL', 'SASL_TLS', 'TLS', 'CA', 'USER', 'PASSWORD'].map((name) => `DATAFLOW_TEST_KAFKA_${name}`);
const PASSWORD_VARIABLE = 'KAFKA_CONTRACT_PASSWORD';

describeService('kafka', contracts, NEEDED);

/** The same promises, whichever way in: plain, signed in, encrypted. */
function contracts({ url, settings }: Service): void {
  const of = (name: string): string => settings[`DATAFLOW_TEST_KAFKA_${name}`] ?? '';
  const login = (sasl: string) => ({ sasl, username: of('USER'), password: `\${${PASSWORD_VARIABLE}}` });

  sourceContract('kafka over TLS with SCRAM', async () => {
    const broker = new Broker(url);
    const topic = await broker.topic('contract', 3);
    let sent = 0;
    const add = async (records: number): Promise<void> => {
      const messages = numbered(records, 0, sent).map((one, at) => ({
        ...one,
        partition: at % 3,
        ...(at % 97 === 5 ? { value: 'poison' } : {}),
      }));
      await broker.send(topic, messages);
      sent += records;
    };
    for (let batch = 0; batch < 6; batch++) await add(400);
    const extremes = await broker.topic('extremes');
    await broker.send(extremes, [
      {
        key: 'é',
        value:
          '{"big":9223372036854775807,"small":-9223372036854775808,"exact":12345678901234567890.123456789,"text":"\\u0000\\ud83d\\ude00"}',
        timestamp: '1700000000123',
      },
    ]);
    const connections = {
      events: { type: 'kafka', brokers: [of('SASL_TLS')], tls: true, ca: of('CA'), ...login('scram-sha-512') },
    };
    const columns = { _partition: 'integer', _offset: 'bigint', n: 'bigint' };
    const source = {
      type: 'kafka',
      connection: 'events',
      topic,
      columns,
      fetch_bytes_max: 4096,
      batch: { records: 700, wait: '0ms' },
    };
    return {
      source,
      connections,
      env: { [PASSWORD_VARIABLE]: of('PASSWORD') },
      key: '(_partition, _offset)',
      records: () => sent,
      add,
      secrets: [of('PASSWORD')],
      broken: {
        source,
        connections: { events: { ...connections.events, username: 'nobody', patience_ms: 2000 } },
      },
      close: () => broker.close(),
    };
  });
}
