import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectDone, newPlace, type Place } from './support/fault-project.ts';

/** Decisions about rejected rows that are taken back: discards that are reopened, and undone decisions that are taken again. */
const CONFIG = `sources:
  a: { type: files, path: in/*.csv, settle_seconds: 0, columns: { id: bigint, x: bigint } }
silver:
  a: { from: a, rules: [ { not_null: x } ], key: id, dedupe: { keep: last } }
gold:
  g: "select count(*) as n from silver.a"
`;
let place: Place;
beforeEach(() => {
  place = newPlace(CONFIG);
  place.put({ 'in/a.csv': 'id,x\n1,1\n2,\n3,\nword,4\n5,5\n', 'in/bad.csv': 'id,z\n6,6\n' });
  expect(place.dataflow(['run']).status).toBe(4);
});
afterEach(() => place.remove());

const ids = (): readonly unknown[] => place.query('select id from silver.a order by id').map((row) => row['id']);

/** `open silver.a not_null_x 1`. */
function states(): readonly string[] {
  const { stdout } = place.dataflow(['quarantine', '--state', 'all', '--format', 'json']);
  const groups = JSON.parse(stdout) as readonly Readonly<Record<string, unknown>>[];
  return groups.map(({ state, table, rule, rows }) => `${state} ${table} ${rule} ${rows}`);
}

function rebuilt(): readonly string[] {
  expectDone(place.dataflow(['ledger', 'rebuild']));
  return states();
}

describe('a discard', { timeout: 60_000 }, () => {
  it('of rows that broke a rule is taken back: they are sent again, corrected or not', () => {
    expectDone(place.dataflow(['quarantine', 'discard', 'silver.a', '--reason', 'test']));
    expect(states().filter((one) => one.includes('silver'))).toEqual(['discarded silver.a not_null_x 2']);
    const dry = place.dataflow(['quarantine', 'replay', 'silver.a', '--discarded', '--dry-run']);
    expect(dry.status).toBe(4);
    expect(dry.stdout).toContain('0 of 2 rows would be replayed');
    expect(place.dataflow(['quarantine', 'replay', 'silver.a', '--discarded']).status).toBe(4);
    const open = ['open silver.a not_null_x 2'];
    expect(states().filter((one) => one.includes('silver'))).toEqual(open);
    expect(place.query('select count(*) as n from quarantine.silver_a')).toEqual([{ n: 2 }]);
    expect(rebuilt().filter((one) => one.includes('silver'))).toEqual(open);
    const none = place.dataflow(['quarantine', 'replay', 'silver.a', '--discarded']);
    expect(none.stdout).toContain('silver.a has no discarded row: nothing to do');
    expectDone(place.dataflow(['quarantine', 'discard', 'silver.a', '--reason', 'again']));
    expectDone(place.dataflow(['quarantine', 'fix', 'silver.a', '--discarded', '--set', 'x = 9']));
    expect(ids()).toEqual([1, 2, 3, 5]);
    expect(states().filter((one) => one.includes('silver'))).toEqual(['fixed silver.a not_null_x 2']);
    expectDone(place.dataflow(['verify', '--rows']));
  });

  it('of records and files of a source is taken back', () => {
    expectDone(place.dataflow(['quarantine', 'discard', 'bronze.a', '--reason', 'test']));
    expect(place.query('select count(*) as n from quarantine.bronze_a')).toEqual([{ n: 0 }]);
    const set = ['--set', "id = '4'"];
    expectDone(place.dataflow(['quarantine', 'fix', 'bronze.a', '--discarded', '--file', 'in/a.csv', ...set]));
    expect(ids()).toEqual([1, 4, 5]);
    expect(place.dataflow(['quarantine', 'replay', 'bronze.a', '--discarded']).status).toBe(4);
    expect(place.query('select count(*) as n from quarantine.bronze_a')).toEqual([{ n: 1 }]);
    const bronze = states().filter((one) => one.includes('bronze'));
    expect(bronze.filter((one) => one.startsWith('discarded'))).toEqual([]);
    expectDone(place.dataflow(['verify', '--rows']));
  });
});

describe('run --redo', { timeout: 60_000 }, () => {
  it('takes undone decisions again, and says so before', () => {
    expectDone(place.dataflow(['quarantine', 'fix', 'silver.a', '--set', 'x = case when id = 2 then 22 end']));
    expectDone(place.dataflow(['quarantine', 'discard', 'silver.a', '--reason', 'test']));
    expectDone(place.dataflow(['quarantine', 'fix', 'bronze.a', '--file', 'in/a.csv', '--set', "id = '4'"]));
    const before = { ids: ids(), states: states() };
    expect(before.ids).toEqual([1, 2, 4, 5]);
    const { run_id } = (
      JSON.parse(place.dataflow(['status', '--runs', '--format', 'json']).stdout) as { run_id: string }[]
    )[2] ?? { run_id: '' };
    expectDone(place.dataflow(['undo', run_id]));
    expect(ids()).toEqual([1, 5]);
    expect(place.dataflow(['run']).stdout).toContain('nothing to do');
    expect(place.dataflow(['run', '--redo', '--dry-run']).stdout).toMatch(/silver\.a .*its quarantine were decided on/);
    expectDone(place.dataflow(['run', '--redo']));
    expect(ids()).toEqual(before.ids);
    expect(place.query('select count(*) as n from quarantine.silver_a')).toEqual([{ n: 0 }]);
    expect(place.dataflow(['run', '--redo']).stdout).toContain('nothing to do');
    expectDone(place.dataflow(['verify', '--rows']));
    expectDone(place.dataflow(['run', '--full-refresh']));
    expect(ids()).toEqual(before.ids);
  });
});
