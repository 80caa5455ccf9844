import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type BuiltProgram, builtProgram, type Ended } from './built-program.ts';
import { describeService } from './service.ts';

const SILVER = ['clients', 'achats'].map((name) => `silver.${name}`);
const GOLD = ['dim_clients', 'dim_produits', 'dim_temps', 'fact_ventes', 'kpi_ca_par_jour', 'kpi_ca_par_mois']
  .concat(['kpi_ca_par_pays', 'kpi_volume_par_produit', 'kpi_top_clients', 'kpi_stats_distribution'])
  .map((name) => `gold.${name}`);
/** Of a rejected row all but the run and its time. */
const REJECTED = 'quarantine_id, rule, reason, column_name, file, line, raw, row_key, origin, retryable';
const ARRIVED = `id_achat,id_client,date_achat,montant,produit
900001,999999,2024-01-01,10.00,Souris
900002,1,2024-13-01,10.00,Souris
900003,1,2024-01-02,abc,Souris
900004,1,2024-01-03,12.5,Écran
900005,2,2024-01-04,19.99,  tablette 
900005,2,2024-01-04,20.99,Tablette
`;

// A server that has just started takes long for its first answers of each kind where other tests keep the cores busy.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 });

describeService('spark', ({ url }) => {
  const root = mkdtempSync(join(tmpdir(), 'dataflow-spark-steps-'));
  const [here, there] = ['here', 'there'].map((name) => builtProgram(join(root, name), { SPARK_REMOTE: url })) as [
    BuiltProgram,
    BuiltProgram,
  ];
  const nowhere = builtProgram(join(root, 'there'), { SPARK_REMOTE: 'sc://127.0.0.1:1' });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  /** Every row of these tables as text, in an order of its own, with the types of the columns. */
  const tablesOf = async (program: BuiltProgram, tables: readonly string[]): Promise<Record<string, unknown>> => {
    const found: Record<string, unknown> = {};
    for (const table of tables) {
      const columns = table.startsWith('quarantine') ? REJECTED : '*';
      const sql = `select ${columns} from ${table} order by all`;
      const asked = await program.run('query', '--engine', 'duckdb', sql, '--format', 'json');
      expect(asked, `${table}: ${asked.stderr}`).toMatchObject({ code: 0 });
      found[table] = JSON.parse(asked.stdout);
    }
    return found;
  };
  const stepsOf = async (ended: Promise<Ended>): Promise<Record<string, unknown>> => {
    const { code, stdout, stderr } = await ended;
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    const { steps } = JSON.parse(stdout) as { steps: readonly { step: string; status: string; balance?: object }[] };
    return Object.fromEntries(steps.map(({ step, status, balance }) => [step, { status, balance }]));
  };
  const run = (program: BuiltProgram, ...args: readonly string[]) =>
    stepsOf(program.run('run', ...args, '--format', 'json'));

  beforeAll(async () => {
    for (const name of ['pipelines.yaml', 'models']) cpSync(name, join(root, 'here', name), { recursive: true });
    expect(await here.run('generate', '--seed', '1', '--rows', '300', '--bad', '0.05')).toMatchObject({ code: 0 });
    cpSync(join(root, 'here'), join(root, 'there'), { recursive: true, preserveTimestamps: true });
    writeFileSync(join(root, 'there/pipelines.yaml'), 'engine: { type: spark }\n', { flag: 'a' });
  });

  it('a killed run published nothing that was not tested; the next one gives every table of silver and gold as the embedded engine does', async () => {
    const killed = builtProgram(join(root, 'there'), { SPARK_REMOTE: url, DATAFLOW_FAULT: 'after-stage:kill' });
    expect(await killed.run('run')).toMatchObject({ killed: true });
    expect((await there.run('query', 'select 1 from silver.clients', '--engine', 'duckdb')).stderr).toContain(
      'E_LAKE_NO_TABLE',
    );
    const [ours, theirs] = [await run(here), await run(there)];
    expect(theirs).toEqual({
      ...ours,
      'bronze.clients': theirs['bronze.clients'],
      'bronze.achats': theirs['bronze.achats'],
    });
    const tables = [...SILVER, ...GOLD, 'quarantine.silver_clients', 'quarantine.silver_achats'];
    expect(await tablesOf(there, tables)).toEqual(await tablesOf(here, tables));
    expect(await there.run('verify')).toMatchObject({ code: 0 });
  });

  it('a run that has nothing to compute asks nobody', async () => {
    expect(await nowhere.run('run')).toMatchObject({ code: 0 });
  });

  it('rows that came are merged and refreshed as here; without the server nothing is published and all is done later', async () => {
    for (const name of ['here', 'there']) writeFileSync(join(root, name, 'data/achats-2.csv'), ARRIVED);
    const asked = ['--select', '+gold.kpi_ca_par_jour'];
    const failed = await nowhere.run('run', ...asked);
    expect(failed.stderr).toContain('E_ENGINE_UNREACHABLE');
    expect(failed.code).toBe(4);
    const [ours, theirs] = [await run(here, ...asked), await run(there, ...asked)];
    const computed = ['silver.achats', 'gold.kpi_ca_par_jour'];
    for (const step of computed) expect(theirs[step], step).toEqual(ours[step]);
    const tables = [...computed, 'quarantine.silver_achats'];
    expect(await tablesOf(there, tables)).toEqual(await tablesOf(here, tables));
    expect(await there.run('undo')).toMatchObject({ code: 0 });
    expect(await there.run('verify')).toMatchObject({ code: 0 });
  });
});
