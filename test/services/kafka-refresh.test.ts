import { afterAll, expect, it } from 'vitest';
import { SourceProject } from '../../src/connectors/testing/source-project.ts';
import { Broker, numbered } from './kafka-support.ts';
import { describeService } from './service.ts';

describeService('kafka', ({ url }) => {
  const broker = new Broker(url);
  afterAll(() => broker.close());

  it('the first unit says where each partition begins, also one of which nothing comes', async () => {
    const topic = await broker.topic('begins', 3);
    await broker.send(topic, numbered(2, 1));
    const reading = await broker.source(topic);
    await reading.pull();
    expect(reading.units.map(({ spans }) => spans)).toEqual([
      [
        { stream: `${topic}/1`, from: 0, next: 2, records: 2, holes: 0 },
        { stream: `${topic}/0`, from: 0, next: 0, records: 0, holes: 0 },
        { stream: `${topic}/2`, from: 0, next: 0, records: 0, holes: 0 },
      ],
    ]);
    await broker.send(topic, numbered(2, 2));
    await reading.pull();
    expect(reading.units.at(-1)?.spans).toEqual([{ stream: `${topic}/2`, from: 0, next: 2, records: 2, holes: 0 }]);
    await reading.source.close();
  });

  it('case 38: a topic made again is read whole after a full refresh, a partition that was empty then included', async () => {
    const topic = await broker.topic('remade', 2);
    for (const partition of [0, 1]) await broker.send(topic, numbered(5, partition));
    const project = new SourceProject({
      source: { type: 'kafka', connection: 'events', topic },
      connections: { events: { type: 'kafka', brokers: [url] } },
    });
    try {
      await project.ok(['run']);
      await (await broker.admin()).deleteTopics({ topics: [topic] });
      await broker.make(topic, 2);
      // The library's producer remembers the topic that was.
      const fresh = new Broker(url);
      await fresh.send(topic, numbered(3));
      await project.ok(['run', '--full-refresh', '--force', '--select', 'bronze.s']);
      await fresh.send(topic, numbered(10, 1));
      await fresh.close();
      await project.ok(['run']);
      const [row] = await project.query('select count(*) as n from bronze.s');
      expect(Number(row?.['n'])).toBe(13);
      await project.ok(['verify']);
    } finally {
      project.remove();
    }
  }, 120_000);

  it('case 38: a topic made again with fewer partitions stops each run, until the table is replaced by what it holds', async () => {
    const topic = await broker.topic('shrunk', 3);
    for (const partition of [0, 1, 2]) await broker.send(topic, numbered(5, partition));
    const project = new SourceProject({
      source: { type: 'kafka', connection: 'events', topic },
      connections: { events: { type: 'kafka', brokers: [url] } },
    });
    const rows = async () => Number((await project.query('select count(*) as n from bronze.s'))[0]?.['n']);
    try {
      await project.ok(['run']);
      await (await broker.admin()).deleteTopics({ topics: [topic] });
      await broker.make(topic, 1);
      const fresh = new Broker(url);
      await fresh.send(topic, numbered(9));
      for (let n = 0; n < 2; n++) {
        const stopped = await project.run(['ingest']);
        expect(stopped.status).toBe(1);
        expect(stopped.stderr).toContain('E_SOURCE_LOST');
        expect(stopped.stderr).toContain('--full-refresh --force');
      }
      expect(await rows()).toBe(15);
      await project.ok(['run', '--full-refresh', '--force', '--select', 'bronze.s']);
      expect(await rows()).toBe(9);
      await fresh.send(topic, numbered(2));
      await project.ok(['run']);
      expect(await rows()).toBe(11);
      await project.ok(['verify']);
      // A partition that comes back later begins anew: nothing of the topic that was is held against it.
      await (await broker.admin()).createPartitions({ topicPartitions: [{ topic, count: 3 }] });
      const wider = new Broker(url);
      await wider.send(topic, numbered(2, 2));
      await project.ok(['run']);
      expect(await rows()).toBe(13);
      await project.ok(['ledger', 'rebuild']);
      await project.ok(['run']);
      expect(await rows()).toBe(13);
      await project.ok(['verify']);
      await fresh.close();
      await wider.close();
    } finally {
      project.remove();
    }
  }, 120_000);
});
