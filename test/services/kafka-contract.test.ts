import { type SourceUnderTest, sourceContract } from '../../src/connectors/testing/source-contract.ts';
import { Broker, numbered } from './kafka-support.ts';
import { describeService, type Service } from './service.ts';

const NEEDED = ['SASL_TLS', 'CA', 'USER', 'PASSWORD'].map((name) => `DATAFLOW_TEST_KAFKA_${name}`);
const PASSWORD_VARIABLE = 'KAFKA_CONTRACT_PASSWORD';

const COLUMNS = {
  _partition: 'integer',
  _offset: 'bigint',
  _timestamp: 'timestamptz',
  _key: 'varchar',
  _headers: 'varchar',
  n: 'bigint',
  big: 'bigint',
  exact: 'decimal(38,9)',
  tiny: 'double',
  moment: 'timestamptz',
  text: 'varchar',
};

/** The limits of every type, in one message. */
const EXTREMES = {
  key: 'é',
  value:
    '{"n":-1,"big":9223372036854775807,"exact":-12345678901234567890.123456789,"tiny":5e-324,"moment":"2024-02-29T23:59:59.999999+02:00","text":"\\ud83d\\ude00 \\"é\\""}',
  timestamp: '1700000000123',
  headers: { h: 'ü' },
};

const TYPES: NonNullable<SourceUnderTest['types']> = {
  sql: 'select big::varchar as big, exact::varchar as exact, tiny::varchar as tiny, epoch_us(moment)::varchar as moment, text, epoch_ms(_timestamp)::varchar as ms, _key, _headers from bronze.s where n = -1',
  expected: [
    {
      big: '9223372036854775807',
      exact: '-12345678901234567890.123456789',
      tiny: '5e-324',
      moment: String(Date.UTC(2024, 1, 29, 21, 59, 59) * 1000 + 999_999),
      text: '\u{1F600} "é"',
      ms: '1700000000123',
      _key: 'é',
      _headers: '{"h":"ü"}',
    },
  ],
};

describeService(
  'kafka',
  ({ url, settings }) => sourceContract('kafka over TLS with SCRAM', () => made(url, settings)),
  NEEDED,
);

async function made(url: string, settings: Service['settings']): Promise<SourceUnderTest> {
  const of = (name: string): string => settings[`DATAFLOW_TEST_KAFKA_${name}`] ?? '';
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
  await broker.send(topic, [EXTREMES]);
  sent += 1;
  const sign_in = { sasl: 'scram-sha-512', username: of('USER'), password: `\${${PASSWORD_VARIABLE}}` };
  const events = { type: 'kafka', brokers: [of('SASL_TLS')], tls: true, ca: of('CA'), ...sign_in };
  const common = { type: 'kafka', connection: 'events' };
  const source = { ...common, topic, columns: COLUMNS, fetch_bytes_max: 4096, batch: { records: 700, wait: '0ms' } };
  const large = { ...common, topic: await largeTopic(broker), columns: { n: 'bigint', text: 'varchar' } };
  return {
    source,
    connections: { events },
    env: { [PASSWORD_VARIABLE]: of('PASSWORD') },
    key: '(_partition, _offset)',
    records: () => sent,
    add,
    types: TYPES,
    large: { source: large, memory_bytes_max: 900_000_000 },
    secrets: [of('PASSWORD')],
    broken: { source, connections: { events: { ...events, username: 'nobody', patience_ms: 2000 } } },
    close: () => broker.close(),
  };
}

/** 60 MB in two partitions. */
async function largeTopic(broker: Broker): Promise<string> {
  const topic = await broker.topic('large', 2);
  const text = 'x'.repeat(1000);
  for (let batch = 0; batch < 60; batch++) {
    const messages = numbered(1000, batch % 2, batch * 1000);
    await broker.send(
      topic,
      messages.map((one, at) => ({ ...one, value: `{"n":${batch * 1000 + at},"text":"${text}"}` })),
    );
  }
  return topic;
}
