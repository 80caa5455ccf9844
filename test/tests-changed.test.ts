import { afterAll, expect, it } from 'vitest';
import { expectDone, expectError, filesBelow, newPlace, type Place } from './support/fault-project.ts';

/** Other `tests:` of a published table: what is published is audited again, and nothing is computed. */
const HEAD = 'version: 1\nname: fault\nlake: { url: ./lake }\n';
const config = (tests: string, silver = ''): string => `sources:
  t: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, v: varchar } }
silver:
  t: { from: t, key: id${silver} }
gold:
  n: { sql: "select count(*) as n from silver.t"${tests} }
  m: { sql: "select n * 2 as m from gold.n" }
`;
const place: Place = newPlace(config(', tests: [{ expr: "n < 9", name: few }]'));
afterAll(() => place.remove());

const set = (tests: string, silver?: string): void => place.put({ 'pipelines.yaml': HEAD + config(tests, silver) });
const planned = (): Record<string, { action: string; reason: string }> => {
  const steps = JSON.parse(place.dataflow(['plan', '--format', 'json']).stdout) as {
    step: string;
    action: string;
    reason: string;
  }[];
  return Object.fromEntries(steps.map(({ step, action, reason }) => [step, { action, reason }]));
};
const versions = (): number => filesBelow(`${place.folder}/lake/gold/n/_delta_log`, '.json').length;

it('are told by plan, held against the published version, fail the run and leave it published, and pass once they are met', {
  timeout: 90_000,
}, () => {
  place.put({ 'in/a.csv': 'id,v\n1,a\n2,b\n' });
  expectDone(place.dataflow(['run']));
  set(', tests: [{ expr: "n < 9", name: few }, { expr: "n > 5", name: many }]');
  const plan = planned();
  expect(plan['gold.n']).toEqual({ action: 'run', reason: 'its tests changed (many added)' });
  expect(plan['gold.m']?.action).toBe('skip');
  for (const _ of [1, 2]) {
    const failed = place.dataflow(['run']);
    expectError(failed, 'E_TESTS_FAILED', 3);
    expect(failed.stderr).toMatch(/gold\.n: 1 of 2 tests failed \(many: /);
    expect(failed.stderr).toContain('the published version 0 of gold.n stays as it is, although it does not pass');
  }
  expect(place.query('select n from gold.n')).toEqual([{ n: 2 }]);
  expect(place.dataflow(['why', 'gold.n']).stdout).toContain('its tests changed (many added)');
  set(', tests: [{ expr: "n < 9", name: few }, { expr: "n > 1", name: many }]');
  expectDone(place.dataflow(['run']));
  expect(place.status().get('gold.n')).toMatchObject({
    status: 'succeeded',
    version: 0,
    reason: 'its tests changed (many added); the published version 0 was audited again and passes',
  });
  expect(place.dataflow(['why', 'gold.n']).stdout).toContain('its tests changed (many added)');
  expect(versions()).toBe(1);
  expect(place.dataflow(['run']).stdout).toMatch(/nothing to do/);
});

it('beside new rows they are held against the candidate; a ledger made anew audits once more', () => {
  set(', tests: [{ expr: "n < 3", name: few }]');
  place.put({ 'in/b.csv': 'id,v\n3,c\n' });
  const failed = place.dataflow(['run']);
  expect(failed.status, failed.stderr).toBe(3);
  expect(failed.stderr).toContain('the candidate is kept');
  expect(place.query('select n from gold.n')).toEqual([{ n: 2 }]);
  set(', tests: [{ expr: "n < 4", name: few }]');
  expectDone(place.dataflow(['run']));
  set('');
  expectDone(place.dataflow(['run']));
  expectDone(place.dataflow(['ledger', 'rebuild']));
  expectDone(place.dataflow(['run']));
  expect(place.dataflow(['run']).stdout).toMatch(/nothing to do/);
  expect(versions()).toBe(2);
});

it('of a silver table are held against it also when what is new does not touch it', () => {
  const where = ', where: "id < 100"';
  set('', where);
  expectDone(place.dataflow(['run']));
  set('', `${where}, tests: [{ not_null: v }]`);
  place.put({ 'in/c.csv': 'id,v\n200,\n' });
  expectDone(place.dataflow(['run']));
  const { reason } = place.status().get('silver.t') ?? { reason: '' };
  expect(reason).toMatch(/^its tests changed \(.+ added\)/);
  expect(place.dataflow(['run']).stdout).toMatch(/nothing to do/);
});
