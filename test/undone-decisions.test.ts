import { afterEach, describe, expect, it } from 'vitest';
import { shareWork } from './support/asker.ts';
import { expectDone, newPlace, type Place } from './support/fault-project.ts';

shareWork();

/** Decisions about rejected rows that an undo takes back: the rows are open again, also for a ledger that is made anew from the lake. */
const CONFIG = `sources:
  a: { type: files, path: in/a*.csv, settle_seconds: 0, columns: { id: bigint, prix: varchar } }
silver:
  a:
    from: a
    select: { prix: "try_cast(prix as decimal(12,2))" }
    rules: [ { not_null: prix, name: valide }, { between: { column: prix, above: 0 }, name: positif } ]
    key: id
`;
let place: Place;
afterEach(() => place.remove());

interface Group {
  readonly state: string;
  readonly rule: string;
  readonly rows: number;
}

function groups(): readonly string[] {
  const { stdout } = place.dataflow(['quarantine', '--state', 'all', '--format', 'json']);
  return (JSON.parse(stdout) as readonly Group[]).map(({ state, rule, rows }) => `${state} ${rule} ${rows}`).sort();
}

/** The same words from the ledger as it is, and from one that is made anew; both agree with the lake. */
function expectGroups(expected: readonly string[]): void {
  expect(groups()).toEqual(expected);
  expectDone(place.dataflow(['verify', '--rows']));
  expectDone(place.dataflow(['ledger', 'rebuild']));
  expect(groups()).toEqual(expected);
  expectDone(place.dataflow(['verify', '--rows']));
}

describe('decisions that are undone', () => {
  it('a discard, and the undo of that undo, and the next discard', () => {
    place = newPlace(CONFIG);
    place.put({ 'in/a.csv': 'id,prix\n1,1.00\n2,x\n3,-1\n4,-2\n' });
    expectDone(place.dataflow(['run']));
    const discard = ['quarantine', 'discard', 'silver.a', '--reason', 'essai', '--rule'];
    expectDone(place.dataflow([...discard, 'positif']));
    expectGroups(['discarded positif 2', 'open valide 1']);
    expectDone(place.dataflow(['undo']));
    expectGroups(['open positif 2', 'open valide 1', 'undone positif 2']);
    expectDone(place.dataflow(['undo']));
    expectGroups(['discarded positif 2', 'open valide 1']);
    expectDone(place.dataflow([...discard, 'valide']));
    expectGroups(['discarded positif 2', 'discarded valide 1']);
    expectDone(place.dataflow(['run', '--full-refresh']));
    expectGroups(['discarded positif 2', 'discarded valide 1']);
    expect(place.query('select count(*) as n from silver.a')).toEqual([{ n: 1 }]);
  }, 120_000);

  it('a fix', () => {
    place = newPlace(CONFIG);
    place.put({ 'in/a.csv': 'id,prix\n1,1.00\n2,x\n3,-1\n4,-2\n' });
    expectDone(place.dataflow(['run']));
    expectDone(
      place.dataflow(['quarantine', 'fix', 'silver.a', '--rule', 'positif', '--set', "prix = replace(prix, '-', '')"]),
    );
    expectGroups(['fixed positif 2', 'open valide 1']);
    expectDone(place.dataflow(['undo']));
    expectGroups(['open positif 2', 'open valide 1', 'undone positif 2']);
    expect(place.query('select count(*) as n from silver.a')).toEqual([{ n: 1 }]);
    expectDone(place.dataflow(['run', '--redo']));
    expect(place.query('select count(*) as n from silver.a')).toEqual([{ n: 3 }]);
    expectDone(place.dataflow(['verify', '--rows']));
  }, 120_000);

  it('a replay of what had been discarded', () => {
    place = newPlace(CONFIG);
    place.put({ 'in/a.csv': 'id,prix\n1,1.00\n2,x\n3,-1\n4,-2\n' });
    expectDone(place.dataflow(['run']));
    expectDone(place.dataflow(['quarantine', 'discard', 'silver.a', '--reason', 'essai', '--rule', 'positif']));
    // They break the same rule again, which the exit status says.
    expect(place.dataflow(['quarantine', 'replay', 'silver.a', '--rule', 'positif', '--discarded']).status).toBe(4);
    expectGroups(['open positif 2', 'open valide 1']);
    expectDone(place.dataflow(['undo']));
    expectGroups(['discarded positif 2', 'open valide 1', 'undone positif 2']);
    expectDone(place.dataflow(['undo']));
    expectGroups(['open positif 2', 'open valide 1']);
    expect(place.dataflow(['run']).stdout).toMatch(/nothing to do/i);
  }, 120_000);

  it('a fix of records whose file then comes anew: nothing is left to do', () => {
    place = newPlace(CONFIG.replace('prix: varchar', 'prix: bigint').replace('decimal(12,2)', 'bigint'));
    place.put({ 'in/a.csv': 'id,prix\n1,1\n2,x\n' });
    expectDone(place.dataflow(['run']));
    expectDone(place.dataflow(['quarantine', 'fix', 'bronze.a', '--set', "prix = replace(prix, 'x', '2')"]));
    expectDone(place.dataflow(['undo']));
    place.put({ 'in/a.csv': 'id,prix\n1,1\n2,y\n3,3\n' });
    expectDone(place.dataflow(['run']));
    expect(place.dataflow(['run']).stdout).toMatch(/nothing to do/i);
    expect(place.dataflow(['plan']).stdout).toMatch(/nothing to do|0 to run/i);
    expectDone(place.dataflow(['ledger', 'rebuild']));
    expect(place.dataflow(['run']).stdout).toMatch(/nothing to do/i);
  }, 120_000);
});
