import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { builtProgram } from './built-program.ts';
import { describeService, uniqueName } from './service.ts';

const CONFIG = (place: string): string => `version: 1
name: factures
connections:
  erp: { type: postgres, url: "\${ERP_URL}" }
sources:
  pays: { type: postgres, connection: erp, table: ${place}.pays }
  factures: { type: postgres, connection: erp, table: ${place}.factures, cursor: { column: updated_at, overlap: 5m }, key: id }
silver:
  pays: { from: pays, key: code }
  factures: { from: factures, key: id, dedupe: { keep: last, by: updated_at } }
gold:
  par_pays:
    sql: |
      select p.nom, count(*) as factures, sum(f.montant) as montant
      from silver.factures f join silver.pays p on p.code = f.pays group by all
    key: nom
`;

describeService('postgresql', ({ url }) => {
  const place = uniqueName('sales');
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-postgres-'));
  const program = builtProgram(folder, { ERP_URL: url });
  const client = new pg.Client({ connectionString: url });

  beforeAll(async () => {
    await client.connect();
    await client.query(`create schema ${place}; set search_path to ${place};
      create table pays (code text primary key, nom text);
      insert into pays values ('FR', 'France'), ('MA', 'Maroc'), ('BE', 'Belgique');
      create table factures (id int primary key, pays text, montant numeric(12,2), updated_at timestamptz default clock_timestamp());
      insert into factures select i, (array['FR', 'MA', 'BE'])[1 + i % 3], i * 1.10 from generate_series(1, 100) i`);
    writeFileSync(join(folder, 'pipelines.yaml'), CONFIG(place));
  });
  afterAll(async () => {
    await client.query(`drop schema ${place} cascade`);
    await client.end();
    rmSync(folder, { recursive: true, force: true });
  });

  const inDatabase = async () =>
    (
      await client.query(
        'select p.nom, count(*)::text as factures, sum(f.montant)::text as montant from factures f join pays p on p.code = f.pays group by 1 order by 1',
      )
    ).rows;
  const inLake = () =>
    program.rows(
      'select nom, factures::varchar as factures, montant::varchar as montant from gold.par_pays order by nom',
    );

  it('silver and gold follow the database: inserts, updates, late commits, and rows that are gone from a table read whole', async () => {
    const first = await program.run('run');
    expect(first.code, first.stderr).toBe(0);
    expect(await inLake()).toEqual(await inDatabase());

    const late = new pg.Client({ connectionString: url });
    await late.connect();
    await late.query(`begin; insert into ${place}.factures values (200, 'FR', 7.77, clock_timestamp())`);
    await client.query(`delete from pays where code = 'BE';
      update factures set montant = 1000, updated_at = clock_timestamp() where id = 2;
      insert into factures values (101, 'FR', 5)`);
    const plan = await program.run('plan', '--format', 'json');
    expect(plan.stdout).toContain('2 rows after');
    expect((await program.run('run')).code).toBe(0);
    expect(await inLake()).toEqual(await inDatabase());
    await late.query('commit');
    await late.end();
    expect((await program.run('run')).code).toBe(0);
    expect(await inLake()).toEqual(await inDatabase());

    const again = await program.run('run', '--format', 'json');
    expect(again.code).toBe(0);
    expect(again.stdout).not.toContain('"published"');
    const [counted] = await program.rows('select count(*)::varchar as n from bronze.factures');
    expect(counted?.['n']).toBe('103'); // 100, one of them twice, and two
    expect((await program.run('verify')).code).toBe(0);
  });

  it('a database that is away is worth trying again, and leaves everything as it is', async () => {
    const before = await inLake();
    const away = builtProgram(folder, { ERP_URL: url.replace(/:\d+\//, ':9/') });
    const { code, stderr } = await away.run('run');
    expect(code).toBe(5);
    expect(stderr).toContain('E_SOURCE_UNREACHABLE');
    expect(stderr).not.toContain(new URL(url).password);
    expect(await inLake()).toEqual(before);
  });
});
