import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type Document, MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BulkWriter } from '../../src/connectors/mongodb/bulk-writer.ts';
import { expectDone, expectError, newPlace, type Outcome, type Place } from '../support/fault-project.ts';
import { stopped } from '../support/stopped.ts';
import { builtProgram } from './built-program.ts';
import { tcpProxy } from './faults/tcp-proxy.ts';
import { describeService, uniqueName } from './service.ts';

const ALL = 'tables: [gold.keyed, gold.pair, gold.bag], overrides: { gold.keyed: { indexes: [part] } }';

const CONFIG = (database: string, load: string): string => `connections:
  mongo: { type: mongodb, url: "\${MONGO_URL}", database: ${database} }
sources:
  a: { type: files, path: in/a.csv, settle_seconds: 0, on_rewrite: replace, columns: { id: bigint, part: varchar, n: integer, huge: integer } }
gold:
  keyed: { sql: "select id, part, n, n::decimal(18,2) as price, repeat('x', huge) as text from bronze.a", key: id }
  pair: { sql: "select part, id, n from bronze.a", key: [part, id] }
  bag: { sql: "select n % 7 as n7, count(*) as c from bronze.a group by 1" }
  log: { sql: "select id from bronze.a" }
loads:
  mongo: { connection: mongo, ${load} }
`;

interface Line {
  readonly id: number;
  readonly n: number;
  readonly huge?: number;
}

const lines = (count: number, n: (id: number) => number = (id) => id): readonly Line[] =>
  Array.from({ length: count }, (_, index) => ({ id: index + 1, n: n(index + 1) }));

/** A project whose three tables go to a database of their own. */
class Loaded {
  readonly place: Place;
  readonly database = uniqueName('load');
  url: string;
  lines: readonly Line[] = [];

  constructor(url: string, load = ALL) {
    this.url = url;
    this.place = newPlace(CONFIG(this.database, load));
  }

  env(fault?: string): Record<string, string> {
    return { MONGO_URL: this.url, ...(fault === undefined ? {} : { DATAFLOW_FAULT: fault }) };
  }

  /** A new release. */
  release(rows: readonly Line[]): void {
    this.lines = rows;
    const text = rows.map(({ id, n, huge = 1 }) => `${id},p${id % 3},${n},${huge}`);
    this.place.put({ 'in/a.csv': `id,part,n,huge\n${text.join('\n')}\n` });
    expectDone(this.place.dataflow(['run'], this.env()));
  }

  load(...more: string[]): Outcome {
    return this.place.dataflow(['load', ...more], this.env());
  }

  remove(): void {
    this.place.remove();
  }
}

async function expectWhole(
  client: MongoClient,
  { database, lines: rows }: Loaded,
  without: readonly number[] = [],
): Promise<void> {
  const db = client.db(database);
  const wanted = rows.filter(({ id }) => !without.includes(id)).map(({ id, n }) => [id, n]);
  const sorted = (found: readonly Document[]) =>
    found.map((one) => [Number(one['id']), one['n']] as [number, unknown]).sort((a, b) => a[0] - b[0]);
  expect(sorted(await db.collection('keyed').find({}).toArray())).toEqual(wanted);
  expect(sorted(await db.collection('pair').find({}).toArray())).toEqual(rows.map(({ id, n }) => [id, n]));
  const bag = await db.collection('bag').find({}).toArray();
  expect(bag.reduce((sum, one) => sum + Number(one['c']), 0)).toBe(rows.length);
  const meta = await db.collection('_sync_metadata').find({}).toArray();
  expect(meta.map((one) => one['status'])).toEqual(['loaded', 'loaded', 'loaded']);
  expect(new Set(meta.map((one) => one['release'])).size).toBe(1);
  const names = (await db.listCollections().toArray()).map((one) => one.name).sort();
  expect(names).toEqual(['_sync_metadata', 'bag', 'keyed', 'pair']);
}

describeService('mongodb', ({ url }) => {
  let client: MongoClient;
  let one: Loaded;
  beforeAll(async () => {
    client = await MongoClient.connect(url);
    one = new Loaded(url);
  });
  afterAll(async () => {
    await client.db(one.database).dropDatabase();
    await client.close();
    one.remove();
  });

  it('holds a release: documents by key, types, indexes, and what it says of itself', async () => {
    one.release(lines(5000));
    const planned = one.load('--dry-run');
    expectDone(planned);
    expect(planned.stdout).toContain('10,007 inserts');
    expect(await client.db(one.database).listCollections().toArray()).toEqual([]);
    expectDone(one.load());
    await expectWhole(client, one);
    const db = client.db(one.database);
    const [first] = await db.collection('keyed').find({ id: 7 }, { promoteValues: false }).toArray();
    expect(first).toMatchObject({ part: 'p1' });
    expect(
      Object.fromEntries(
        ['_id', 'id', 'n', 'price'].map((name) => [
          name,
          (first?.[name] as { _bsontype: string } | undefined)?._bsontype,
        ]),
      ),
    ).toEqual({ _id: 'Long', id: 'Long', n: 'Int32', price: 'Decimal128' });
    expect((await db.collection('pair').findOne({ id: 7 }))?._id).toEqual({ part: 'p1', id: 7 });
    expect((await db.collection('keyed').indexes()).map(({ name, unique }) => [name, unique === true])).toEqual([
      ['_id_', false],
      ['id_1', true],
      ['part_1', false],
    ]);
    const meta = await db.collection('_sync_metadata').findOne({ collection_name: 'keyed' });
    expect(meta).toMatchObject({ source_table: 'gold.keyed', row_count: 5000, status: 'loaded', refused: 0 });
    expect(meta?.['last_sync'].getTime() - meta?.['gold_processed_at'].getTime()).toBe(
      Math.round(1000 * meta?.['refresh_time_seconds']),
    );
  });

  it('does nothing for the same release, and only what changed for the next', async () => {
    const again = one.load();
    expectDone(again);
    expect(again.stdout).toContain('holds release');
    one.release([...lines(5000, (id) => (id === 5 ? -5 : id)).slice(10), { id: 9001, n: 1 }]);
    const next = one.load('--format', 'json');
    expectDone(next);
    const [report] = (JSON.parse(next.stdout) as { loads: { tables: Document[] }[] }).loads;
    expect(report?.tables.find((table) => table['name'] === 'keyed')).toMatchObject({
      inserts: 1,
      updates: 0,
      deletes: 10,
      action: 'changes',
    });
    await expectWhole(client, one);
  });

  it('says so when somebody else was there, and makes it anew when that is asked for', async () => {
    await client.db(one.database).collection('keyed').insertOne({ id: -1 });
    one.release(lines(20));
    const refused = one.load();
    expectError(refused, 'E_LOAD_CHANGED', 1);
    expect(refused.stderr).toContain('1 documents more than were loaded');
    expectDone(one.load('--full-refresh'));
    await expectWhole(client, one);
  });

  it('case 45: keeps a row aside that no document can be, and takes the others', async () => {
    one.release([...lines(30), { id: 99, n: 1, huge: 17_000_000 }]);
    const done = one.load('--full-refresh');
    expectError(done, 'E_PARTIAL', 4);
    await expectWhole(client, one, [99]);
    const kept = readFileSync(join(one.place.folder, 'lake/_dataflow/refused/mongo/gold.keyed.ndjson'), 'utf8');
    expect(JSON.parse(kept)).toMatchObject({ reason: 'the document is larger than 16 MB' });
    expect(one.load('status').stdout).toContain('gold.keyed: 1 row refused');
    const told = (...args: string[]): string => one.place.dataflow(args, one.env()).stdout.replaceAll(/\s+/g, ' ');
    expect(told('quarantine')).toContain('1 row of gold.keyed that load mongo could not bring to its destination');
    expect(told('doctor')).toContain('could not hold 1 row of gold.keyed, kept in lake/_dataflow/refused/mongo');
    one.release(lines(31));
    one.place.dataflow(['load'], one.env('load-before-commit:kill'));
    expect(told('doctor')).toContain('could not hold 1 row');
    expectDone(one.load());
    await expectWhole(client, one);
    expect(told('doctor')).not.toContain('could not hold');
  });

  // All rows anew; then a step that is too large for one transaction; then a small one.
  it.each([
    ['mongodb-created:kill', 3000, 1, ['--full-refresh']],
    ['mongodb-batch:kill@2', 3000, 1, ['--full-refresh']],
    ['load-after-put:kill', 3000, 1, ['--full-refresh']],
    ['mongodb-after-swap:kill', 3000, 1, ['--full-refresh']],
    ['load-before-commit:kill', 12_000, 2, []],
    ['mongodb-batch:kill@3', 12_000, 1, []],
    ['load-before-commit:kill', 12_001, 1, []],
    ['load-after-commit:kill', 12_002, 1, []],
  ] as const)(
    'killed at %s with %i rows: the next call leads to the same documents',
    async (fault, count, n, flags) => {
      one.release(lines(count, (id) => id * n));
      expect(one.place.dataflow(['load', ...flags], one.env(fault)).signal).toBe('SIGKILL');
      expectDone(one.load());
      await expectWhole(client, one);
    },
  );

  it('an in-place load that was cut off is said to be under way until it is whole', async () => {
    one.release(lines(12_000, (id) => -id));
    one.place.dataflow(['load'], one.env('mongodb-batch:kill@2'));
    const meta = await client.db(one.database).collection('_sync_metadata').findOne({ collection_name: 'keyed' });
    expect(meta).toMatchObject({ status: 'loading', row_count: 12_002 });
    expect(one.place.dataflow(['load', 'status'], one.env()).stdout).toMatch(/keyed: \w+, a load of release/);
    expectDone(one.load());
    await expectWhole(client, one);
  });

  it('case 45: killed, and what was to mend it is killed as well: nobody else was there, and no release shines through', async () => {
    const killed = (fault: string, ...more: string[]): void =>
      expect(one.place.dataflow(['load', ...more], one.env(fault)).signal).toBe('SIGKILL');
    one.release(lines(12_000));
    expectDone(one.load());
    // In place, cut off; then another release beside it, cut off: documents of the first are still there.
    one.release(lines(12_000, (id) => id + 1));
    killed('mongodb-batch:kill@2');
    one.release(lines(12_000, (id) => (id === 12_000 ? 7 : id)));
    killed('load-before-commit:kill');
    expectDone(one.load());
    await expectWhole(client, one);
    // Swapped and not yet said, then being made anew.
    killed('mongodb-after-swap:kill', '--full-refresh');
    killed('mongodb-created:kill', '--full-refresh');
    expectDone(one.load());
    await expectWhole(client, one);
  });

  it('case 45: killed between two swaps: it is said that two releases are there, and the next load finishes in moments', async () => {
    one.release(lines(300, (id) => id + 5));
    const load = (fault?: string, ...more: string[]) => one.place.dataflow(['load', ...more], one.env(fault));
    expect(load('mongodb-before-swap:kill', '--full-refresh').signal).toBe('SIGKILL');
    const db = client.db(one.database);
    const beside = (await db.listCollections().toArray()).find(({ name }) => name.endsWith('_pair'))?.name ?? '';
    await client.db('admin').command({
      renameCollection: `${one.database}.${beside}`,
      to: `${one.database}.pair`,
      dropTarget: true,
    });
    const status = one.place.dataflow(['load', 'status'], one.env());
    expect(status.stdout).toMatch(/mongo +mixed/);
    expect(status.stdout).toContain('1 of 3 tables holds release');
    const doctor = one.place.dataflow(['doctor'], one.env());
    expect(doctor.stdout).toMatch(/1 of 3 tables holds release/);
    expect(doctor.stdout).toContain('dataflow load mongo');
    const done = load();
    expectDone(done);
    // What stood beside took its place: nothing was sent again.
    expect(done.stdout).toContain('already');
    await expectWhole(client, one);
  });

  it('case 45: rows that are appended come once, also without a key and after a kill, and those of earlier versions stay', async () => {
    const own = new Loaded(url, `mode: append, tables: [gold.keyed, gold.log]`);
    const db = client.db(own.database);
    const held = async (): Promise<unknown> => [
      await db.collection('keyed').countDocuments(),
      (await db.collection('log').find({}).toArray()).map((row) => Number(row['id'])).sort((a, b) => a - b),
    ];
    const ids = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i + 1);
    try {
      own.release(lines(10));
      expectDone(own.load());
      own.release(lines(4010).slice(10));
      expect(own.place.dataflow(['load'], own.env('mongodb-batch:kill')).signal).toBe('SIGKILL');
      expectDone(own.load());
      expect(await held()).toEqual([4010, ids(0, 4010)]);
      // The older version again: its rows are there, and would come twice.
      expectError(own.load('--release', 'first'), 'E_LOAD_SCHEMA', 1);
      expect(await held()).toEqual([4010, ids(0, 4010)]);
    } finally {
      await db.dropDatabase();
      own.remove();
    }
  });

  it('case 45: goes on after the connection was cut in mid bulk', async () => {
    const proxy = await tcpProxy(new URL(url.replace('mongodb:', 'http:')).host);
    try {
      one.url = `mongodb://${proxy.address}/?directConnection=true`;
      one.release(lines(11_000, (id) => id + 3));
      const { child, ended } = one.place.start(['load'], one.env('mongodb-batch:stop@3'));
      await stopped(child.pid);
      proxy.cut();
      child.kill('SIGCONT');
      expectDone(await ended);
      await expectWhole(client, one);
    } finally {
      one.url = url;
      await proxy.close();
    }
  });

  it('case 45: two upserts of one key at the same moment both end well', async () => {
    const db = client.db(one.database);
    const refused: unknown[] = [];
    const writer = () =>
      new BulkWriter(db, {
        signal: new AbortController().signal,
        note: () => undefined,
        refuse: (_, error) => refused.push(error),
      });
    const writers = Array.from({ length: 4 }, writer);
    for (let round = 0; round < 30; round += 1) {
      const documents = Array.from({ length: 50 }, (_, index) => ({ _id: `${round}-${index}` as never, round }));
      await Promise.all(writers.map((one) => one.upsert('raced', documents)));
    }
    await Promise.all(writers.map((one) => one.drain()));
    expect(refused).toEqual([]);
    expect(await db.collection('raced').countDocuments()).toBe(1500);
    await db.collection('raced').drop();
  });
});

describeService('mongodb', ({ url }) => {
  it('the retail project: its ten gold tables, whole, with their keys', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dataflow-retail-'));
    const database = uniqueName('retail');
    const client = await MongoClient.connect(url);
    try {
      for (const name of ['pipelines.yaml', 'models', 'fixtures/projects/retail/analytics.yaml'])
        cpSync(name, join(folder, basename(name)), { recursive: true });
      const program = builtProgram(folder, { MONGO_URL: url, MONGO_DATABASE: database });
      const call = async (...args: string[]) => {
        const ended = await program.run('--config', 'analytics.yaml', ...args);
        expect(ended.code, ended.stdout + ended.stderr).toBe(0);
        return ended.stdout;
      };
      await call('generate', '--seed', '1', '--bad', '0.02');
      await call('run');
      await call('load');
      const db = client.db(database);
      const meta = await db.collection('_sync_metadata').find({}).toArray();
      expect(meta).toHaveLength(10);
      for (const { collection_name, source_table, row_count, status } of meta) {
        const [lake] = await program.rows(`select count(*) as n from ${source_table}`);
        expect([await db.collection(collection_name).countDocuments(), row_count, status]).toEqual([
          lake?.['n'],
          lake?.['n'],
          'loaded',
        ]);
      }
      const [lake] = await program.rows(
        'select sum(montant)::varchar as ca, count(distinct mois) as n from gold.fact_ventes',
      );
      const [there] = await db
        .collection('fact_ventes')
        .aggregate([{ $group: { _id: null, ca: { $sum: '$montant' }, mois: { $addToSet: '$mois' } } }])
        .toArray();
      expect([Number(there?.['ca']), there?.['mois'].length]).toEqual([Number(lake?.['ca']), lake?.['n']]);
      expect(await db.collection('kpi_ca_par_mois').findOne({ _id: '2024-01' as never })).toMatchObject({
        mois: '2024-01',
      });
      expect(await call('load')).toContain('holds release');
    } finally {
      await client.db(database).dropDatabase();
      await client.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describeService('mongodb_three', ({ url }) => {
  describe('a primary that steps down', () => {
    it('case 45: a primary that steps down in mid bulk is followed by the next one: the same documents', async () => {
      const client = await MongoClient.connect(url);
      const one = new Loaded(url);
      try {
        one.release(lines(10_000));
        for (const [rows, flags] of [
          [one.lines, []],
          [lines(11_000, (id) => id * 2), []],
        ] as const) {
          one.release(rows);
          const { child, ended } = one.place.start(['load', ...flags], one.env('mongodb-batch:stop@3'));
          await stopped(child.pid);
          await client
            .db('admin')
            .command({ replSetStepDown: 10, secondaryCatchUpPeriodSecs: 5 })
            .catch(() => undefined);
          child.kill('SIGCONT');
          expectDone(await ended);
          await expectWhole(client, one);
        }
      } finally {
        await client.db(one.database).dropDatabase();
        await client.close();
        one.remove();
      }
    });
  });
});
