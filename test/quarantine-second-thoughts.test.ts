import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { expectDone, newPlace, type Place } from './support/fault-project.ts';

/** Decisions that are overtaken: by another decision, or by a file that comes with other content. */
const CONFIG = `sources:
  t: { type: files, path: "in/*.csv", settle_seconds: 0, on_missing: delete, columns: { id: bigint, v: varchar } }
silver:
  s: { from: t, key: id, rules: [ { not_null: v } ] }
gold:
  g: select count(*) as n from silver.s
`;
const places: Place[] = [];
afterEach(() => {
  for (const place of places.splice(0)) place.remove();
});

function project(content: string, config = CONFIG): Place {
  const place = newPlace(config);
  places.push(place);
  place.put({ 'in/a.csv': content });
  expectDone(place.dataflow(['run']));
  return place;
}

const groups = (place: Place): readonly string[] =>
  place
    .dataflow(['quarantine', '--state', 'all', '--format', 'ndjson'])
    .stdout.trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .map(({ state, table, rows }) => `${state} ${table} ${rows}`);
const lines = (place: Place): readonly unknown[] =>
  place.query('select line from quarantine.silver_s order by line').map(({ line }) => line);

describe('second thoughts about rejected rows', { timeout: 60_000 }, () => {
  it('a correction that was overtaken by a discard before it was carried out corrected nothing', () => {
    const place = project('id,v\n1,a\n2,\n3,\n');
    place.dataflow(['quarantine', 'fix', 'silver.s', '--set', "id = '5'"], { DATAFLOW_FAULT: 'after-decision:kill' });
    expect(groups(place)).toContain('pending silver.s 2');
    expectDone(place.dataflow(['quarantine', 'discard', 'silver.s', '--reason', 'none']));
    expect(groups(place)).toEqual(['discarded silver.s 2']);
    expectDone(place.dataflow(['ledger', 'rebuild']));
    expect(groups(place)).toEqual(['discarded silver.s 2']);
  });

  it('rows that are all rejected again leave the tables as they are; each step is told once', () => {
    const place = project('id,v\nx,a\n1,b\n2,\n3,\n');
    const versions = (): unknown => [...place.status()].map(([step, { version }]) => [step, version]);
    const before = versions();
    expect(place.dataflow(['quarantine', 'replay', 'silver.s']).stdout).toContain('0 of 2 rows replayed');
    expect(versions()).toEqual(before);
    expect(groups(place)).toEqual(['open bronze.t 1', 'open silver.s 2']);
    expectDone(place.dataflow(['ledger', 'rebuild']));
    expect(groups(place)).toEqual(['open bronze.t 1', 'open silver.s 2']);
    expect(place.dataflow(['run']).stdout).toContain('nothing to do');
    expectDone(place.dataflow(['quarantine', 'discard', 'bronze.t', '--reason', 'none']));
    const told = place.dataflow(['why', 'last']).stdout;
    expect(told.match(/bronze\.t: /g)).toHaveLength(1);
    const set = ['--set', "id = '7'", '--set', "v = case id when '2' then 'c' end"];
    expect(place.dataflow(['quarantine', 'fix', 'silver.s', ...set]).status).toBe(4);
    expect(place.query('select n from gold.g')).toEqual([{ n: 2 }]);
  });

  it('a bad row may hold the key of a good one: the table stays as it is only where its rows do', () => {
    const config = CONFIG.replace('key: id,', 'key: id, dedupe: { keep: first, before_rules: true },');
    const place = project('id,v\n1,b\n2,\n2,c\n3,\n', config);
    const version = (step: string) => place.status().get(step)?.version;
    expect(place.dataflow(['quarantine', 'replay', 'silver.s']).stdout).toContain('0 of 2 rows replayed');
    expect([version('silver.s'), version('gold.g')]).toEqual([0, 0]);
    expect(groups(place)).toEqual(['open silver.s 2']);
    // Both are rejected again, but the first no longer holds key 2: the good row behind it is let in.
    expect(
      place.dataflow(['quarantine', 'fix', 'silver.s', '--set', "id = case id when '2' then '4' else '5' end"]).stdout,
    ).toContain('0 of 2 rows fixed');
    expect(place.query('select id, v from silver.s order by id')).toEqual([
      { id: 1, v: 'b' },
      { id: 2, v: 'c' },
    ]);
    expect([version('silver.s'), version('gold.g')]).toEqual([1, 1]);
    expect(place.query('select n from gold.g')).toEqual([{ n: 2 }]);
    expectDone(place.dataflow(['verify', '--rows']));
  });

  it('a correction that a run did not carry out is carried out before its file goes, as if nothing had stopped the run', () => {
    const args = ['quarantine', 'fix', 'bronze.t', '--set', "id = 'y'"];
    const [whole, killed] = [project('id,v\nx,a\n1,b\n'), project('id,v\nx,a\n1,b\n')];
    for (const place of [whole, killed]) place.put({ 'in/b.csv': 'id,v\n2,c\n' });
    expect(whole.dataflow(args).stdout).toContain('0 of 1 row fixed');
    expect(killed.dataflow(args, { DATAFLOW_FAULT: 'after-decision:kill' }).signal).toBe('SIGKILL');
    for (const place of [whole, killed]) {
      rmSync(join(place.folder, 'in/a.csv'));
      expectDone(place.dataflow(['run']));
    }
    // Nothing was corrected, and nothing is left that could be.
    for (const place of [whole, killed]) {
      expect(groups(place)).toEqual([]);
      expect(place.query('select id from silver.s')).toEqual([{ id: 2 }]);
      expectDone(place.dataflow(['ledger', 'rebuild']));
      expect(groups(place)).toEqual([]);
    }
  });

  it('rejected rows keep their lines when a discarded record is gone from its file, or was taken back', () => {
    const place = project('id,v\nx,a\n1,b\n2,\n');
    expectDone(place.dataflow(['quarantine', 'discard', 'bronze.t', '--reason', 'none']));
    expect(lines(place)).toEqual([4]);
    place.put({ 'in/a.csv': 'id,v\n1,b\n2,\n3,c\n4,\n' });
    expectDone(place.dataflow(['run']));
    expect(lines(place)).toEqual([3, 5]);
    const gone = place.dataflow(['quarantine', 'fix', 'bronze.t', '--discarded', '--set', "id = '9'"]);
    expect(gone.stdout).toContain('bronze.t has no discarded row: nothing to do');
    expect(place.query('select count(*) as n from bronze.t')).toEqual([{ n: 4 }]);
    place.put({ 'in/a.csv': 'id,v\nx,a\n1,b\n2,\n' });
    expectDone(place.dataflow(['run']));
    expect(lines(place)).toEqual([4]);
    expectDone(place.dataflow(['quarantine', 'fix', 'bronze.t', '--discarded', '--set', "id = '9'"]));
    expectDone(place.dataflow(['run', '--full-refresh']));
    expect(lines(place)).toEqual([4]);
    expect(place.query('select id from bronze.t')).toEqual([{ id: 9 }, { id: 1 }, { id: 2 }]);
  });
});
