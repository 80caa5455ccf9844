import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectDone, newPlace, type Place } from './support/fault-project.ts';

/** A ledger made anew from the lake says what the one before said, also of steps that published no table version. */
const CONFIG = `sources:
  a: { type: files, path: in/*.csv, settle_seconds: 0, columns: { id: bigint, x: bigint } }
silver:
  a: { from: a, rules: [ { not_null: x } ], key: id, dedupe: { keep: last, before_rules: true } }
gold:
  g: "select count(*) as n from silver.a"
`;
let place: Place;
beforeEach(() => {
  place = newPlace(CONFIG);
});
afterEach(() => place.remove());

function expectSame(commands: readonly (readonly string[])[]): void {
  const answers = () => [
    ...commands.map((args) => JSON.parse(place.dataflow([...args, '--format', 'json']).stdout)),
    [...place.status().values()]
      .filter((one) => one.version !== null)
      .map(({ step, version, quarantined }) => ({ step, version, quarantined })),
  ];
  const before = answers();
  expectDone(place.dataflow(['ledger', 'rebuild']));
  expect(answers()).toEqual(before);
  expect(place.dataflow(['run']).stdout).toContain('nothing to do');
}

const COMMANDS = [
  ['quarantine', '--state', 'all'],
  ['ledger', 'inputs'],
  ['plan', '--all'],
];

describe('ledger rebuild', { timeout: 60_000 }, () => {
  it('knows files that were all refused, before and after the table is there', () => {
    place.put({ 'in/bad.csv': 'id,z,y\n1,2\n' });
    expect(place.dataflow(['run']).status).toBe(4);
    expectSame([
      ['quarantine', '--state', 'all'],
      ['ledger', 'inputs'],
      ['plan', '--all'],
    ]);
    place.put({ 'in/good.csv': 'id,x\n1,2\n' });
    expectDone(place.dataflow(['run']));
    place.put({ 'in/worse.csv': 'nothing\n' });
    expect(place.dataflow(['run']).status).toBe(4);
    expectSame(COMMANDS);
  });

  it('knows which run carried a discard out; nothing else is computed for it', () => {
    place.put({ 'in/a.csv': 'id,x\n1,1\n2,\n3,\n' });
    expectDone(place.dataflow(['run']));
    const version = place.status().get('gold.g')?.version;
    const discard = place.dataflow(['quarantine', 'discard', 'silver.a', '--reason', 'test', '--format', 'json']);
    expectDone(discard);
    const steps: readonly { step: string; status: string; balance?: unknown }[] = JSON.parse(discard.stdout).run.steps;
    expect(steps.map(({ step, status }) => [step, status])).toEqual([
      ['silver.a', 'succeeded'],
      ['gold.g', 'up_to_date'],
    ]);
    expect(place.status().get('silver.a')?.version).toBe(0);
    expect(place.status().get('gold.g')?.version).toBe(version);
    place.put({ 'in/b.csv': 'id,x\n4,1\n' });
    expectDone(place.dataflow(['run']));
    expectSame(COMMANDS);
  });
});
