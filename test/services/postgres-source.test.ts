import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'zod/mini';
import { component } from '../../src/connectors/postgres/source.ts';
import type { FormatInspectors } from '../../src/core/ports/format.ts';
import type { Position, PulledSource } from '../../src/core/ports/pulled-source.ts';
import { heldLanding, mulberry, pullContext } from './held-landing.ts';
import { describeService, uniqueName } from './service.ts';

describeService('postgresql', ({ url }) => {
  let client: pg.Client;
  const place = uniqueName('shop');

  beforeAll(async () => {
    client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(`create schema ${place}; set search_path to ${place}`);
  });
  afterAll(async () => {
    await client.query(`drop schema ${place} cascade`);
    await client.end();
  });

  const open = async (
    options: Record<string, unknown>,
    connection: Record<string, unknown> = { url },
  ): Promise<PulledSource> =>
    component.open(parse(component.schema as never, options) as never, {
      inspectors: {} as FormatInspectors,
      connection: { name: 'erp', type: 'postgres', options: { ssl: 'off', connect_timeout_s: 5, ...connection } },
    });

  /** Pulls until it is caught up; a pull that is "killed" goes on from its last sealed unit. */
  async function pullAll(
    source: PulledSource,
    from: Position | undefined,
    records_max = 1_000_000,
    units_max = 1_000_000,
  ) {
    const lines: string[] = [];
    let position = from;
    for (let pull = 0; pull < 10_000; pull += 1) {
      const { landing, units } = heldLanding(units_max);
      const limits = { records_max, bytes_max: 1_000_000_000, wait_ms: 100 };
      const result = await source.pull(landing, pullContext(position, { limits })).catch((error: Error) => {
        if (error.message !== 'killed') throw error;
        return undefined;
      });
      for (const unit of units) for (const line of unit.bytes.toString().split('\n').slice(0, -1)) lines.push(line);
      position =
        JSON.parse(JSON.stringify(result?.position ?? units.at(-1)?.position ?? position ?? null)) ?? undefined;
      if (result?.caught_up === true) return { lines, position };
    }
    throw new Error('never caught up');
  }

  it('takes a table whole, in parallel ranges of one snapshot', async () => {
    await client.query('create table big as select i as id, md5(i::text) as word from generate_series(1, 200000) i');
    const source = await open({ table: `${place}.big`, parallel: 3 });
    const { lines } = await pullAll(source, undefined);
    expect(lines).toHaveLength(200_000);
    expect(new Set(lines).size).toBe(200_000);
  });

  it('takes what is new by cursor, in units that a kill between them does not disturb', async () => {
    await client.query(`create table notes (id int primary key, word text, updated_at timestamptz)`);
    await client.query(
      `insert into notes select i, 'a', '2026-01-01Z'::timestamptz + i * interval '1 minute' from generate_series(1, 100) i`,
    );
    const source = await open({ table: `${place}.notes`, cursor: { column: 'updated_at', overlap: '10m' } });
    const first = await pullAll(source, undefined, 7);
    expect(first.lines.map((line) => line.split(',')[0])).toEqual(Array.from({ length: 100 }, (_, i) => String(i + 1)));
    const again = await pullAll(source, first.position, 7);
    expect(again.lines).toEqual([]);
    expect(again.position).toEqual(first.position);
    await client.query(
      `insert into notes values (101, '', '2026-01-01 01:35Z'), (102, null, '2026-01-02Z'), (103, 'null', null), (104, 'far', 'infinity')`,
    );
    const third = await pullAll(source, first.position, 2);
    expect(third.lines.sort()).toEqual([
      '101,"",2026-01-01 01:35:00+00',
      '102,,2026-01-02 00:00:00+00',
      '103,null,',
      '104,far,infinity',
    ]);
    expect((await pullAll(source, third.position, 2)).lines).toEqual([]);
  });

  it('a look sees rows that come late or change among those that are read again, and no others', async () => {
    for (const from of ['table', 'query'] as const) {
      const name = uniqueName('late');
      await client.query(`create table ${name} (id int primary key, word text, at timestamptz)`);
      await client.query(
        `insert into ${name} select i, 'a', '2026-01-01Z'::timestamptz + i * interval '1 minute' from generate_series(1, 60) i`,
      );
      const what =
        from === 'table' ? { table: `${place}.${name}` } : { query: `select * from ${place}.${name}`, key: 'id' };
      const source = await open({ ...what, cursor: { column: 'at', overlap: '10m' } });
      let { position } = await pullAll(source, undefined);
      const look = async () => (await source.look(pullContext(position))).words;
      expect(await look()).toBe('nothing after 2026-01-01 01:00:00+00');
      await client.query(`insert into ${name} values (100, 'too late', '2026-01-01 00:10Z')`);
      expect(await source.look(pullContext(position))).toMatchObject({ pending: 'none', records: 0 });
      await client.query(
        `insert into ${name} values (101, 'late', '2026-01-01 00:55Z'), (102, 'none', null), (103, 'far', 'infinity')`,
      );
      await client.query(`update ${name} set word = 'b' where id = 58`);
      expect(await look()).toBe('4 rows new or changed up to 2026-01-01 01:00:00+00');
      await client.query(`insert into ${name} values (104, 'new', '2026-01-01 01:30Z')`);
      expect(await look()).toBe('1 row after 2026-01-01 01:00:00+00, 4 new or changed up to it');
      // Taken while it is in the future, or a moment later: it waits no longer either way.
      await client.query(`insert into ${name} values (105, 'soon', now() + interval '300 milliseconds')`);
      expect(await source.look(pullContext(position))).toMatchObject({ pending: 'some', records: 6 });
      ({ position } = await pullAll(source, position));
      await client.query('select pg_sleep(0.4)');
      expect(await source.look(pullContext(position)), from).toMatchObject({ pending: 'none', records: 0 });
    }
  });

  it('a look tells late rows by their transactions where too many lie in the overlap', async () => {
    await client.query(`create table load (id int primary key, at timestamptz)`);
    await client.query(`insert into load select i, '2026-01-01Z' from generate_series(1, 60000) i`);
    const source = await open({ table: `${place}.load`, cursor: { column: 'at' } });
    const { position } = await pullAll(source, undefined);
    expect(await source.look(pullContext(position))).toMatchObject({ pending: 'none' });
    await client.query(`insert into load values (0, '2026-01-01Z')`);
    expect(await source.look(pullContext(position))).toMatchObject({ pending: 'some', records: 1 });
  });

  it('misses no late commit and takes no row twice, whatever commits when and wherever it is stopped', {
    timeout: 240_000,
  }, async () => {
    for (const [from, seed] of [
      ['table', 1],
      ['query', 2],
      ['bulk', 3],
    ] as const) {
      const name = uniqueName('events');
      await client.query(
        `create table ${name} (id int primary key, version int not null, updated_at timestamptz default clock_timestamp())`,
      );
      const bulk = from === 'bulk' ? 60_000 : 50;
      await client.query(`insert into ${name} select i, 0, now() from generate_series(1, ${bulk}) i`);
      const what =
        from === 'query' ? { query: `select * from ${place}.${name}`, key: 'id' } : { table: `${place}.${name}` };
      const source = await open({ ...what, cursor: { column: 'updated_at', overlap: '1m' } });
      const random = mulberry(seed);
      const writers = await Promise.all(Array.from({ length: 4 }, () => connect(url)));
      const busy = new Set<number>();
      let id = bulk;
      let position: Position | undefined;
      const taken: string[] = [];
      for (let step = 0; step < 60; step += 1) {
        const which = Math.floor(random() * writers.length);
        const writer = writers[which];
        if (!busy.has(which)) {
          busy.add(which);
          id += 1;
          await writer?.query(`begin; insert into ${place}.${name} values (${id}, 0, clock_timestamp())`);
          // A part of a transaction has a number of its own.
          if (random() < 0.5)
            await writer?.query(
              `savepoint a; update ${place}.${name} set version = version + 1, updated_at = clock_timestamp() where id = ${id}; release savepoint a`,
            );
          if (random() < 0.3)
            await writer?.query(
              `update ${place}.${name} set version = version + 1, updated_at = clock_timestamp() where id = ${1 + (step % 10) * 4 + which}`,
            );
        } else {
          busy.delete(which);
          await writer?.query(random() < 0.8 ? 'commit' : 'rollback');
        }
        if (random() < 0.5) continue;
        const records_max = from === 'bulk' && position === undefined ? 100_000 : 1 + Math.floor(random() * 8);
        const { landing, units } = heldLanding(random() < 0.3 ? 1 : 1000);
        const limits = { records_max, bytes_max: 1_000_000_000, wait_ms: 1 };
        const result = await source.pull(landing, pullContext(position, { limits })).catch(() => undefined);
        for (const unit of units) for (const line of unit.bytes.toString().split('\n').slice(0, -1)) taken.push(line);
        position = result?.position ?? units.at(-1)?.position ?? position;
      }
      for (const writer of writers) await writer.query('commit').catch(() => undefined);
      await Promise.all(writers.map((writer) => writer.end()));
      const rest = await pullAll(source, position, 5);
      for (const line of rest.lines) taken.push(line);
      const there = await client.query({
        text: `select id, version, updated_at::text from ${name}`,
        rowMode: 'array',
        types: { getTypeParser: () => (v: unknown) => v } as never,
      });
      const lines = there.rows.map((row) => String((row as string[])[0]));
      const latest = new Map(taken.map((line) => [line.split(',')[0], line]));
      expect(new Set(taken).size, `${from}: a row came twice`).toBe(taken.length);
      expect([...latest.keys()].sort(), `${from}: rows`).toEqual(lines.sort());
      for (const [row, version] of there.rows as [string, string][])
        expect(latest.get(row)?.split(',')[1], `${from}: ${row}`).toBe(version);
    }
  });
});

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}
