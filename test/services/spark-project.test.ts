import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { expectDone, newPlace, type Place } from '../support/fault-project.ts';
import { builtProgram, type Ended } from './built-program.ts';
import { describeService } from './service.ts';

const CONFIG = `sources:
  a: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, montant: "decimal(12,2)", le: timestamptz } }
silver:
  a: { from: a, key: id }
`;

// A server that has just started takes long for its first answers of each kind where other tests keep the cores busy.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

describeService('spark', ({ url }) => {
  let place: Place;
  const spark = (...args: string[]): Promise<Ended> => builtProgram(place.folder, { SPARK_REMOTE: url }).run(...args);
  const refused = ({ code, stdout, stderr }: Ended): string => `${code} ${stdout}${/E_\w+/.exec(stderr)?.[0]}`;
  beforeAll(() => {
    place = newPlace(CONFIG);
    place.put({ 'in/1.csv': 'id,montant,le\n1,10.50,2026-01-01T12:00:00Z\n2,-0.05,2026-01-01T12:00:00.000001Z\n' });
    expectDone(place.dataflow(['run']));
    place.put({ 'in/2.csv': 'id,montant,le\n9007199254740993,3,\n' });
    expectDone(place.dataflow(['run']));
  });
  afterAll(() => place.remove());

  it('query --engine spark gives the rows that the embedded engine gives, at every version', async () => {
    const sql = ['query', 'select id, montant, le from silver.a where silver.a.id > 0 order by id', '--format', 'json'];
    const here = await spark(...sql);
    expect(here.stdout).toContain('9007199254740993');
    expect(await spark(...sql, '--engine', 'spark')).toEqual(here);
    const before = await spark(...sql, '--engine', 'spark', '--as-of', '0');
    expect(before).toEqual(await spark(...sql, '--as-of', '0'));
    expect(before.stdout).not.toBe(here.stdout);
  });

  it('query --engine spark takes nothing but a query, and tells the place of what is wrong', async () => {
    const ask = (...args: string[]): Promise<Ended> => spark('query', '--engine', 'spark', ...args);
    const wrong = await ask('select silver.a.id,\n  silver.a.id, nope from silver.a');
    expect(refused(wrong)).toBe('1 E_SQL');
    expect(wrong.stderr).toContain('SQL:2:16');
    expect(refused(await ask('create table made_by_query as select 1 as n'))).toBe('1 E_SQL');
    expect(refused(await ask('select * from made_by_query'))).toBe('1 E_SQL');
    expect(refused(await ask('select * from silver.nobody'))).toBe('2 E_LAKE_NO_TABLE');
    expect(refused(await ask('--candidate', 'silver.a', 'select 1'))).toBe('2 E_USAGE');
    const nowhere = builtProgram(place.folder, { SPARK_REMOTE: '' });
    expect(refused(await nowhere.run('query', '--engine', 'spark', 'select 1'))).toBe('2 E_CONFIG_INVALID');
  });

  it('a project whose engine is Spark is examined by doctor', async () => {
    const file = join(place.folder, 'pipelines.yaml');
    const duckdb = readFileSync(file, 'utf8');
    const put = (options: string): void =>
      writeFileSync(file, duckdb.replace(/^engine: .*$/m, `engine: { type: spark, ${options} }`));
    const [address = '', token = ''] = url.split('/;token=');
    put(`url: "${address}", token: "${token}"`);
    const { findings } = JSON.parse((await spark('doctor', '--json')).stdout) as { findings: readonly Finding[] };
    const said = findings.filter(({ check }) => check.startsWith('engine'));
    expect(said.map(({ check, message }) => `${check}: ${message}`)).toEqual([
      expect.stringMatching(/^engine: Spark [34]\.\d+\.\d+ answers at 127\.0\.0\.1:\d+$/),
      expect.stringMatching(/^engine catalog: catalog spark_catalog, user \w+, Delta is there$/),
      expect.stringMatching(/^engine lake: finds \w+\.a at version \d$/),
      expect.stringMatching(
        /^engine executors: tasks in the server itself \(local\[2\]\): list \d files? and read \d /,
      ),
    ]);
    put(`url: "${address}", token: "wrong-token"`);
    const denied = await spark('doctor', '--json');
    expect(denied.stdout).toContain('E_ENGINE_DENIED');
    put('url: "sc://spark.example.org/;token=in-clear"');
    const invalid = await spark('validate');
    expect(refused(invalid)).toBe('2 E_CONFIG_INVALID');
    expect(invalid.stderr).toContain('use_ssl=true');
    expect(`${denied.stdout}${invalid.stderr}`).not.toMatch(/wrong-token|in-clear/);
  });
});

interface Finding {
  readonly check: string;
  readonly message: string;
}
