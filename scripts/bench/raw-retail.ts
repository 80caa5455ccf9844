import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { RawTable } from './raw-tables.ts';

/**
 * The peer of the full-run benchmark: what a careful person would write by hand in DuckDB for the same tables. Same SQL, same
 * Parquet compression, same threads and memory limit; no hashing, no balances, no tests, no quarantine, no log, no fsync.
 * Usage: raw-retail DATA OUT THREADS MEMORY TABLES.json
 */
const SILVER = {
  clients: `select id_client, nom, email, cast(try_cast(date_inscription as timestamp) as date) as date_inscription, title_case(strip(pays)) as pays
    from bronze.clients
    where id_client is not null and nom is not null and email is not null and pays is not null and regexp_matches(email, '@')
      and isfinite(cast(try_cast(date_inscription as timestamp) as date))
    qualify row_number() over (partition by id_client order by rn) = 1`,
  achats: `select id_achat, a.id_client, date_achat, montant, produit from (
      select id_achat, id_client, cast(try_cast(date_achat as timestamp) as date) as date_achat, try_cast(montant as decimal(18,8)) as montant,
        title_case(strip(produit)) as produit, row_number() over (partition by id_achat order by rn) as n
      from bronze.achats) a semi join silver.clients c on a.id_client = c.id_client
    where n = 1 and id_achat is not null and produit is not null and montant > 0 and montant <= 10000 and isfinite(date_achat) and date_achat <= current_date`,
};

async function main(
  data: string,
  out: string,
  threads: string,
  memory: string,
  tables: readonly RawTable[],
): Promise<void> {
  mkdirSync(out, { recursive: true });
  const instance = await DuckDBInstance.create(':memory:', {
    threads,
    memory_limit: memory,
    temp_directory: join(out, 'tmp'),
  });
  const db = await instance.connect();
  for (const layer of ['bronze', 'silver', 'gold']) await db.run(`create schema ${layer}`);
  const make = async (layer: string, name: string, sql: string, view: (file: string) => string): Promise<void> => {
    const file = join(out, `${layer}_${name}.parquet`);
    await db.run(`copy (${sql}) to '${file}' (format parquet, compression zstd)`).catch((e) => {
      console.error(layer, name, String(e).slice(0, 300));
      throw e;
    });
    await db.run(`create view ${layer}.${name} as ${view(file)}`);
  };
  for (const table of tables.filter((one) => one.layer === 'macro')) await db.run(table.sql);
  const columns = {
    clients: "{'id_client':'bigint','nom':'varchar','email':'varchar','date_inscription':'varchar','pays':'varchar'}",
    achats: "{'id_achat':'bigint','id_client':'bigint','date_achat':'varchar','montant':'varchar','produit':'varchar'}",
  };
  for (const name of ['clients', 'achats'] as const) {
    const csv = `select * from read_csv('${join(data, `${name}*.csv`)}', columns=${columns[name]}, header=true, delim=',', quote='"', escape='"', auto_detect=false)`;
    await make(
      'bronze',
      name,
      csv,
      (file) => `select *, file_row_number as rn from read_parquet('${file}', file_row_number=true)`,
    );
  }
  for (const name of ['clients', 'achats'] as const)
    await make('silver', name, SILVER[name], (file) => `select * from '${file}'`);
  for (const table of tables.filter((one) => one.layer === 'gold'))
    await make('gold', table.name, table.sql, (file) => `select * from '${file}'`);
  db.closeSync();
}

const [data = '', out = '', threads = '2', memory = '4GB', tables = '[]'] = process.argv.slice(2);
await main(data, out, threads, memory, JSON.parse(tables) as RawTable[]);
