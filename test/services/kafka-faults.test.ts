import { afterAll, describe, expect, it } from 'vitest';
import { Broker, numbered } from './kafka-support.ts';
import { describeService, ownServer } from './service.ts';

describeService('kafka', ({ url }) => {
  const broker = new Broker(url);
  afterAll(() => broker.close());

  describe('poison', () => {
    it('case 40: poison is set apart with topic, partition, offset and reason, and the others go on', async () => {
      const topic = await broker.topic('poison', 2);
      const good = { partition: 1, value: '{"n":1}' };
      const bad: [value: string | Buffer, reason: string][] = [
        ['', 'it is empty'],
        ['{"n":1', 'it is not JSON: unexpected end'],
        ['[1,2]', 'it is not a JSON object'],
        ['{"n":1}\n{"n":2}', 'it is not JSON: unexpected { at byte 9'],
        ['{"_offset":7}', 'it has a member named _offset, which is a column of ours'],
        [Buffer.from('{"n":"\xff"}', 'latin1'), 'it is not UTF-8 (kept as base64)'],
      ];
      await broker.send(topic, [
        good,
        ...bad.map(([value]) => ({ partition: 1, value })),
        { ...good, value: '{"n":2}' },
      ]);
      const reading = await broker.source(topic);
      const { rows } = await reading.pull();
      expect(rows.map((row) => [row['_offset'], row['n']])).toEqual([
        [0, 1],
        [7, 2],
      ]);
      const [unit] = reading.units;
      expect(unit?.unreadable).toEqual(
        bad.map(([value, reason], index) => ({
          rule: 'poison_message',
          reason,
          where: `${topic}/1 offset ${index + 1}`,
          raw: typeof value === 'string' ? value : `base64:${value.toString('base64')}`,
        })),
      );
      expect(unit).toMatchObject({
        records: 2,
        spans: [
          { from: 0, next: 8, records: 8, holes: 0 },
          { from: 0, next: 0 },
        ],
      });
      await reading.source.close();
    });

    it('case 40: poison beyond poison_max stops the pull, with nothing of that unit kept', async () => {
      const topic = await broker.topic('threshold');
      await broker.send(topic, [...numbered(5), { value: 'x' }, { value: 'y' }, ...numbered(5)]);
      const reading = await broker.source(topic, { poison_max: 1 });
      await expect(reading.pull()).rejects.toMatchObject({
        code: 'E_REJECTS_LIMIT',
        message: `2 messages of ${topic} cannot be read, more than poison_max: 1; ${topic}/0 offset 6: it is not a JSON object`,
      });
      expect(reading.units).toEqual([]);
      await reading.source.close();
      const patient = await broker.source(topic, { poison_max: 2 });
      expect((await patient.pull()).rows.length).toBe(10);
      await patient.source.close();
    });

    it('case 40: takes 10 MB in one message, and sets a larger one than allowed apart', async () => {
      const topic = await broker.topic('large', 1, { 'max.message.bytes': '12000000' });
      const value = JSON.stringify({ n: 1, text: 'x'.repeat(10_000_000) });
      await broker.send(topic, [{ value }]);
      await broker.send(topic, numbered(2, 0, 2));
      const reading = await broker.source(topic);
      const { rows } = await reading.pull();
      expect(rows.map((row) => row['n'])).toEqual([1, 2, 3]);
      expect(String(rows[0]?.['text']).length).toBe(10_000_000);
      await reading.source.close();
      const strict = await broker.source(topic, { message_bytes_max: 1_000_000 });
      expect((await strict.pull()).rows.map((row) => row['n'])).toEqual([2, 3]);
      expect(strict.units[0]?.unreadable[0]?.reason).toBe(
        `it has ${value.length} bytes, message_bytes_max allows 1000000`,
      );
      await strict.source.close();
    });
  });

  describe('offsets that are gone', () => {
    it('case 38: offsets that are gone stop the pull and are named; by decision they are skipped and stay a hole with its reason', async () => {
      const topic = await broker.topic('retention', 2);
      await broker.send(topic, numbered(10));
      await broker.send(topic, numbered(10, 1));
      const reading = await broker.source(topic);
      await reading.pull();
      await broker.send(topic, numbered(10, 0, 10));
      await broker.dropBefore(topic, 0, 15);
      await expect(reading.pull()).rejects.toMatchObject({
        code: 'E_SOURCE_LOST',
        message: `${topic}/0 offsets 10..14 are gone: the topic holds them no longer`,
      });
      expect(await reading.source.look(reading.context())).toMatchObject({ pending: 'some' });
      await reading.source.close();
      const skipping = await broker.source(topic, { on_lost_offsets: 'skip' });
      skipping.position = reading.position;
      for (const [stream, next] of reading.expected) skipping.expected.set(stream, next);
      expect((await skipping.pull()).rows.map((row) => row['n'])).toEqual([15, 16, 17, 18, 19]);
      const reason = 'offsets 10..14 skipped: the topic held them no longer';
      expect(skipping.units.flatMap((unit) => unit.spans)).toEqual([
        { stream: `${topic}/0`, from: 10, next: 20, records: 5, holes: 5, reason },
      ]);
      expect(skipping.notes).toEqual([`${topic}/0 ${reason}`]);
      await broker.dropBefore(topic, 0, -1);
      await broker.send(topic, numbered(2, 0, 20));
      await broker.dropBefore(topic, 0, -1);
      // Also when nothing comes behind it.
      expect((await skipping.pull()).rows).toEqual([]);
      expect(skipping.units.at(-1)).toMatchObject({
        records: 0,
        spans: [{ from: 20, next: 22, holes: 2, records: 0 }],
      });
      await skipping.source.close();
    });

    it('case 38: a topic that was deleted and made again is noticed by its identity, however far it has grown', async () => {
      const topic = await broker.topic('again');
      await broker.send(topic, numbered(3));
      const reading = await broker.source(topic);
      await reading.pull();
      const admin = await broker.admin();
      await admin.deleteTopics({ topics: [topic] });
      await broker.make(topic);
      const fresh = new Broker(url);
      await fresh.send(topic, numbered(10));
      await fresh.close();
      await expect(reading.pull()).rejects.toMatchObject({
        code: 'E_SOURCE_LOST',
        message: `topic ${topic} was deleted and made again: its offsets no longer mean the messages that are in the lake`,
      });
      await reading.source.close();
    });

    it('case 38: a topic that ends before the lake does was cut off', async () => {
      const topic = await broker.topic('cut');
      await broker.send(topic, numbered(3));
      const reading = await broker.source(topic);
      reading.position = { topic, offsets: { 0: 5 } };
      await expect(reading.pull()).rejects.toMatchObject({
        code: 'E_SOURCE_LOST',
        message: `${topic}/0 ends at offset 3, but everything before 5 is in the lake: the topic was cut off or made again`,
      });
      await reading.source.close();
    });
  });

  it('case 38: a partition that is in the lake and not in the topic is missed, also where the broker tells no identity', async () => {
    const topic = await broker.topic('fewer');
    await broker.send(topic, numbered(3));
    const reading = await broker.source(topic);
    reading.position = { topic, offsets: { 0: 3 } };
    reading.expected.set(`${topic}/0`, 3).set(`${topic}/1`, 0).set(`${topic}/10`, 4).set(`${topic}/2`, 7);
    // A stream of another topic, which the source read before, says nothing of this one.
    reading.expected.set(`${topic}-old/5`, 9);
    await expect(reading.pull()).rejects.toMatchObject({
      code: 'E_SOURCE_LOST',
      message: `topic ${topic} has no partition 2 and 10 any more, but messages of it are in the lake: it was made again with fewer partitions`,
    });
    reading.expected.delete(`${topic}/2`);
    reading.expected.delete(`${topic}/10`);
    expect((await reading.pull()).rows).toEqual([]);
    await reading.source.close();
  });

  it('case 39: holes of compaction are no gaps', async () => {
    const config = {
      'cleanup.policy': 'compact',
      'segment.ms': '100',
      'min.cleanable.dirty.ratio': '0.001',
      'max.compaction.lag.ms': '100',
      'delete.retention.ms': '100',
    };
    const topic = await broker.topic('compacted', 1, config);
    const write = (from: number) =>
      broker.send(
        topic,
        numbered(10, 0, from).map((one, at) => ({ ...one, key: `k${at % 2}` })),
      );
    await write(0);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await write(10);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await write(20);
    const give_up = Date.now() + 50_000;
    for (;;) {
      const reading = await broker.source(topic);
      const { rows, result } = await reading.pull();
      await reading.source.close();
      expect(result.position).toMatchObject({ offsets: { 0: 30 } });
      expect(reading.units.flatMap((unit) => unit.spans)).toEqual([
        { stream: `${topic}/0`, from: expect.any(Number), next: 30, records: rows.length, holes: 30 - rows.length },
      ]);
      expect(rows.slice(-10).map((row) => row['n'])).toEqual(numbered(10, 0, 20).map((_, at) => 20 + at));
      if (rows.length < 20) break;
      if (Date.now() > give_up) throw new Error('the broker compacted nothing');
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }, 90_000);
});

describeService('kafka', () => {
  it('case 38: a broker that dies in the middle is waited for; one that stays away is reported as worth a retry', async () => {
    const own = await ownServer('kafka');
    try {
      const broker = new Broker(own.settings['DATAFLOW_TEST_KAFKA'] ?? '');
      const topic = await broker.topic('restart', 2);
      for (let batch = 0; batch < 40; batch++) await broker.send(topic, numbered(1000, batch % 2, batch * 1000));
      await broker.close();
      const reading = await broker.source(topic, { fetch_bytes_max: 2048 });
      let restarted: Promise<void> | undefined;
      // The first piece is written when a quarter has been read.
      const { rows } = await reading.pull({}, () => {
        restarted ??= own.halt('SIGKILL').then(() => own.resume());
      });
      await restarted;
      expect(restarted).toBeDefined();
      expect(reading.notes.join()).toContain('trying again');
      expect(rows.length).toBe(40_000);
      expect(new Set(rows.map((row) => row['n'])).size).toBe(40_000);
      await own.halt('SIGKILL');
      await reading.source.close();
      const impatient = await broker.source(topic, {}, { patience_ms: 1500, connect_timeout_ms: 500 });
      await expect(impatient.pull()).rejects.toMatchObject({
        code: 'E_SOURCE_UNREACHABLE',
        exit_code: 5,
        retryable: true,
      });
      await impatient.source.close();
    } finally {
      await own.stop();
    }
  }, 120_000);
});
