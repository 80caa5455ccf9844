import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectDone, expectError, filesBelow, newPlace, type Place } from './support/fault-project.ts';

/** `why`, from outside: the words of `plan` before are those of the run, of `status` and of `why` after. */
const CONFIG = (rule = 'max: 100', day = 'jour') => `
sources:
  ventes: { type: files, path: in/ventes*.csv, settle_seconds: 0, columns: { id: bigint, jour: date, montant: bigint } }
silver:
  ventes:
    from: ventes
    rules: [ { not_null: id }, { between: { column: montant, ${rule} }, name: limites }, { not_future: jour, name: passe } ]
    key: id
gold:
  par_jour: { sql: "select ${day}, sum(montant) as total from silver.ventes group by all" }
  somme: { sql: "select sum(total) as total from gold.par_jour", tests: [ { between: { column: total, max: 1000 } } ] }
  recent: { sql: "select max(jour) as jour from silver.ventes", tests: [ { freshness: { column: jour, max_age: 1d }, severity: warn } ] }
`;

interface Cause {
  readonly kind: string;
  readonly table?: string;
  readonly moved?: unknown;
  readonly changes?: readonly { readonly part: string; readonly diff: readonly string[] }[];
  readonly publishes?: readonly { readonly reason: string; readonly causes: readonly Cause[] }[];
  readonly files?: readonly { readonly path: string; readonly records: number }[];
}
interface Story {
  readonly step: string;
  readonly status: string;
  readonly reason: string;
  readonly version: number | null;
  readonly kept_version: number | null;
  readonly causes: readonly Cause[];
  readonly error: { readonly code: string; readonly hint: string } | null;
  readonly failed_tests: readonly { readonly test: string; readonly clock: boolean }[];
  readonly clock_rules: readonly unknown[];
  readonly because_of: Story | null;
}
interface Report {
  readonly about: string;
  readonly last: Story;
  readonly built: Story | null;
  readonly now: { readonly action: string; readonly reason: string; readonly causes: readonly Cause[] };
  readonly steps: readonly Story[];
  readonly run: { readonly run_id: string; readonly status: string };
}

let place: Place;
const json = (...args: string[]): Report => {
  const outcome = place.dataflow([...args, '--format', 'json']);
  expectDone(outcome);
  return JSON.parse(outcome.stdout) as Report;
};
const why = (subject: string): Report => json('why', subject);
const planned = (step: string): string | undefined =>
  (json('plan') as unknown as { step: string; reason: string }[]).find((one) => one.step === step)?.reason;

beforeAll(() => {
  place = newPlace(CONFIG());
});
afterAll(() => place.remove());

describe('why', { timeout: 60_000 }, () => {
  it('answers before the first run, and for unknown names', () => {
    expect(place.dataflow(['why', 'par_jour']).stdout).toMatch(/no run has touched it yet[\s\S]*now: waits for/);
    expectError(place.dataflow(['why']), 'E_SELECTION', 2);
    const misspelt = place.dataflow(['why', 'par_jours']);
    expectError(misspelt, 'E_SELECTION', 2);
    expect(misspelt.stderr).toContain('Did you mean par_jour?');
    expectError(place.dataflow(['why', 'ventes']), 'E_SELECTION', 2);
  });

  it('goes back from gold to the files', () => {
    place.put({ 'in/ventes1.csv': 'id,jour,montant\n1,2025-01-01,10\n2,2025-01-02,20\n' });
    expectDone(place.dataflow(['run']));
    place.put({ 'in/ventes2.csv': 'id,jour,montant\n3,2025-01-02,5\n4,2999-01-01,5\n' });
    expect(planned('bronze.ventes')).toBe('1 new or changed file');
    const run = place.dataflow(['run', '-v']);
    expectDone(run);
    expect(run.stderr).toMatch(/bronze\.ventes: version 1, \d+ ms, 1 new or changed file/);
    expect(run.stderr).toContain('gold.par_jour: input changed: silver.ventes 0 → 1');
    expect(place.status().get('gold.par_jour')?.reason).toBe('input changed: silver.ventes 0 → 1');
    const { last, now, built } = why('gold.par_jour');
    expect(built).toBeNull();
    expect(last).toMatchObject({ status: 'succeeded', version: 1, reason: 'input changed: silver.ventes 0 → 1' });
    const [input] = last.causes;
    expect(input).toMatchObject({ table: 'silver.ventes', moved: { files_added: 1, rows_added: 1, rows_removed: 0 } });
    const bronze = input?.publishes?.[0]?.causes[0];
    expect(bronze).toMatchObject({ table: 'bronze.ventes', moved: { rows_added: 2 } });
    expect(bronze?.publishes?.[0]?.causes).toEqual([
      { kind: 'new_files', count: 1, files: [{ path: 'in/ventes2.csv', status: 'loaded', records: 2, rejected: 0 }] },
    ]);
    expect(now).toMatchObject({ action: 'skip', reason: 'up to date: same definition, same inputs' });
    expect(why('silver.ventes').last.clock_rules).toEqual([{ rule: 'passe', rows: 1 }]);
    expect(why('recent').last.failed_tests).toMatchObject([{ test: 'freshness_jour', clock: true }]);
  });

  it('tells what stood in the way of a refresh', () => {
    const other = newPlace(`sources:
  t: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, jour: date } }
silver: { s: { from: t } }
gold:
  rang: { sql: "select jour, row_number() over (order by jour) as r from silver.s", refresh: { by: jour } }
`);
    try {
      other.put({ 'in/a.csv': 'id,jour\n1,2024-01-01\n' });
      expectDone(other.dataflow(['run']));
      other.put({ 'in/b.csv': 'id,jour\n2,2024-01-02\n' });
      const now = () => (JSON.parse(other.dataflow(['why', 'gold.rang', '--format', 'json']).stdout) as Report).now;
      const obstacle = 'computed whole instead of refreshed: it has a window function; ';
      expect(now()).toMatchObject({
        action: 'depends',
        mode: 'full',
        reason: `${obstacle}if silver.s publishes a new version`,
      });
      expectDone(other.dataflow(['run', '--until', 'silver.s']));
      expect(now()).toMatchObject({ action: 'run', mode: 'full', reason: `${obstacle}input changed: silver.s 0 → 1` });
      expectDone(other.dataflow(['run']));
      const told = other.dataflow(['why', 'gold.rang', '--format', 'json']);
      expect((JSON.parse(told.stdout) as Report).last.reason).toBe(
        'computed whole instead of refreshed: it has a window function; input changed: silver.s 0 → 1',
      );
    } finally {
      other.remove();
    }
  });

  it('shows the line of the definition that changed, before and after', () => {
    place.put({ 'pipelines.yaml': wholeConfig(CONFIG('max: 50', 'year(jour) as jour')) });
    const words = 'its definition changed: rule limites';
    expect(planned('silver.ventes')).toBe(words);
    const { now } = why('silver.ventes');
    expect(now).toMatchObject({ action: 'run', reason: words });
    expect(now.causes[0]?.changes?.[0]?.diff).toEqual([
      '@@ -1,1 +1,1 @@',
      '-between: {"column":"montant","max":100}',
      '+between: {"column":"montant","max":50}',
    ]);
    expectDone(place.dataflow(['run']));
    expect(place.status().get('silver.ventes')?.reason).toBe(words);
    expect(why('silver.ventes').last).toMatchObject({
      reason: words,
      causes: [{ kind: 'definition', changes: now.causes[0]?.changes }],
    });
    const sql = place.dataflow(['why', 'par_jour']).stdout;
    expect(sql).toContain('-select jour, sum(montant)');
    expect(sql).toContain('+select year(jour) as jour, sum(montant)');
    expect(place.dataflow(['why', 'par_jour', '--no-diff']).stdout).not.toContain('-select');
  });

  it('names the failing test, what is kept, how to look at the candidate, and what was skipped because of it', () => {
    place.put({
      'pipelines.yaml': wholeConfig(CONFIG('max: 5000', 'year(jour) as jour').replace('max: 1000', 'max: 10')),
    });
    const add = 'id,jour,montant\n9,2025-02-01,4000\n';
    place.put({ 'in/ventes3.csv': add });
    expect(place.dataflow(['run']).status).toBe(3);
    const { last, built } = why('gold.somme');
    expect(last).toMatchObject({ status: 'failed', kept_version: 2, error: { code: 'E_TESTS_FAILED' } });
    expect(last.failed_tests).toMatchObject([{ test: 'between_total', clock: false }]);
    expect(last.causes[0]).toMatchObject({ kind: 'input', table: 'gold.par_jour' });
    expect(built).toMatchObject({ status: 'succeeded', version: 2 });
    const { stdout } = place.dataflow(['why', 'somme']);
    expect(stdout).toMatch(/test between_total: /);
    expect(stdout).toContain('kept: version 2 stays as it is');
    expect(stdout).toContain('dataflow query --candidate gold.somme');
    // Lines of code are not wrapped.
    for (const line of stdout.split('\n')) if (!/^ *[+-]/.test(line)) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('tells a run and a step, by id or its beginning', () => {
    const { run, steps } = why('last');
    expect(run.status).toBe('partial');
    expect(steps.find((one) => one.step === 'gold.somme')).toMatchObject({ status: 'failed' });
    expect(why(run.run_id.slice(0, 14)).run.run_id).toBe(run.run_id);
    const step_id = (why('gold.somme').last as unknown as { step_id: string }).step_id;
    expect(why(step_id).about).toBe('step');
    expectError(place.dataflow(['why', run.run_id.slice(0, 4)]), 'E_SELECTION', 2);
    expect(place.dataflow(['why', 'last']).stdout).toContain('next: dataflow retry, or dataflow why gold.somme');
  });

  it('knows definitions again after the ledger was made anew, and never keeps a secret', () => {
    const secret = 'hush-hush-42';
    const config = wholeConfig(CONFIG()).replace(
      'sum(total) as total',
      () => "sum(total) as total, '$${X}' as x, md5('${MY_TOKEN}') as t",
    );
    place.put({ 'pipelines.yaml': config });
    const env = { MY_TOKEN: secret };
    expectDone(place.dataflow(['run'], env));
    for (const file of filesBelow(join(place.folder, 'lake'), '.json').concat('_dataflow/ledger.db'))
      expect(readFileSync(join(place.folder, 'lake', file), 'latin1')).not.toContain(secret);
    rmSync(join(place.folder, 'lake/_dataflow/ledger.db'));
    expectDone(place.dataflow(['ledger', 'rebuild'], env));
    const other = place.dataflow(['why', 'somme'], { MY_TOKEN: 'other-secret-43' });
    expect(other.stdout).toContain('a value that is kept secret changed');
    expect(other.stdout).not.toContain(secret);
    place.put({ 'pipelines.yaml': config.replace('sum(total) as total', 'max(total) as total') });
    expect(place.dataflow(['why', 'somme'], env).stdout).toContain(
      "+select max(total) as total, '${X}' as x, md5('***') as t",
    );
  });
});

function wholeConfig(body: string): string {
  return `version: 1\nname: fault\nlake: { url: ./lake }\nengine: { type: duckdb, threads: 2, memory_limit: 512MB }\n${body}`;
}
