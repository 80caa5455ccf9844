import { CompressionCodecs, CompressionTypes } from 'kafkajs';
import { afterAll, describe, expect, it } from 'vitest';
import { CODEC_NUMBERS, codecOf } from '../../src/connectors/kafka/codecs.ts';
import { patchIdlePolling } from '../../src/connectors/kafka/kafkajs-patch.ts';
import { Broker, numbered } from './kafka-support.ts';
import { describeService } from './service.ts';

describeService('kafka', ({ url }) => {
  const broker = new Broker(url);
  afterAll(() => broker.close());

  it('an idle client sets no timers: the library alone sets one every millisecond', async () => {
    const { default: RequestQueue } = await import('kafkajs/src/network/requestQueue/index.js');
    const own = RequestQueue.prototype.scheduleCheckPendingRequests;
    const unpatched = await idleTimers(broker);
    await patchIdlePolling();
    expect(RequestQueue.prototype.scheduleCheckPendingRequests).not.toBe(own);
    const patched = await idleTimers(broker);
    expect(unpatched.timers).toBeGreaterThan(50);
    expect(patched.timers).toBeLessThan(5);
    expect(patched.cpu_ms).toBeLessThan(unpatched.cpu_ms);
  });

  it('takes messages with their columns, in order, exactly once over any number of pulls', async () => {
    const topic = await broker.topic('plain', 2);
    const reading = await broker.source(topic);
    expect((await reading.pull()).rows).toEqual([]);
    await broker.send(topic, [
      {
        partition: 1,
        key: 'a',
        value: '{"n": 12345678901234567890.10, "t": "é"}',
        timestamp: '1700000000123',
        headers: { h: 'x' },
      },
      { partition: 0, key: null, value: ' {\n"n":\r\n1} ', timestamp: '1700000001000' },
      { partition: 0, key: Buffer.from([0xff]), value: null, timestamp: '1700000001000', headers: { two: ['1', '2'] } },
      { partition: 0, key: 'quo"te', value: '{}', timestamp: '1700000001999' },
    ]);
    const outlook = await reading.source.look(reading.context());
    expect(outlook).toMatchObject({
      pending: 'some',
      records: 4,
      words: `topic ${topic}: up to 4 messages behind in 2 partitions`,
    });
    expect(outlook.oldest_ms).toBeGreaterThan(1000);
    const { rows, result } = await reading.pull();
    expect(result.caught_up).toBe(true);
    const common = { _topic: topic, _headers: null, _tombstone: false };
    expect(rows.filter((row) => row['_partition'] === 0)).toEqual([
      { ...common, _partition: 0, _offset: 0, _timestamp: '2023-11-14T22:13:21.000Z', _key: null, n: 1 },
      {
        ...common,
        _partition: 0,
        _offset: 1,
        _timestamp: '2023-11-14T22:13:21.000Z',
        _key: 'base64:/w==',
        _tombstone: true,
        _headers: '{"two":["1","2"]}',
      },
      { ...common, _partition: 0, _offset: 2, _timestamp: '2023-11-14T22:13:21.999Z', _key: 'quo"te' },
    ]);
    // Numbers keep every digit because their bytes were copied.
    expect(reading.units.map((unit) => unit.bytes.toString()).join('')).toContain(
      `{"_topic":"${topic}","_partition":1,"_offset":0,"_timestamp":"2023-11-14T22:13:20.123Z","_key":"a","_headers":"{\\"h\\":\\"x\\"}","_tombstone":false,"n": 12345678901234567890.10, "t": "é"}\n`,
    );
    expect((await reading.pull()).rows).toEqual([]);
    expect(await reading.source.look(reading.context())).toMatchObject({ pending: 'none' });
    await broker.send(topic, numbered(3, 0, 7));
    expect((await reading.pull()).rows.map((row) => [row['_offset'], row['n']])).toEqual([
      [3, 7],
      [4, 8],
      [5, 9],
    ]);
    await reading.source.close();
  });

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
    '%s: reads what the broker packs, and the broker reads what we pack',
    async (name) => {
      const number = CODEC_NUMBERS[name];
      const codec = await codecOf(number);
      if (codec === undefined) throw new Error('no codec');
      CompressionCodecs[number as CompressionTypes.Snappy] = () => ({
        compress: (encoder: { buffer: Buffer }) => codec.compress(encoder.buffer),
        decompress: (bytes: Buffer) => codec.decompress(bytes),
      });
      // A topic with a codec of its own makes the broker unpack what comes and pack it again by its own library.
      const ours = await broker.topic(`${name}-ours`, 1, { 'compression.type': 'producer' });
      const theirs = await broker.topic(`${name}-theirs`, 1, { 'compression.type': name });
      const both = await broker.topic(`${name}-both`, 1, { 'compression.type': name === 'gzip' ? 'zstd' : 'gzip' });
      const producer = broker.kafka.producer();
      await producer.connect();
      const messages = numbered(2000).map((one) => ({
        ...one,
        value: `{"text":"${'été '.repeat(30)}","n":${one.key?.toString().slice(1)}}`,
      }));
      await producer.send({ topic: ours, messages, compression: number });
      await producer.send({ topic: theirs, messages, compression: CompressionTypes.None });
      await producer.send({ topic: both, messages, compression: number });
      await producer.disconnect();
      for (const topic of [ours, theirs, both]) {
        const reading = await broker.source(topic);
        const { rows } = await reading.pull();
        expect(rows.map((row) => row['n'])).toEqual(messages.map((_, n) => n));
        expect(rows[1999]?.['text']).toBe('été '.repeat(30));
        await reading.source.close();
      }
    },
  );

  it.each(['gzip', 'snappy', 'lz4', 'zstd'])(
    '%s: a batch of the broker that grows to many times its size',
    async (name) => {
      const topic = await broker.topic(`${name}-grows`, 1, {
        'compression.type': name,
        'max.message.bytes': '12000000',
      });
      const text = 'abcdefgh'.repeat(500);
      await broker.send(
        topic,
        numbered(2000).map((one, n) => ({ ...one, value: `{"n":${n},"text":"${text}"}` })),
      );
      const reading = await broker.source(topic);
      const { rows } = await reading.pull();
      expect(rows.map((row) => row['n'])).toEqual(numbered(2000).map((_, n) => n));
      expect(rows.every((row) => row['text'] === text)).toBe(true);
      await reading.source.close();
    },
  );

  it('case 39: leaves out what was aborted, waits for what is open, and counts holes', async () => {
    const topic = await broker.topic('transactions');
    const producer = broker.kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    const write = async (from: number, end: 'commit' | 'abort') => {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: numbered(3, 0, from) });
      await transaction[end]();
    };
    await broker.send(topic, numbered(2));
    await write(10, 'commit');
    await write(20, 'abort');
    await write(30, 'commit');
    const reading = await broker.source(topic);
    const open = await producer.transaction();
    await open.send({ topic, messages: numbered(1, 0, 35) });
    expect((await reading.pull()).rows.map((row) => row['n'])).toEqual([0, 1, 10, 11, 12, 30, 31, 32]);
    expect(reading.units.map((unit) => unit.spans)).toEqual([
      [{ stream: `${topic}/0`, from: 0, next: 14, records: 8, holes: 6 }],
    ]);
    await open.abort();
    // Nothing but holes: no unit is made, and nobody waits for them.
    const { rows, result } = await reading.pull();
    expect([rows, result.caught_up, reading.units.length]).toEqual([[], true, 1]);
    reading.position = result.position;
    expect(await reading.source.look(reading.context())).toMatchObject({ pending: 'none' });
    await write(40, 'commit');
    expect((await reading.pull()).rows.map((row) => row['n'])).toEqual([40, 41, 42]);
    await producer.disconnect();
    await reading.source.close();
  });

  it('picks up partitions that are added', async () => {
    const topic = await broker.topic('grows');
    const reading = await broker.source(topic, { start: 'latest' });
    await broker.send(topic, numbered(3));
    expect((await reading.pull()).rows).toEqual([]);
    await broker.send(topic, numbered(2, 0, 3));
    // Where `latest` was is only kept once something is in the lake.
    reading.position = { topic, offsets: { 0: 3 } };
    expect((await reading.pull()).rows.map((row) => row['n'])).toEqual([3, 4]);
    await (await broker.admin()).createPartitions({ topicPartitions: [{ topic, count: 2 }] });
    // The library's producer leaves out messages for partitions that it does not know yet.
    const later = new Broker(url);
    await later.send(topic, numbered(2, 1, 100));
    await later.close();
    expect((await reading.pull()).rows.map((row) => row['n'])).toEqual([100, 101]);
    await reading.source.close();
  });

  it('goes on where limits stopped it, and waits for more as long as it may', async () => {
    const topic = await broker.topic('limits', 3);
    for (let batch = 0; batch < 30; batch++) await broker.send(topic, numbered(100, batch % 3, batch * 100));
    const reading = await broker.source(topic, { fetch_bytes_max: 4096 });
    const limits = { records_max: 500, bytes_max: 1e12, wait_ms: 0 };
    const first = await reading.pull({ limits });
    expect(first.result.caught_up).toBe(false);
    expect(first.rows.length).toBeGreaterThanOrEqual(500);
    expect(first.rows.length).toBeLessThan(1500);
    while (!(await reading.pull({ limits })).result.caught_up);
    expect(new Set(reading.rows.map((row) => row['n'])).size).toBe(3000);
    expect(reading.rows.length).toBe(3000);
    await broker.send(topic, numbered(1, 0, 5000));
    const waiting = reading.pull({ limits: { ...limits, wait_ms: 1500 } });
    await new Promise((resolve) => setTimeout(resolve, 700));
    await broker.send(topic, numbered(1, 1, 5001));
    expect((await waiting).rows.map((row) => row['n'])).toEqual([5000, 5001]);
    await reading.source.close();
  });

  it('notes committed offsets under a group, for whoever watches', async () => {
    const topic = await broker.topic('group');
    await broker.send(topic, numbered(5));
    const reading = await broker.source(topic, { group: `${topic}-watch` });
    const { result } = await reading.pull();
    await reading.source.committed?.(result.position);
    const admin = await broker.admin();
    const [noted] = await admin.fetchOffsets({ groupId: `${topic}-watch`, topics: [topic] });
    expect(noted?.partitions).toMatchObject([{ partition: 0, offset: '5' }]);
    await reading.source.close();
  });

  describe('stops', () => {
    it('at once when it is told to', async () => {
      const topic = await broker.topic('cancel');
      await broker.send(topic, numbered(10));
      const reading = await broker.source(topic);
      await expect(reading.pull({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
      expect(reading.units).toEqual([]);
      await reading.source.close();
    });

    it('at a topic that is not there, and says so to doctor', async () => {
      const reading = await broker.source('nothing-here', {}, { patience_ms: 300 });
      await expect(reading.pull()).rejects.toMatchObject({ code: 'E_SOURCE_QUERY' });
      expect(await reading.source.probe(reading.context())).toMatchObject({ ok: false });
      await reading.source.close();
    });
  });
});

/** Timers that a connected client sets within half a second in which nothing is asked, and the time that the processor spends. */
async function idleTimers(broker: Broker): Promise<{ readonly timers: number; readonly cpu_ms: number }> {
  const admin = broker.kafka.admin();
  await admin.connect();
  await admin.describeCluster();
  const real = globalThis.setTimeout;
  let timers = 0;
  globalThis.setTimeout = Object.assign((...words: Parameters<typeof real>) => {
    timers += 1;
    return real(...words);
  }, real) as typeof real;
  const before = process.cpuUsage();
  await new Promise((resolve) => real(resolve, 500));
  const { user, system } = process.cpuUsage(before);
  globalThis.setTimeout = real;
  await admin.disconnect();
  return { timers, cpu_ms: (user + system) / 1000 };
}
