import { setTimeout as sleep } from 'node:timers/promises';
import { BSON, type Db, type Document, MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'zod/mini';
import { component } from '../../src/connectors/mongodb/source.ts';
import type { FormatInspectors } from '../../src/core/ports/format.ts';
import type { Landing, Position, PulledSource } from '../../src/core/ports/pulled-source.ts';
import { heldLanding, pullContext, pullToEnd } from './held-landing.ts';
import { describeService, uniqueName } from './service.ts';

type Row = Record<string, unknown>;

describeService('mongodb', ({ url }) => {
  let client: MongoClient;
  let shop: Db;
  const database = uniqueName('edges');

  beforeAll(async () => {
    client = await MongoClient.connect(url);
    shop = client.db(database);
  });
  afterAll(async () => {
    await shop.dropDatabase();
    await client.close();
  });

  const open = (options: Record<string, unknown>): PulledSource =>
    component.open(parse(component.schema as never, options), {
      inspectors: {} as FormatInspectors,
      connection: { name: 'ops', type: 'mongodb', options: { url, database, connect_timeout_s: 10 } },
    }) as PulledSource;

  /** Pulls until it is caught up. */
  async function pullAll(source: PulledSource, from: Position | undefined, records_max = 1_000_000) {
    const { lines, position } = await pullToEnd(source, from, { records_max, wait_ms: 100 });
    return { rows: lines.map((line) => JSON.parse(line) as Row), position };
  }

  it('seals nothing once it is told to stop, even while a batch is written', async () => {
    await shop
      .collection('much')
      .insertMany(Array.from({ length: 40 }, (_, n) => ({ _id: n as never, n, text: 'x'.repeat(100_000) })));
    for (const way of [{}, { cursor: { field: 'n', overlap: 0 } }, { change_stream: true }]) {
      const stop = new AbortController();
      const { landing, units } = heldLanding();
      const slow: Landing = {
        ...landing,
        open: async (name, layout) => {
          const writer = await landing.open(name, layout);
          const write = async (bytes: Uint8Array): Promise<void> => {
            await writer.write(bytes);
            stop.abort();
            await sleep(200); // Meanwhile the client is closed.
          };
          return Object.assign(Object.create(writer) as typeof writer, { write });
        },
      };
      const source = open({ collection: 'much', batch_documents: 10, ...way });
      await expect(
        source.pull(slow, pullContext(undefined, { signal: stop.signal })),
        JSON.stringify(way),
      ).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
      expect(units, JSON.stringify(way)).toEqual([]);
    }
  });

  it('goes on behind an id of any type', async () => {
    const ids: unknown[] = [1, 2.5, 3, 'a', 'b', 'c', { k: 1 }, { k: 2 }];
    for (let n = 0; n < 5; n += 1) ids.push(new BSON.ObjectId());
    const mixed = shop.collection<Document>('mixed');
    await mixed.insertMany(ids.map((_id, n) => ({ _id, n: 7, ...(n % 2 === 0 ? { at: new Date(0) } : {}) })) as never);
    for (const way of [
      { change_stream: true },
      { cursor: { field: 'n', overlap: 0 } },
      { cursor: { field: '_id' } },
      { cursor: { field: 'at' } },
    ]) {
      const { rows } = await pullAll(open({ collection: 'mixed', ...way }), undefined, 2);
      expect(new Set(rows.map((row) => JSON.stringify(row['_id']))).size, JSON.stringify(way)).toBe(ids.length);
      expect(rows, JSON.stringify(way)).toHaveLength(ids.length);
    }
  });

  it('takes documents that come later with the same value of the cursor, and none of them twice', async () => {
    for (const [name, cursor, value, before] of [
      ['days', { field: 'day' }, '2026-11-21', '2026-11-20'],
      ['numbers', { field: 'day', overlap: 0 }, 21, 20],
    ] as const) {
      const days = shop.collection<Document>(name);
      const add = (from: number, to: number, day: unknown) =>
        days.insertMany(Array.from({ length: to - from }, (_, n) => ({ _id: (from + n) as never, day })));
      await add(0, 5, before);
      await add(5, 10, value);
      const source = open({ collection: name, cursor });
      const first = await pullAll(source, undefined, 3);
      expect(first.rows.map((row) => row['_id'])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      await add(10, 15, typeof value === 'number' ? new BSON.Double(value) : value);
      await add(-1, 0, value);
      const second = await pullAll(source, first.position, 3);
      expect(
        second.rows.map((row) => row['_id']),
        name,
      ).toEqual([-1, 10, 11, 12, 13, 14]);
      const third = await pullAll(source, second.position);
      expect(third.rows, name).toEqual([]);
      // What was highest goes: the line does not fall back behind what was taken.
      await days.deleteMany({ day: value } as never);
      const fourth = await pullAll(source, third.position);
      expect((await pullAll(source, fourth.position)).rows, name).toEqual([]);
    }
  });

  it('goes on as it did from a position of before', async () => {
    const days = shop.collection<Document>('earlier');
    await days.insertMany([{ _id: 1 as never, day: 'a' }]);
    const source = open({ collection: 'earlier', cursor: { field: 'day' } });
    const first = await pullAll(source, undefined);
    const earlier = { ...first.position, low: null, taken: '' };
    const second = await pullAll(source, earlier);
    expect(second.rows).toEqual([]);
    expect((await pullAll(source, second.position)).rows).toEqual([]);
  });
});
