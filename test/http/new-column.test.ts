import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { json, type ScriptedHttp, scriptedHttp } from '../services/faults/http-server.ts';
import { newPlace, type Outcome, type Place } from '../support/fault-project.ts';

/** A source that is asked gains a column in the middle of one batch: units before it and after it have none, and are parsed early. */
let server: ScriptedHttp;
let place: Place;
beforeEach(async () => {
  server = await scriptedHttp();
});
afterEach(async () => {
  place.remove();
  await server.close();
});

/** A unit has a hundred pages, and a page one record: the second of three units has the column, in its second half. */
const RECORDS = 250;
const WITH = (id: number): boolean => id >= 150 && id < 180;
const EXTRA = 30;

const run = (...args: readonly string[]): Promise<Outcome> => place.start(args).ended;
const rows = (columns: string): readonly unknown[] => place.query(`select ${columns} from bronze.api`);

/** Loads records without the column first, if `before`; then all of them, some of which have it. */
async function loaded(schema_change: string, before: boolean): Promise<Outcome> {
  place = newPlace(`sources:
  api: { type: http, url: "${server.url}/a", schema_change: ${schema_change}, pages: { style: page, size: 1, empty_max: 1 } }
`);
  let extra = !before;
  let last = before ? 120 : RECORDS;
  server.script('GET /a', [
    ({ query }) => {
      const id = Number(query.get('page')) - 1;
      return json(id >= last ? [] : [{ id, v: `v${id}`, ...(extra && WITH(id) ? { extra: id * 1000 } : {}) }]);
    },
  ]);
  if (before) {
    const first = await run('run');
    expect(first.status, first.stderr).toBe(0);
    extra = true;
    last = RECORDS;
  }
  return run('run');
}

describe('a column that is new in the middle of a batch', { timeout: 60_000 }, () => {
  it.each([true, false])(
    'evolve: the table gets it, all other rows read NULL (a table was there: %s)',
    async (before) => {
      const done = await loaded('evolve', before);
      expect(done.status, done.stderr).toBe(0);
      expect(
        rows('count(*)::int as n, count(extra)::int as extra, min(extra)::int as low, max(extra)::int as high'),
      ).toEqual([{ n: RECORDS, extra: EXTRA, low: 150_000, high: 179_000 }]);
      expect(rows('count(distinct id)::int as n')).toEqual([{ n: RECORDS }]);
      expect((await run('verify')).status).toBe(0);
      expect((await run('run')).stdout).toMatch(/nothing to do|0 published/);
    },
  );

  it('discard_value: it is left out of every unit, and counted', async () => {
    const done = await loaded('discard_value', true);
    expect(done.status, done.stderr).toBe(0);
    expect(rows('count(*)::int as n')).toEqual([{ n: RECORDS }]);
    expect(
      place.query('select column_name from (describe bronze.api)').map(({ column_name }) => column_name),
    ).not.toContain('extra');
    expect((await run('status', '--drift')).stdout).toMatch(new RegExp(`extra\\s+\\S+\\s+\\d+\\s+${EXTRA}`));
  });

  it('discard_row: only the rows that have it are put aside', async () => {
    const done = await loaded('discard_row', true);
    expect(done.status, done.stderr).toBe(0);
    expect(rows('count(*)::int as n')).toEqual([{ n: RECORDS - EXTRA }]);
    expect(place.query('select count(*)::int as n from quarantine.bronze_api')).toEqual([{ n: EXTRA }]);
  });

  it('freeze: what is read whole is refused whole, and the published rows stay', async () => {
    const done = await loaded('freeze', true);
    expect(done.status).toBe(1);
    expect(done.stderr).toContain('E_SCHEMA_CHANGED');
    expect(rows('count(*)::int as n')).toEqual([{ n: 120 }]);
  });
});
