import { afterEach, describe, expect, it } from 'vitest';
import { expectDone, expectError, newPlace, type Place } from './support/fault-project.ts';

/** Receipts and budgets on the built binary. */
const TABLES = `sources:
  a: { type: files, path: in/*.csv, settle_seconds: 0, columns: { id: bigint, x: varchar } }
silver:
  a: { from: a, key: id }
gold:
  g: "select x, count(*) as n from silver.a group by all"
`;
const ROWS = `id,x\n${Array.from({ length: 1000 }, (_, i) => `${i},${i % 7}\n`).join('')}`;

const places: Place[] = [];
afterEach(() => {
  for (const place of places.splice(0)) place.remove();
});

function project(head: string): Place {
  const place = newPlace(head + TABLES);
  places.push(place);
  place.put({ 'in/a.csv': ROWS });
  return place;
}

describe('cost receipt', () => {
  it('says what a run took and used, now and later', () => {
    const place = project('price: { cpu_hour: 3600, currency: EUR }\n');
    const run = place.dataflow(['run', '--format', 'json']);
    expectDone(run);
    const { receipt, run_id } = JSON.parse(run.stdout);
    expect(receipt).toMatchObject({
      rows_in: 1000,
      rows_out: 2007,
      bytes_in: ROWS.length,
      currency: 'EUR',
      over_budget: [],
      retried_steps: [],
    });
    expect(receipt.peak_memory_bytes).toBeGreaterThan(50e6);
    expect(receipt.bytes_out).toBeGreaterThan(1000);
    expect(receipt.money).toBeCloseTo(receipt.cpu_ms / 1000, 6);
    expect(JSON.parse(place.dataflow(['status', run_id, '--format', 'json']).stdout).receipt).toEqual(receipt);
    expect(JSON.parse(place.dataflow(['status', '--format', 'json']).stdout).receipt).toEqual(receipt);
    const shown = place.dataflow(['status', 'last']).stdout;
    expect(shown).toMatch(
      /in 1,000 rows, .*; out 2,007 rows, .*; [\d,]+ rows\/s\n.* wall, .* CPU; .* peak memory; .* EUR/,
    );
    for (const line of shown.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});

describe('budget', () => {
  it('a run whose input is too large is not begun', () => {
    const place = project('budget: { bytes: 1KB }\n');
    const run = place.dataflow(['run']);
    expectError(run, 'E_BUDGET', 1);
    expect(run.stderr).toMatch(/bytes about .* of 1 KB/);
    expect(place.status().size).toBe(0);
  });

  it('with warn it is only said', () => {
    const place = project('budget: { bytes: 1KB, on_exceed: warn }\n');
    const run = place.dataflow(['run', '--format', 'json']);
    expectDone(run);
    expect(run.stderr).toMatch(/warning over budget: bytes about/);
    expect(JSON.parse(run.stdout).receipt.over_budget).toEqual([{ limit: 'bytes', allowed: 1000, used: ROWS.length }]);
  });

  it('what was published stays when it is spent on the way, the rest is skipped with the reason', () => {
    const place = project('budget: { rows: 999 }\n');
    const run = place.dataflow(['run', '--format', 'json']);
    expect(run.status).toBe(4);
    const steps = JSON.parse(run.stdout).steps as readonly { step: string; status: string; reason: string }[];
    expect(steps.map(({ step, status }) => [step, status])).toEqual([
      ['bronze.a', 'succeeded'],
      ['silver.a', 'skipped'],
      ['gold.g', 'skipped'],
    ]);
    expect(steps[1]?.reason).toContain('over budget: rows 1000 of 999');
    expect(place.query('select count(*) as n from bronze.a')).toEqual([{ n: 1000 }]);
    place.put({ 'pipelines.yaml': `version: 1\n${TABLES}` });
    expectDone(place.dataflow(['run']));
    expect(place.query('select sum(n) as n from gold.g')).toEqual([{ n: 1000 }]);
  });

  it('money needs a price', () => {
    expectError(project('budget: { money: 1 }\n').dataflow(['run']), 'E_CONFIG_INVALID', 2);
  });
});
