import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventsOf } from './support/event-lines.ts';
import { newPlace, type Place } from './support/fault-project.ts';

/** What `load --format ndjson` tells, against the published schema, with databases that are files. */
const CONFIG = `sources: { a: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, w: varchar } } }
silver: { s: { from: a, key: id } }
gold:
  g: { sql: "select w, count(*) as n from silver.s group by w", key: w }
  h: { sql: "select count(*) as n from silver.s where w = 'x'", key: n }
connections: { one: { type: sqlite, path: one.sqlite }, two: { type: sqlite, path: "no/such/folder/two.sqlite" } }
loads:
  good: { connection: one, tables: [gold.*], mode: upsert }
  lost: { connection: two, tables: [gold.g], mode: replace }
`;

describe('loads as events', () => {
  let place: Place;
  const load = async (...args: readonly string[]) => {
    const { status, stdout, stderr } = await place.start(['load', ...args, '--format', 'ndjson']).ended;
    return { status, stderr, events: eventsOf(stdout, 'load-events.schema.json') };
  };
  beforeAll(async () => {
    place = newPlace(CONFIG);
    place.put({ 'in/a.csv': 'id,w\n1,x\n2,y\n3,z\n' });
    expect((await place.start(['run']).ended).status).toBe(0);
  });
  afterAll(() => place.remove());

  it('tell what would be done, what was done, and that there was nothing to do', async () => {
    const dry = await load('good', '--dry-run');
    expect(dry.events.map(({ event, status = '' }) => `${event} ${status}`)).toEqual([
      'load_started ',
      'table_finished ',
      'table_finished ',
      'load_finished planned',
      'loads_finished succeeded',
    ]);
    const { status, stderr, events } = await load('good');
    expect([status, stderr]).toEqual([0, '']);
    expect(events.map(({ event }) => event).filter((event) => event !== 'load_progress')).toEqual([
      'load_started',
      'table_finished',
      'table_finished',
      'load_finished',
      'loads_finished',
    ]);
    expect(events.find(({ event }) => event === 'load_progress')).toMatchObject({ load: 'good', table: 'gold.g' });
    const tables = events.filter(({ event }) => event === 'table_finished');
    expect(tables).toMatchObject([
      { load: 'good', table: 'gold.g', action: 'whole', inserts: 3, rows: 3, refused: 0 },
      { load: 'good', table: 'gold.h', action: 'whole', inserts: 1, rows: 1 },
    ]);
    const end = events.at(-2);
    expect(end).toMatchObject({ load: 'good', status: 'loaded', inserts: 4, attempts: 1, error: null });
    expect(tables.map(({ run_id }) => run_id)).toEqual([end?.['run_id'], end?.['run_id']]);
    expect([typeof end?.['run_id'], dry.events.at(-2)?.['run_id']]).toEqual(['string', null]);
    expect(events.at(-1)).toMatchObject({ status: 'succeeded', exit_code: 0, loaded: 1, failed: 0, error: null });
    expect((await load('good')).events.at(-1)).toMatchObject({ status: 'nothing_to_do', exit_code: 0, up_to_date: 1 });
  });

  it('tell of one that failed beside others, and end with the same event when nothing could begin', async () => {
    const { status, stderr, events } = await load();
    expect(status).toBe(4);
    expect(events.filter(({ event }) => event === 'load_finished')).toMatchObject([
      { load: 'good', status: 'up_to_date' },
      { load: 'lost', status: 'failed', error: { code: expect.stringMatching(/^E_/), next: expect.any(String) } },
    ]);
    expect(events.at(-1)).toMatchObject({ status: 'partial', exit_code: 4, up_to_date: 1, failed: 1 });
    expect(stderr).toContain('lost: ');
    const nowhere = await load('nowhere');
    expect(nowhere.events).toMatchObject([
      { event: 'loads_finished', status: 'failed', exit_code: nowhere.status, error: { code: 'E_SELECTION' } },
    ]);
  });
});
