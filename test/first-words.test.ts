import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectDone, expectError, newPlace, type Outcome, type Place } from './support/fault-project.ts';

/** What somebody meets who has just begun: nothing there yet, names cut short, the same command twice; at 80 columns. */
const CONFIG = `
sources:
  ventes: { type: files, path: data/*.csv, settle_seconds: 0, columns: { id: bigint, jour: date, montant: varchar } }
silver:
  ventes: { from: ventes, key: id, rules: [ { expr: "montant <> 'rien du tout, et encore moins que rien'", name: montant_dit } ] }
gold:
  total: { sql: "select jour, count(*) as ventes from silver.ventes group by jour", key: jour }
  comparaison_des_totaux: { sql: "select count(*) as jours, (select count(*) from silver.ventes) as ventes from gold.total" }
`;

let place: Place;
beforeAll(() => {
  place = newPlace(CONFIG);
});
afterAll(() => place.remove());

const at80 = (...args: readonly string[]): Outcome => {
  const outcome = place.dataflow(args, { COLUMNS: '80' });
  if (!args.includes('json') && !args.includes('--openlineage'))
    for (const line of outcome.stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
  return outcome;
};
const told = (...args: readonly string[]): string => {
  const outcome = at80(...args);
  expectDone(outcome);
  return outcome.stdout;
};

describe('before there is anything', () => {
  it('a folder that is not there is named, before a run and by it', () => {
    const plan = told('plan');
    expect(plan.replaceAll(/\s+/g, ' ')).toMatch(
      /bronze\.ventes wait .* no input found: data: the folder does not exist/,
    );
    expect(plan).toContain('0 to run, 0 if inputs change, 0 up to date, 4 waiting for data');
    expect(told('run')).toBe(
      [
        'nothing to do: there is no data yet',
        '  bronze.ventes: no input found: data: the folder does not exist',
        '  3 tables wait for data',
        '  why: dataflow plan --all',
        '',
      ].join('\n'),
    );
  });

  it('no release, no test, no input are said in words', () => {
    expectError(at80('release', 'show'), 'E_NO_RELEASE', 2);
    expect(at80('release', 'show').stderr).toContain(
      'there is no release yet\n  next: A run that succeeds records one.',
    );
    expect(told('test')).toContain('no test: none of these tables has data and tests');
    expect(told('ledger', 'inputs')).toBe('no input was loaded yet\n');
  });

  it('wrong use leads to the help of its own command', () => {
    const { stderr } = at80('quarantine', 'list', '--state', 'zu');
    expect(stderr).toContain('next: See `dataflow help quarantine list`.');
  });
});

describe('after the first run', () => {
  beforeAll(() => {
    place.put({
      'data/a.csv': 'id,jour,montant\n1,2025-01-01,5\n2,2025-01-02,"rien du tout, et encore moins que rien"\n',
    });
    expectDone(at80('run'));
    // It hashes the files again, and finds nothing new.
    expectDone(at80('run', '--rehash'));
  });

  it('a table that was up to date keeps the rows of its version in status', () => {
    expect(place.status().get('bronze.ventes')).toMatchObject({ status: 'up_to_date', rows_in: 2, rows_out: 2 });
  });

  it('lineage writes the events of the newest run that worked', () => {
    expect(told('lineage', '--openlineage').split('\n').length).toBeGreaterThan(2);
  });

  it('reasons are told whole', () => {
    place.put({ 'data/c.csv': 'id,jour,montant\n3,2025-01-03,7\n' });
    const plan = told('plan');
    expect(plan).not.toContain('…');
    expect(plan.replaceAll(/\s+/g, ' ')).toContain('if silver.ventes or gold.total publishes a new version');
  });

  it('a table may be named by its last part where that is enough', () => {
    expect(told('trace', 'total')).toMatch(/^gold\.total {2}version 0/);
    expectError(at80('trace', 'ventes'), 'E_SELECTION', 2);
    expect(at80('trace', 'totla').stderr).toContain('Did you mean total?');
  });

  it('a rejected row is shown in full by its id', () => {
    const [row] = JSON.parse(at80('quarantine', 'show', 'silver.ventes', '--format', 'json').stdout) as [
      { quarantine_id: string; column_name: string | null; raw: string },
    ];
    expect(row.column_name).toBeNull();
    const whole = told('quarantine', 'show', row.quarantine_id).replaceAll(/\n +/g, '');
    expect(whole.replaceAll(' ', '')).toContain(row.raw.replaceAll(' ', ''));
  });

  it('what has nothing to do says just that', () => {
    expect(told('compact', '--dry-run')).toBe('nothing to do: no small files, no version to collect\n');
  });

  it('undo counts the runs that published', () => {
    expect(told('undo', 'first', '--dry-run')).toMatch(/nothing to undo|would undo run/);
  });
});
