import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { expectDone, expectError, newPlace, type Place } from './support/fault-project.ts';

/** `retry` and the flags of `run`, from outside. */
const CONFIG = (limit: number) => `
sources:
  ventes: { type: files, path: in/ventes*.csv, settle_seconds: 0, columns: { id: bigint, jour: date, montant: bigint } }
silver:
  ventes: { from: ventes, key: id }
gold:
  jours: { sql: "select jour, sum(montant) as total from silver.ventes group by all", tests: [ { between: { column: total, max: ${limit} } } ] }
  somme: { sql: "select sum(total) as total from gold.jours" }
  nombre: { sql: "select count(*) as n from silver.ventes" }
`;

interface Report {
  readonly run_id: string | null;
  readonly status: string;
  readonly release_id: string | null;
  readonly steps: readonly {
    readonly step: string;
    readonly status: string;
    readonly mode?: string;
    readonly reason: string;
  }[];
}

const places: Place[] = [];
afterEach(() => {
  for (const place of places.splice(0)) place.remove();
});

function newShop(limit = 100): Place {
  const place = newPlace(CONFIG(limit), { folder: mkdtempSync(join(tmpdir(), 'dataflow-retry-')) });
  places.push(place);
  place.put({ 'in/ventes1.csv': 'id,jour,montant\n1,2025-01-01,60\n2,2025-01-01,70\n' });
  return place;
}

const configure = (place: Place, limit: number): void => place.put({ 'pipelines.yaml': wholeConfig(limit) });
const report = (place: Place, ...args: string[]): Report =>
  JSON.parse(place.dataflow([...args, '--format', 'json']).stdout) as Report;
const ends = (one: Report): Record<string, string> =>
  Object.fromEntries(one.steps.map((step) => [step.step, step.status]));

describe('retry', { timeout: 60_000 }, () => {
  it('says when there is nothing to retry', () => {
    const place = newShop(1000);
    expect(place.dataflow(['retry'])).toMatchObject({ status: 0, stdout: 'nothing to retry: there was no run yet\n' });
    expectDone(place.dataflow(['run']));
    expect(place.dataflow(['retry']).stdout).toMatch(/^nothing to retry: every step of run /);
    expect(report(place, 'retry')).toMatchObject({ status: 'nothing_to_retry', steps: [] });
    expectError(place.dataflow(['retry', 'zzzz']), 'E_SELECTION', 2);
  });

  it('runs what failed and what was skipped because of it, with the flags of that run, and then records the release', () => {
    const place = newShop(1000);
    expectDone(place.dataflow(['run']));
    configure(place, 100);
    const failed = report(place, 'run', '--full-refresh');
    expect(ends(failed)).toMatchObject({ 'gold.jours': 'failed', 'gold.somme': 'skipped', 'gold.nombre': 'succeeded' });
    expect(failed.steps.find((step) => step.step === 'gold.somme')?.reason).toBe(
      'skipped because gold.jours did not succeed',
    );
    const staged = () => readdirSync(join(place.folder, 'lake/_dataflow/staging'));
    expect(staged()).toEqual([failed.run_id]);
    const again = place.dataflow(['retry']);
    expect(again.status).toBe(3);
    expect(staged()).toHaveLength(1);
    expect(again.stderr).toContain(`retrying run ${failed.run_id}: gold.jours, gold.somme`);
    configure(place, 1000);
    const dry = place.dataflow(['retry', '--dry-run']);
    expect(dry.stdout).toMatch(/gold\.jours +run .*full refresh was asked for/);
    expect(dry.stdout).not.toContain('gold.nombre');
    expect(dry.stdout).toMatch(/2 to run.*nothing was changed/);
    const healed = report(place, 'retry');
    expect(ends(healed)).toEqual({ 'gold.jours': 'succeeded', 'gold.somme': 'succeeded' });
    expect(healed.steps.map((step) => step.mode)).toEqual(['full', 'full']);
    expect(staged()).toEqual([]);
    expect(healed.release_id).not.toBeNull();
    expect(healed.release_id).not.toBe(failed.release_id);
    expect(place.dataflow(['retry']).stdout).toContain('nothing to retry');
    // The older run can still be named; its steps were done since, but it asked for whole tables.
    expect(ends(report(place, 'retry', failed.run_id ?? ''))).toEqual(ends(healed));
  });

  it('a failure that is mended by putting the definition back is over with the next run, or with retry', () => {
    for (const mend of ['run', 'retry']) {
      const place = newShop(1000);
      expectDone(place.dataflow(['run']));
      place.put({ 'pipelines.yaml': wholeConfig(1000).replace('sum(montant)', "sum(error('boum'))") });
      expectError(place.dataflow(['run']), 'E_SQL', 1);
      expect(place.status().get('gold.jours')).toMatchObject({ status: 'failed', version: 0 });
      configure(place, 1000);
      expectDone(place.dataflow([mend]));
      for (const step of ['gold.jours', 'gold.somme'])
        expect(place.status().get(step)).toMatchObject({ status: 'up_to_date', version: 0, error: null });
      expect(place.dataflow(['status']).stdout).not.toMatch(/failed|skipped/);
      expect(place.dataflow(['why', 'jours']).stdout).toMatch(/^gold\.jours: up to date in run /);
      expect(place.dataflow(['retry']).stdout).toMatch(/^nothing to retry: every step of run /);
      expect(place.dataflow(['run']).stdout).toContain('nothing to do');
    }
  });

  it('goes on where a killed run stopped', () => {
    const place = newShop(1000);
    // Dies after the second table was published: bronze and silver are there, gold is not.
    const killed = place.dataflow(['run'], { DATAFLOW_FAULT: 'after-ledger:kill@2' });
    expect(killed.signal).toBe('SIGKILL');
    // Nobody has marked it yet: that its process is gone is judged.
    const next = /next: `dataflow run` or `dataflow retry` finishes it/;
    for (const args of [['status'], ['status', 'last'], ['why']])
      expect(place.dataflow(args).stdout).toMatch(/: interrupted[\s\S]*E_INTERRUPTED: the process died[\s\S]*next: /);
    for (const args of [['status'], ['why']]) expect(place.dataflow(args).stdout).toMatch(next);
    expect(place.dataflow(['status', '--runs', '--format', 'csv']).stdout).toMatch(/,interrupted,.*,E_INTERRUPTED$/m);
    expect(place.dataflow(['doctor']).stdout).toMatch(/last run \w+: interrupted/);
    const healed = place.dataflow(['retry']);
    expectDone(healed);
    expect(healed.stderr).toMatch(/retrying run \w+: gold\.\w+, gold\.\w+, gold\.\w+\n/);
    expect(healed.stderr).not.toContain('silver.ventes,');
    expect(place.query('select total from gold.somme')).toEqual([{ total: '130' }]);
    expect(place.dataflow(['run']).stdout).toContain('nothing to do');
  });
});

describe('flags of run', { timeout: 60_000 }, () => {
  it('--until, --from, and the path between', () => {
    const place = newShop(1000);
    expect(Object.keys(ends(report(place, 'run', '--until', 'jours')))).toEqual([
      'bronze.ventes',
      'silver.ventes',
      'gold.jours',
    ]);
    expect(Object.keys(ends(report(place, 'run', '--from', 'silver.ventes', '--until', 'somme', '--force')))).toEqual([
      'silver.ventes',
      'gold.jours',
      'gold.somme',
    ]);
    expect(Object.keys(ends(report(place, 'run', '--from', 'jours')))).toEqual(['gold.jours', 'gold.somme']);
    const misspelt = place.dataflow(['plan', '--until', 'some']);
    expectError(misspelt, 'E_SELECTION', 2);
    expect(misspelt.stderr).toContain('Did you mean somme?');
  });

  it('--force runs up-to-date tables as a whole, and takes no file twice', () => {
    const place = newShop(1000);
    expectDone(place.dataflow(['run']));
    const forced = report(place, 'run', '--force');
    expect(ends(forced)).toMatchObject({
      'bronze.ventes': 'up_to_date',
      'silver.ventes': 'succeeded',
      'gold.somme': 'succeeded',
    });
    expect(forced.steps.find((step) => step.step === 'silver.ventes')).toMatchObject({
      mode: 'full',
      reason: 'asked for with --force',
    });
    expect(place.status().get('bronze.ventes')?.version).toBe(0);
    expect(place.query('select count(*) as n from bronze.ventes')).toEqual([{ n: 2 }]);
  });

  it('--full-refresh leaves unchanged files alone; with --force every file is loaded again, once', () => {
    const place = newShop(1000);
    expectDone(place.dataflow(['run']));
    place.put({ 'in/ventes2.csv': 'id,jour,montant\n3,2025-01-02,1\nx,2025-01-02,1\n' });
    expectDone(place.dataflow(['run']));
    const whole = report(place, 'run', '--full-refresh');
    expect(ends(whole)).toMatchObject({ 'bronze.ventes': 'up_to_date', 'silver.ventes': 'succeeded' });
    expect(place.dataflow(['plan', '--full-refresh', '--force']).stdout).toMatch(
      /bronze\.ventes +run .*full refresh was asked for/,
    );
    const again = report(place, 'run', '--full-refresh', '--force');
    expect(again.steps.find((step) => step.step === 'bronze.ventes')).toMatchObject({
      status: 'succeeded',
      reason: 'full refresh was asked for',
    });
    expect(place.query('select id from bronze.ventes order by id')).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
    expect(place.query('select count(*) as n from quarantine.bronze_ventes')).toEqual([{ n: 1 }]);
    expect(place.dataflow(['run']).stdout).toContain('nothing to do');
    rmSync(join(place.folder, 'in/ventes1.csv'));
    const gone = place.dataflow(['run', '--full-refresh', '--force', '--select', 'bronze.ventes']);
    expectError(gone, 'E_SCHEMA_CHANGED', 1);
    expect(place.query('select count(*) as n from bronze.ventes')).toEqual([{ n: 3 }]);
  });

  it('a referenced table that was loaded again is compared, with rules that look at the clock beside', () => {
    const place = newPlace(
      `
sources:
  pays: { type: files, path: in/pays*.csv, settle_seconds: 0, columns: { id: bigint } }
  ventes: { type: files, path: in/ventes*.csv, settle_seconds: 0, columns: { id: bigint, pays: bigint, jour: date } }
silver:
  pays: { from: pays, key: id }
  ventes:
    from: ventes
    rules: [ { not_future: jour }, { references: { column: pays, table: silver.pays, on: id } } ]
    key: id
`,
      { folder: mkdtempSync(join(tmpdir(), 'dataflow-retry-')) },
    );
    places.push(place);
    place.put({ 'in/pays.csv': 'id\n1\n', 'in/ventes.csv': 'id,pays,jour\n1,1,2025-01-01\n2,2,2025-01-01\n' });
    expectDone(place.dataflow(['run']));
    expectDone(place.dataflow(['run', '--full-refresh', '--force', '--select', 'bronze.pays']));
    expectDone(place.dataflow(['run']));
    expect(place.query('select id from silver.ventes')).toEqual([{ id: 1 }]);
  });

  it('--fail-fast starts nothing after the first failure; without it independent tables go on', () => {
    const place = newShop();
    const one_thread = wholeConfig(100).replace('threads: 2', 'threads: 1');
    place.put({ 'pipelines.yaml': one_thread });
    expect(ends(report(place, 'run', '-x'))).toEqual({
      'bronze.ventes': 'succeeded',
      'silver.ventes': 'succeeded',
      'gold.jours': 'failed',
      'gold.somme': 'skipped',
      'gold.nombre': 'skipped',
    });
    expect(place.status().get('gold.nombre')?.reason).toBe('skipped because gold.jours failed (--fail-fast)');
    expect(place.dataflow(['why', 'nombre']).stdout).toMatch(
      /gold\.nombre: skipped[\s\S]*gold\.jours: failed[\s\S]*test between_total/,
    );
    expect(ends(report(place, 'run'))).toMatchObject({
      'gold.jours': 'failed',
      'gold.somme': 'skipped',
      'gold.nombre': 'succeeded',
    });
  });
});

function wholeConfig(limit: number): string {
  return `version: 1\nname: fault\nlake: { url: ./lake }\nengine: { type: duckdb, threads: 2, memory_limit: 512MB }\n${CONFIG(limit)}`;
}
