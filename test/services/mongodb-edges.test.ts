import { setTimeout as sleep } from 'node:timers/promises';
import { BSON, type Db, type Document, MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'zod/mini';
import { component } from '../../src/connectors/mongodb/source.ts';
import type { FormatInspectors } from '../../src/core/ports/format.ts';
import type { Landing, Position, PulledSource } from '../../src/core/ports/pulled-source.ts';
import { heldLanding, pullContext } from './held-landing.ts';
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
    const rows: Row[] = [];
    let position = from;
    for (let pull = 0; pull < 100; pull += 1) {
      const { landing, units } = heldLanding();
      const limits = { records_max, bytes_max: 1_000_000_000, wait_ms: 100 };
      const result = await source.pull(landing, pullContext(position, { limits }));
      for (const unit of units)
        for (const line of unit.bytes.toString().split('\n').slice(0, -1)) rows.push(JSON.parse(line) as Row);
      position = JSON.parse(JSON.stringify(result.position)) as Position;
      if (result.caught_up) return { rows, position };
    }
    throw new Error('never caught up');
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
});
