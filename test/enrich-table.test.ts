import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { shareWork } from './support/asker.ts';
import { newPlace, type Place } from './support/fault-project.ts';

shareWork();

/** `enrich:` with another table of the lake, through the built program. */
let place: Place;
afterEach(() => place.remove());

const project = (enrich: string, rest = '', pays_rest = 'key: code'): Place => {
  place = newPlace(
    `sources:
  f: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, pays: varchar } }
  p: { type: files, path: "pays/*.csv", settle_seconds: 0, columns: { code: varchar, region: varchar, n: bigint } }
silver:
  pays: { from: p${pays_rest === '' ? '' : `, ${pays_rest}`} }
  f:
    from: f
    enrich:
      - { lookup: table, table: silver.pays, on: { pays: code }, ${enrich} }
    ${rest}
gold:
  g: select region, count(*) as n from silver.f group by all
`,
  );
  return place;
};
const rows = (from: number, pays: readonly string[]): string =>
  `id,pays\n${pays.map((one, i) => `${from + i},${one}`).join('\n')}\n`;
const pays = (regions: Readonly<Record<string, string>>): string =>
  `code,region,n\n${Object.entries(regions)
    .map(([code, region], i) => `${code},${region},${i}`)
    .join('\n')}\n`;
const table = (): readonly unknown[] =>
  place
    .query('select id, pays, region from silver.f order by id')
    .map(({ id, pays: key, region }) => [Number(id), key, region]);
const aside = (): readonly unknown[] =>
  place.query('select rule, reason from quarantine.silver_f order by raw').map(({ rule, reason }) => [rule, reason]);
const run = (...args: readonly string[]) => {
  const outcome = place.dataflow(['run', ...args]);
  expect(outcome.status, outcome.stdout + outcome.stderr).toBe(0);
  return outcome;
};

describe('enrich with a table', { timeout: 180_000 }, () => {
  it('takes values by a join; a key that is not there waits for the table to gain it', () => {
    project('add: { region: region }');
    place.put({ 'in/a.csv': rows(1, ['FR', 'MA', 'XX', '']), 'pays/p.csv': pays({ FR: 'EU', MA: 'AF' }) });
    run();
    expect(table()).toEqual([
      [1, 'FR', 'EU'],
      [2, 'MA', 'AF'],
      [4, null, null],
    ]);
    expect(aside()).toEqual([['enrich_region', 'pays = XX is not in silver.pays']]);
    place.put({ 'pays/q.csv': pays({ XX: 'SP' }) });
    const plan = place.dataflow(['plan']);
    expect(plan.stdout).toMatch(/silver\.f/);
    const again = run();
    expect(again.stdout).toMatch(/silver\.f +ok +part/);
    expect(table()).toContainEqual([3, 'XX', 'SP']);
    expect(aside()).toEqual([]);
    expect(place.dataflow(['why', 'silver.f']).stdout).toContain('silver.pays 0 → 1');
    expect(place.dataflow(['verify']).status).toBe(0);
  });

  it('a value that changed in the table changes the rows: the whole table is computed again', () => {
    project('add: { region: region }');
    place.put({ 'in/a.csv': rows(1, ['FR', 'MA']), 'pays/p.csv': pays({ FR: 'EU', MA: 'AF' }) });
    run();
    place.put({ 'pays/p.csv': pays({ FR: 'Europe', MA: 'AF' }) });
    const again = run();
    expect(again.stdout).toMatch(/silver\.f +ok +full/);
    expect(table()).toEqual([
      [1, 'FR', 'Europe'],
      [2, 'MA', 'AF'],
    ]);
    place.put({ 'pays/p.csv': pays({ FR: 'Europe' }) });
    run();
    expect(table()).toEqual([[1, 'FR', 'Europe']]);
    expect(aside()).toHaveLength(1);
  });

  it('keep: a row that went without its value gets it when the table gains the key', () => {
    project('add: { region: region, n: { from: n, type: varchar } }, on_failure: keep');
    place.put({ 'in/a.csv': rows(1, ['FR', 'XX']), 'pays/p.csv': pays({ FR: 'EU' }) });
    run();
    expect(table()).toEqual([
      [1, 'FR', 'EU'],
      [2, 'XX', null],
    ]);
    place.put({ 'pays/q.csv': pays({ XX: 'SP' }) });
    run();
    expect(table()).toContainEqual([2, 'XX', 'SP']);
    expect(place.query('select typeof(n) as t from silver.f limit 1')).toEqual([{ t: 'VARCHAR' }]);
  });

  it('two rows of one key in the table fail the step; nothing is doubled or picked', () => {
    project('add: { region: region }', '', '');
    place.put({ 'in/a.csv': rows(1, ['FR']), 'pays/p.csv': pays({ FR: 'EU' }) });
    run();
    place.put({ 'pays/q.csv': pays({ FR: 'Europe' }) });
    const out = place.dataflow(['run']);
    expect(out.stderr).toContain('error[E_LOOKUP_AMBIGUOUS]');
    expect(out.stderr).toContain('silver.pays has several rows for one value of code: FR');
    expect(table()).toEqual([[1, 'FR', 'EU']]);
  });

  it('trace leads to the row that gave the value; column lineage names it', () => {
    project('add: { region: region }', 'key: id');
    place.put({ 'in/a.csv': rows(1, ['FR', 'MA']), 'pays/p.csv': pays({ FR: 'EU', MA: 'AF' }) });
    run();
    const traced = place.dataflow(['trace', 'silver.f', '--where', 'id = 1']);
    expect(traced.stdout).toContain('silver.pays  version 0, 1 row');
    expect(traced.stdout).toContain('pays/p.csv  1 row');
    const lineage = place.dataflow(['lineage', 'gold.g', '--columns']);
    expect(lineage.stdout).toMatch(/region {2}varchar\n.*silver\.f\.region/);
    expect(place.dataflow(['lineage', 'silver.f', '--columns']).stdout).toContain('silver.pays.region');
    const backfill = place.dataflow([
      'backfill',
      'silver.f',
      '--by',
      'id',
      '--from',
      '1',
      '--to',
      '2',
      '--window',
      '1',
    ]);
    expect(backfill.status, backfill.stderr).toBe(0);
    expect(table()).toHaveLength(2);
  });

  it('whatever comes in whichever order: rows are conserved, and increments give what a whole computation gives', () => {
    const codes = ['A', 'B', 'C', 'D'];
    const step = fc.oneof(
      fc.record({ rows: fc.array(fc.constantFrom(...codes, ''), { minLength: 1, maxLength: 4 }) }),
      fc.record({ code: fc.constantFrom(...codes), region: fc.constantFrom('x', 'y') }),
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 4, maxLength: 6 }), (steps) => {
        project('add: { region: region }', 'key: id');
        const known: Record<string, string> = { A: 'x' };
        const sent: string[] = [];
        // One that nobody ever knows: so there is a quarantine to ask for.
        place.put({ 'in/0.csv': rows(0, ['A', 'Z']), 'pays/A.csv': pays({ A: 'x' }) });
        sent.push('A', 'Z');
        for (const [at, one] of steps.entries()) {
          if ('rows' in one) {
            place.put({ [`in/${at + 1}.csv`]: rows(sent.length, one.rows) });
            sent.push(...one.rows);
          } else {
            known[one.code] = one.region;
            place.put({ [`pays/${one.code}.csv`]: pays({ [one.code]: one.region }) });
          }
          run();
          const expected = sent.flatMap((key, id): (readonly unknown[])[] =>
            key === '' ? [[id, null, null]] : known[key] === undefined ? [] : [[id, key, known[key]]],
          );
          expect(table()).toEqual(expected);
          expect(aside()).toHaveLength(sent.length - expected.length);
        }
        const before = table();
        run('--full-refresh');
        expect(table()).toEqual(before);
        place.remove();
      }),
      { numRuns: 3, endOnFailure: true },
    );
  });
});
