import { setTimeout as sleep } from 'node:timers/promises';
import { BSON, type Db, MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'zod/mini';
import { component } from '../../src/connectors/mongodb/source.ts';
import type { DataflowError } from '../../src/core/errors/dataflow-error.ts';
import type { FormatInspectors } from '../../src/core/ports/format.ts';
import type { Landing, Position, PulledSource } from '../../src/core/ports/pulled-source.ts';
import { heldLanding, mulberry, pullContext, pullToEnd } from './held-landing.ts';
import { describeService, ownServer, uniqueName } from './service.ts';

type Row = Record<string, unknown>;

function open(url: string, database: string, options: Record<string, unknown>, connect_timeout_s = 10): PulledSource {
  const connection = { name: 'ops', type: 'mongodb', options: { url, database, connect_timeout_s } };
  const source = component.open(parse(component.schema as never, options), {
    inspectors: {} as FormatInspectors,
    connection,
  });
  return source as PulledSource;
}

/** Pulls until it is caught up. */
async function pullAll(source: PulledSource, from: Position | undefined, records_max = 1_000_000) {
  const { lines, position } = await pullToEnd(source, from, { records_max, wait_ms: 300 });
  return { rows: lines.map((line) => JSON.parse(line) as Row), position };
}

describeService('mongodb', ({ url }) => {
  let client: MongoClient;
  let shop: Db;
  const database = uniqueName('shop');

  beforeAll(async () => {
    client = await MongoClient.connect(url);
    shop = client.db(database);
  });
  afterAll(async () => {
    await shop.dropDatabase();
    await client.close();
  });

  it('takes a collection whole, with filter, projection and the documents themselves', async () => {
    await shop
      .collection('whole')
      .insertMany(Array.from({ length: 5000 }, (_, i) => ({ _id: i as never, n: i, hidden: 'x', at: new Date(i) })));
    const source = open(url, database, {
      collection: 'whole',
      filter: { at: { $lt: { $date: '1970-01-01T00:00:03.000Z' } } },
      projection: { hidden: 0 },
      document: true,
    });
    expect(source.pulls).toBe('snapshot');
    const { rows } = await pullAll(source, undefined);
    expect(rows).toHaveLength(3000);
    expect(rows[7]).toEqual({
      _id: 7,
      n: 7,
      at: '1970-01-01T00:00:00.007Z',
      _document: '{"_id":{"$numberInt":"7"},"n":{"$numberInt":"7"},"at":{"$date":{"$numberLong":"7"}}}',
    });
  });

  it('takes what is new by cursor, strays and late ones included, nothing twice', async () => {
    const notes = shop.collection<{ _id: number; at?: unknown; w?: string }>('notes');
    const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));
    await notes.insertMany(Array.from({ length: 100 }, (_, i) => ({ _id: i, at: at(i) })));
    const source = open(url, database, { collection: 'notes', cursor: { field: 'at', overlap: '10m' } });
    const first = await pullAll(source, undefined, 7);
    expect(first.rows.map((row) => row['_id'])).toEqual(Array.from({ length: 100 }, (_, i) => i));
    const again = await pullAll(source, first.position, 7);
    expect(again.rows).toEqual([]);
    await notes.insertMany([
      { _id: 100, at: at(95) },
      { _id: 101, at: at(200) },
      { _id: 102 },
      { _id: 103, at: 'soon' },
      { _id: 104, at: new Date('2999-01-01') },
    ]);
    const third = await pullAll(source, first.position, 2);
    expect(third.rows.map((row) => row['_id']).sort()).toEqual([100, 101, 102, 103, 104]);
    expect((await pullAll(source, third.position, 2)).rows).toEqual([]);
    expect((await source.look(pullContext(third.position))).pending).toBe('none');
  });

  it('a look sees documents that come late or change among those that are read again, and no others', async () => {
    const late = shop.collection<{ _id: number; at?: unknown; w?: string }>('late');
    const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));
    await late.insertMany(Array.from({ length: 60 }, (_, i) => ({ _id: i, at: at(i + 1) })));
    const source = open(url, database, { collection: 'late', cursor: { field: 'at', overlap: '10m' } });
    let { position } = await pullAll(source, undefined);
    const look = () => source.look(pullContext(position));
    await late.insertOne({ _id: 100, at: at(10) });
    expect(await look()).toEqual({ pending: 'none', records: 0, words: 'nothing after 2026-01-01T01:00:00.000Z' });
    await late.insertMany([{ _id: 101, at: at(55) }, { _id: 102 }, { _id: 103, at: 'soon' }]);
    await late.updateOne({ _id: 57 }, { $set: { w: 'changed' } });
    expect((await look()).words).toBe('4 documents new or changed up to 2026-01-01T01:00:00.000Z');
    await late.insertOne({ _id: 104, at: at(90) });
    expect((await look()).words).toBe('1 document after 2026-01-01T01:00:00.000Z, 4 new or changed up to it');
    // Taken while it is in the future, or a moment later: it waits no longer either way.
    await late.insertOne({ _id: 105, at: new Date(Date.now() + 300) });
    expect(await look()).toMatchObject({ pending: 'some', records: 6 });
    ({ position } = await pullAll(source, position));
    await sleep(400);
    expect(await look()).toMatchObject({ pending: 'none', records: 0 });
  });

  it('misses no late document, whatever is written when and wherever it is stopped', { timeout: 240_000 }, async () => {
    for (const [field, seed] of [
      ['at', 1],
      ['n', 2],
      ['_id', 3],
    ] as const) {
      const name = uniqueName('events');
      const events = shop.collection<{ _id: BSON.ObjectId; at: Date; n: number; v: number }>(name);
      await shop.createCollection(name);
      const source = open(url, database, { collection: name, cursor: { field, overlap: field === 'n' ? 200 : '1m' } });
      const random = mulberry(seed);
      const late: { _id: BSON.ObjectId; at: Date; n: number; v: number }[] = [];
      let position: Position | undefined;
      const taken: string[] = [];
      const pull = async (records_max: number, units_max: number) => {
        const { landing, units } = heldLanding(units_max);
        const limits = { records_max, bytes_max: 1_000_000_000, wait_ms: 1 };
        const result = await source.pull(landing, pullContext(position, { limits })).catch(() => undefined);
        for (const unit of units) taken.push(...unit.bytes.toString().split('\n').slice(0, -1));
        position = result?.position ?? units.at(-1)?.position ?? position;
        return result?.caught_up === true;
      };
      for (let step = 0; step < 120; step += 1) {
        late.push({ _id: new BSON.ObjectId(), at: new Date(), n: step, v: 0 });
        const [next] = late.splice(Math.floor(random() * late.length), random() < 0.6 ? 1 : 0);
        if (next !== undefined) await events.insertOne(next);
        if (late.length > 15) await events.insertMany(late.splice(0));
        if (random() < 0.4) await pull(1 + Math.floor(random() * 8), random() < 0.3 ? 1 : 1000);
      }
      if (late.length > 0) await events.insertMany(late);
      while (!(await pull(5, 1000)));
      expect(new Set(taken).size, `${field}: twice`).toBe(taken.length);
      expect(taken.length, `${field}: missed`).toBe(120);
    }
  });

  it('follows the change stream: reads, inserts, updates, deletes; and says so when history is gone', async () => {
    const orders = shop.collection<{ _id: number; n: number }>('orders');
    await orders.insertMany([
      { _id: 1, n: 1 },
      { _id: 2, n: 2 },
      { _id: 3, n: 3 },
    ]);
    const source = open(url, database, { collection: 'orders', change_stream: true });
    const first = await pullAll(source, undefined, 2);
    expect(first.rows.map(({ _op, _id }) => [_op, _id])).toEqual([
      ['read', 1],
      ['read', 2],
      ['read', 3],
    ]);
    await orders.insertOne({ _id: 4, n: 4 });
    await orders.updateOne({ _id: 1 }, { $set: { n: 10 } });
    await orders.deleteOne({ _id: 2 });
    const second = await pullAll(source, first.position, 2);
    expect(second.rows.map(({ _op, _id, n }) => [_op, _id, n])).toEqual([
      ['insert', 4, 4],
      ['update', 1, 10],
      ['delete', 2, undefined],
    ]);
    expect((await pullAll(source, second.position)).rows).toEqual([]);
    await orders.drop();
    await shop.createCollection('orders');
    await expect(pullAll(source, second.position)).rejects.toMatchObject({ code: 'E_SOURCE_LOST' });
    const lost = { ...second.position, resume: null, start_at: '{"$timestamp":{"t":1000,"i":1}}' };
    const told = await pullAll(source, lost).catch((error: DataflowError) => error);
    expect(told, String(told)).toMatchObject({ code: 'E_SOURCE_LOST', retryable: false });
  });

  it('names what is wrong: collection, server, login, filter', async () => {
    const pull = (source: PulledSource) => source.pull(heldLanding().landing, pullContext(undefined));
    await shop.createCollection('some');
    await expect(pull(open(url, database, { collection: 'nothing' }))).rejects.toMatchObject({
      code: 'E_SOURCE_QUERY',
    });
    const bad = open(url, database, { collection: 'some', filter: { $nonsense: 1 } });
    await expect(pull(bad)).rejects.toMatchObject({ code: 'E_SOURCE_QUERY', retryable: false });
    const nobody = open('mongodb://127.0.0.1:9/', database, { collection: 'some' }, 1);
    expect(await nobody.probe(pullContext(undefined))).toMatchObject({ ok: false });
    await expect(pull(nobody)).rejects.toMatchObject({ code: 'E_SOURCE_UNREACHABLE', exit_code: 5 });
    const stranger = new URL(url);
    stranger.username = 'eve';
    stranger.password = 'guess-me-not';
    const refused = await pull(open(stranger.href, database, { collection: 'some' })).catch((error: Error) => error);
    expect(refused).toMatchObject({ code: 'E_SOURCE_DENIED' });
    expect(String((refused as Error).message)).not.toContain('guess-me-not');
    expect(await open(url, database, { collection: 'some' }).probe(pullContext(undefined))).toMatchObject({ ok: true });
  });
});

/** In the middle, however fast the machine is. */
const STEP_DOWN_AT_WRITE = 3;
const PULLS_MAX = 20;

describeService('mongodb_three', () => {
  it('goes on after the primary stepped down in the middle', async () => {
    const own = await ownServer('mongodb_three');
    const address = own.settings['DATAFLOW_TEST_MONGODB_THREE'] ?? '';
    const client = await MongoClient.connect(address);
    try {
      const events = client.db('shop').collection('events');
      await events.insertMany(
        Array.from({ length: 20_000 }, (_, i) => ({ n: i, text: 'x'.repeat(200) })),
        { writeConcern: { w: 3 } },
      );
      const source = open(address, 'shop', {
        collection: 'events',
        cursor: { field: 'n', overlap: 10 },
        batch_documents: 100,
      });
      const limits = { records_max: 1_000_000, bytes_max: 1_000_000_000, wait_ms: 100 };
      const { landing, units } = heldLanding();
      let stepping: Promise<unknown> | undefined;
      let writes = 0;
      const stepDown = (): Promise<unknown> =>
        client
          .db('admin')
          .command({ replSetStepDown: 5, secondaryCatchUpPeriodSecs: 2 })
          .catch(() => undefined);
      const disturbed: Landing = {
        ...landing,
        open: async (...words) => {
          const unit = await landing.open(...words);
          return {
            ...unit,
            write: (bytes) => {
              writes += 1;
              if (writes === STEP_DOWN_AT_WRITE) stepping = stepDown();
              return unit.write(bytes);
            },
            get size_bytes() {
              return unit.size_bytes;
            },
          };
        },
      };
      // Each pull may find that there is no primary just then: that is said to be worth a retry, and the next one goes on from what was sealed.
      let caught_up = false;
      for (let attempt = 0; !caught_up && attempt < PULLS_MAX; attempt += 1) {
        const pulled = source.pull(disturbed, pullContext(units.at(-1)?.position, { limits }));
        caught_up = await pulled.then(
          (result) => result.caught_up,
          (error: { code?: string }) => {
            expect(error.code, String(error)).toBe('E_SOURCE_UNREACHABLE');
            return false;
          },
        );
      }
      expect(stepping).toBeDefined();
      await stepping;
      const lines = units.flatMap((unit) => unit.bytes.toString().split('\n').slice(0, -1));
      expect(new Set(lines).size).toBe(20_000);
      expect(lines).toHaveLength(20_000);
    } finally {
      await client.close();
      await own.stop();
    }
  }, 180_000);
});
