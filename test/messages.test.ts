import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { expectDone, expectError, newPlace, type Place } from './support/fault-project.ts';

/** What commands say, word for word, where it once was wrong or was cut. */
const CONFIG = `
sources:
  ventes: { type: files, path: in/a/rather/long/way/down/*.csv, settle_seconds: 0, columns: { id: bigint, jour: date, montant: bigint } }
silver:
  ventes: { from: ventes, key: id }
gold:
  jours:
    sql: "select jour, sum(montant) as total from silver.ventes group by all"
    refresh: { by: jour }
    tests: [ { between: { column: total, max: 1000 } }, { unique: jour } ]
`;
const IN = 'in/a/rather/long/way/down';

const places: Place[] = [];
afterEach(() => {
  for (const place of places.splice(0)) place.remove();
});

function shop(config = CONFIG): Place {
  const place = newPlace(config);
  places.push(place);
  place.put({ [`${IN}/ventes_1.csv`]: 'id,jour,montant\n1,2025-01-01,60\n2,2025-02-01,70\n' });
  return place;
}

const head = (csv: string): string | undefined => csv.split('\n')[0];

describe('what commands say', { timeout: 60_000 }, () => {
  it('run --format csv and json have one shape, whatever there was to do; -q prints data and errors only', () => {
    const place = shop();
    const first = place.dataflow(['run', '--format', 'csv']);
    const idle = place.dataflow(['run', '--format', 'csv']);
    expect(head(idle.stdout)).toBe(head(first.stdout));
    expect(idle.stdout).toContain('gold.jours,fresh,');
    const json = JSON.parse(place.dataflow(['run', '--format', 'json']).stdout);
    expect(json).toMatchObject({ status: 'nothing_to_do', run_id: null, release_id: null, receipt: null });
    expect(place.dataflow(['run', '-q'])).toMatchObject({ stdout: '', stderr: '' });
    const forced = place.dataflow(['run', '-q', '--force']);
    expect(forced.stdout).toContain('gold.jours');
    expect(forced.stdout).not.toMatch(/published|rows|memory/);
  });

  it('an empty selection is said to be empty', () => {
    const place = shop();
    expectDone(place.dataflow(['run']));
    const empty = /the selection is empty/;
    expect(place.dataflow(['run', 'gold', '--select', 'silver.ventes']).stdout).toMatch(empty);
    expect(place.dataflow(['plan', 'gold', '--select', 'silver.ventes']).stdout).toMatch(empty);
  });

  it('status of a lake whose ledger is gone says so, as run does', () => {
    const place = shop();
    expectDone(place.dataflow(['run']));
    for (const end of ['', '-wal', '-shm'])
      rmSync(join(place.folder, `lake/_dataflow/ledger.db${end}`), { force: true });
    for (const command of ['status', 'run']) expectError(place.dataflow([command]), 'E_LEDGER_MISSING', 1);
  });

  it('an SQL error that is only met at the rows names the file of the model, or no place at all', () => {
    const place = shop(CONFIG.replace('sum(montant)', "sum(error('boum'))"));
    const run = place.dataflow(['run']);
    expect(run.status).not.toBe(0);
    expect(run.stderr).toMatch(/error\[E_SQL\] gold\.jours: .*boum.*\(.*pipelines\.yaml\)/);
    const query = place.dataflow(['query', "select error('boum') from silver.ventes"]);
    expectError(query, 'E_SQL', 1);
    expect(query.stderr).not.toContain('place shown');
  });

  it('what tells lines apart is not cut at 80 columns', () => {
    const place = shop();
    place.put({ [`${IN}/ventes_2.csv`]: 'id,jour,montant\n1,2025-01-01,60\n2,2025-02-01,70\n' });
    expectDone(place.dataflow(['run']));
    const inputs = place.dataflow(['ledger', 'inputs']).stdout;
    for (const name of ['ventes_1.csv', 'ventes_2.csv']) expect(inputs).toContain(`${IN}/${name} `);
    for (const line of inputs.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    place.put({
      'pipelines.yaml': `version: 1\nname: fault\nlake: { url: ./lake }\n${CONFIG.replace('max: 1000', 'max: 65')}`,
    });
    const tests = place.dataflow(['test']);
    expect(tests.status).toBe(3);
    expect(tests.stdout).toMatch(/^ {2}gold\.jours: between_total: .*1 failing/m);
  });

  it('samples of release diff that are wider than the terminal go on below, and nothing of them is cut', () => {
    const names = Array.from({ length: 8 }, (_, i) => `a_rather_long_name_${i}`);
    const wide = `gold:\n  wide: { key: id, sql: "select id, ${names.map((name, i) => `id * ${i + 1} as ${name}`).join(', ')} from silver.ventes" }\n`;
    const place = shop(CONFIG.replace(/gold:[\s\S]*/, wide));
    expectDone(place.dataflow(['run']));
    place.put({ [`${IN}/ventes_2.csv`]: 'id,jour,montant\n900000,2025-02-01,5\n' });
    expectDone(place.dataflow(['run']));
    const shown = place.dataflow(['release', 'diff', 'previous', '--table', 'gold.wide']).stdout;
    for (const line of shown.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    for (const [i, name] of names.entries()) {
      expect(shown).toContain(name);
      expect(shown).toContain(String(900_000 * (i + 1)));
    }
  });

  it('a table that is refreshed by value reports the rows that were written, and those whose place they took', () => {
    const place = shop();
    expectDone(place.dataflow(['run']));
    place.put({ [`${IN}/ventes_2.csv`]: 'id,jour,montant\n3,2025-02-01,5\n4,2025-02-02,5\n' });
    expectDone(place.dataflow(['run']));
    expect(place.status().get('gold.jours')).toMatchObject({ rows_in: 2, rows_out: 1, deduplicated: 1 });
    expect(place.query('select total from gold.jours order by jour')).toEqual([
      { total: '60' },
      { total: '75' },
      { total: '5' },
    ]);
    expectDone(place.dataflow(['verify']));
  });
});
