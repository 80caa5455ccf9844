import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'zod/mini';
import { component } from '../../src/connectors/postgres/source.ts';
import type { FormatInspectors } from '../../src/core/ports/format.ts';
import type { Position, PulledSource } from '../../src/core/ports/pulled-source.ts';
import { pullToEnd } from './held-landing.ts';
import { describeService, uniqueName } from './service.ts';

describeService('postgresql', ({ url }) => {
  let client: pg.Client;
  const place = uniqueName('edges');

  beforeAll(async () => {
    client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(`create schema ${place}; set search_path to ${place}`);
  });
  afterAll(async () => {
    await client.query(`drop schema ${place} cascade`);
    await client.end();
  });

  const open = (options: Record<string, unknown>): PulledSource =>
    component.open(parse(component.schema as never, options) as never, {
      inspectors: {} as FormatInspectors,
      connection: { name: 'erp', type: 'postgres', options: { ssl: 'off', connect_timeout_s: 5, url } },
    }) as PulledSource;

  /** Pulls until it is caught up: the first fields of the rows, the position, what was noted. */
  async function pullAll(source: PulledSource, from: Position | undefined, records_max = 1_000_000) {
    const notes: string[] = [];
    const note = (words: string): void => void notes.push(words);
    const { lines, position } = await pullToEnd(source, from, { records_max, note });
    return { ids: lines.map((line) => line.split(',')[0] ?? ''), position, notes };
  }

  const numbers = (from: number, to: number): string[] =>
    Array.from({ length: to - from + 1 }, (_, n) => String(from + n));

  it('goes on behind a key of characters or bits of fixed length', async () => {
    for (const [type, value] of [
      ['char(10)', `'K' || lpad(i::text, 7, '0')`],
      ['bit(8)', 'i::bit(8)'],
      ['varchar(10)', `'K' || lpad(i::text, 7, '0')`],
      ['varbit(9)', 'i::bit(8)'],
    ] as const) {
      const name = uniqueName('fixed');
      await client.query(`create table ${name} (n int, id ${type} primary key, at timestamptz)`);
      await client.query(`insert into ${name} select i, ${value}, '2026-01-01Z' from generate_series(1, 45) i`);
      const { ids } = await pullAll(open({ table: `${place}.${name}`, cursor: { column: 'at' } }), undefined, 10);
      expect(ids, type).toEqual(numbers(1, 45));
    }
  });

  it('follows a cursor of characters of fixed length', async () => {
    await client.query(`create table fixed_days (n int primary key, day char(8))`);
    await client.query(`insert into fixed_days select i, (20260100 + i)::text from generate_series(1, 30) i`);
    const { ids, position } = await pullAll(
      open({ table: `${place}.fixed_days`, cursor: { column: 'day' } }),
      undefined,
      10,
    );
    expect(ids).toEqual(numbers(1, 30));
    expect(position).toMatchObject({ upto: '20260130', strays: false });
  });

  it('takes rows that come later with the same value of the cursor, and none of them twice', async () => {
    for (const [type, cursor, value] of [
      ['text', { column: 'day' }, `'2026-11-21'`],
      ['date', { column: 'day', overlap: 0 }, `'2026-11-21'`],
      ['int', { column: 'day', overlap: 0 }, '21'],
    ] as const)
      for (const from of ['table', 'query'] as const) {
        const name = uniqueName('days');
        const add = (low: number, high: number) =>
          client.query(`insert into ${name} select i, ${value} from generate_series(${low}, ${high}) i`);
        await client.query(`create table ${name} (n int primary key, day ${type})`);
        await add(11, 20);
        const what =
          from === 'table' ? { table: `${place}.${name}` } : { query: `select * from ${place}.${name}`, key: 'n' };
        const source = open({ ...what, cursor });
        const first = await pullAll(source, undefined, 3);
        expect(first.ids).toEqual(numbers(11, 20));
        await add(21, 25);
        await add(5, 7);
        const second = await pullAll(source, first.position, 3);
        expect(second.ids, `${type} ${from}`).toEqual([...numbers(5, 7), ...numbers(21, 25)]);
        const third = await pullAll(source, second.position);
        expect(third.ids, `${type} ${from}`).toEqual([]);
        // A position of before knows nothing of the rows at its edge.
        const earlier = await pullAll(source, { ...third.position, low: null, taken: '' });
        expect(earlier.ids).toEqual([]);
        expect((await pullAll(source, earlier.position)).ids).toEqual([]);
      }
  });

  it('goes on behind the highest value where too many rows have it, and says so', async () => {
    await client.query(`create table crowd (n int primary key, day text)`);
    await client.query(`insert into crowd select i, '2026-11-21' from generate_series(1, 50001) i`);
    const query = open({ query: `select * from ${place}.crowd`, key: 'n', cursor: { column: 'day' } });
    const first = await pullAll(query, undefined);
    expect(first.ids).toHaveLength(50_001);
    expect(first.notes.join()).toContain('any that come later with the same value are not seen');
    const table = open({ table: `${place}.crowd`, cursor: { column: 'day' } });
    const known = await pullAll(table, undefined);
    expect(known.notes).toEqual([]);
    await client.query(`insert into crowd values (0, '2026-11-21'), (60000, '2026-11-22')`);
    const second = await pullAll(query, first.position);
    expect(second.ids).toEqual(['60000']);
    expect((await pullAll(query, second.position)).ids).toEqual([]);
    expect((await pullAll(table, known.position)).ids).toEqual(['0', '60000']);
  });

  it('goes on behind a key that is null in part', async () => {
    await client.query(`create table parts (n int, a int, b int, at timestamptz)`);
    await client.query(
      `insert into parts select i, case when i % 3 = 0 then null else i % 3 end, case when i % 5 = 0 then null else i end, case when i <= 30 then '2026-01-01Z'::timestamptz when i <= 60 then '2026-06-01Z' end from generate_series(1, 90) i`,
    );
    const source = open({ table: `${place}.parts`, key: ['a', 'b'], cursor: { column: 'at' } });
    const { ids, position } = await pullAll(source, undefined, 2);
    expect(ids.map(Number).sort((one, other) => one - other)).toEqual(numbers(1, 90).map(Number));
    expect((await pullAll(source, position, 2)).ids).toEqual([]);
  });
});
