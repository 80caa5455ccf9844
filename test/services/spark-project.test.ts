import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectDone, expectError, newPlace, type Outcome, type Place } from '../support/fault-project.ts';
import { describeService } from './service.ts';

const CONFIG = `sources:
  a: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, montant: "decimal(12,2)", le: timestamptz } }
silver:
  a: { from: a, key: id }
`;

describeService('spark', ({ url }) => {
  let place: Place;
  const spark = (...args: string[]): Outcome => place.dataflow(args, { SPARK_REMOTE: url });
  beforeAll(() => {
    place = newPlace(CONFIG);
    place.put({ 'in/1.csv': 'id,montant,le\n1,10.50,2026-01-01T12:00:00Z\n2,-0.05,2026-01-01T12:00:00.000001Z\n' });
    expectDone(place.dataflow(['run']));
    place.put({ 'in/2.csv': 'id,montant,le\n9007199254740993,3,\n' });
    expectDone(place.dataflow(['run']));
  });
  afterAll(() => place.remove());

  it('query --engine spark gives the rows that the embedded engine gives, at every version', () => {
    const sql = ['query', 'select id, montant, le from silver.a where silver.a.id > 0 order by id', '--format', 'json'];
    const here = place.dataflow(sql);
    expect(here.stdout).toContain('9007199254740993');
    expect(spark(...sql, '--engine', 'spark')).toEqual(here);
    const before = spark(...sql, '--engine', 'spark', '--as-of', '0');
    expect(before).toEqual(place.dataflow([...sql, '--as-of', '0']));
    expect(before.stdout).not.toBe(here.stdout);
  });

  it('query --engine spark takes nothing but a query, and tells the place of what is wrong', () => {
    const wrong = spark('query', '--engine', 'spark', 'select silver.a.id,\n  silver.a.id, nope from silver.a');
    expectError(wrong, 'E_SQL', 1);
    expect(wrong.stderr).toContain('SQL:2:16');
    expectError(spark('query', '--engine', 'spark', 'create table made_by_query as select 1 as n'), 'E_SQL', 1);
    expectError(spark('query', '--engine', 'spark', 'select * from made_by_query'), 'E_SQL', 1);
    expectError(spark('query', '--engine', 'spark', 'select * from silver.nobody'), 'E_LAKE_NO_TABLE', 2);
    expectError(spark('query', '--engine', 'spark', '--candidate', 'silver.a', 'select 1'), 'E_USAGE', 2);
    expectError(
      place.dataflow(['query', '--engine', 'spark', 'select 1'], { SPARK_REMOTE: '' }),
      'E_CONFIG_INVALID',
      2,
    );
  });

  it('a project whose engine is Spark: doctor examines it, steps are refused before anything changes', () => {
    const file = join(place.folder, 'pipelines.yaml');
    const duckdb = readFileSync(file, 'utf8');
    const engine = (options: string): string => duckdb.replace(/^engine: .*$/m, `engine: { type: spark, ${options} }`);
    const [address = '', token = ''] = url.split('/;token=');
    writeFileSync(file, engine(`url: "${address}", token: "${token}"`));
    const report = JSON.parse(place.dataflow(['doctor', '--json']).stdout) as {
      findings: { check: string; message: string }[];
    };
    const said = report.findings
      .filter(({ check }) => check.startsWith('engine'))
      .map(({ check, message }) => `${check}: ${message}`);
    expect(said).toEqual([
      expect.stringMatching(/^engine: Spark [34]\.\d+\.\d+ answers at 127\.0\.0\.1:\d+$/),
      expect.stringMatching(/^engine catalog: catalog spark_catalog, user \w+, Delta is there$/),
      expect.stringMatching(/^engine lake: reads \w+\.a at version \d: \d rows in \d files?$/),
    ]);
    place.put({ 'in/3.csv': 'id,montant,le\n4,1,\n' });
    const status = place.dataflow(['status', '--json']);
    expectError(place.dataflow(['run']), 'E_ENGINE_STEPS', 2);
    expect(place.dataflow(['status', '--json'])).toEqual(status);
    expect(
      place.dataflow(['query', '--engine', 'duckdb', 'select count(*) as n from silver.a', '--format', 'csv']).stdout,
    ).toBe('n\n3\n');

    writeFileSync(file, engine(`url: "${address}", token: "wrong-token"`));
    const denied = place.dataflow(['doctor', '--json']);
    expect(denied.stdout).toContain('E_ENGINE_DENIED');
    writeFileSync(file, engine(`url: "sc://spark.example.org/;token=in-clear"`));
    const refused = place.dataflow(['validate']);
    expectError(refused, 'E_CONFIG_INVALID', 2);
    expect(refused.stderr).toContain('use_ssl=true');
    expect(`${denied.stdout}${refused.stderr}`).not.toMatch(/wrong-token|in-clear/);
  });
});
