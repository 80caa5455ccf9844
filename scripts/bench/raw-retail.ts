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
  clients: `select id_client, nom, email, try_cast(date_inscription as date) as date_inscription, title_case(trim(pays)) as pays
    from (select *, row_number() over (partition by id_client order by rn) as n from bronze.clients)
    where (n = 1) and id_client is not null and nom is not null and email is not null and pays is not null and contains(email, '@')
      and try_cast(date_inscription as date) is not null`,
  achats: `select id_achat, id_client, try_cast(date_achat as date) as date_achat, try_cast(montant as decimal(18,4)) as montant, title_case(trim(produit)) as produit
    from (select *, row_number() over (partition by id_achat order by rn) as n from bronze.achats)
    where n = 1 and id_achat is not null and id_client in (select id_client from silver.clients) and produit is not null
      and try_cast(montant as decimal(18,4)) > 0 and try_cast(montant as decimal(18,4)) <= 10000
      and try_cast(date_achat as date) <= current_date`,
};

async function main(data: string, out: string, threads: string, memory: string, tables: readonly RawTable[]): Promise<void> {
  mkdirSync(out, { recursive: true });
  const instance = await DuckDBInstance.create(':memory:', { threads, memory_limit: memory, temp_directory: join(out, 'tmp') });
  const db = await instance.connect();
  for (const layer of ['bronze', 'silver', 'gold']) await db.run(`create schema ${layer}`);
  const make = async (layer: string, name: string, sql: string, view: (file: string) => string): Promise<void> => {
    const file = join(out, `${layer}_${name}.parquet`);
    await db.run(`copy (${sql}) to '${file}' (format parquet, compression zstd)`);
    await db.run(`create view ${layer}.${name} as ${view(file)}`);
  };
  for (const table of tables.filter((one) => one.layer === 'macro')) await db.run(table.sql);
  const columns = {
    clients: "{'id_client':'bigint','nom':'varchar','email':'varchar','date_inscription':'varchar','pays':'varchar'}",
    achats: "{'id_achat':'bigint','id_client':'bigint','date_achat':'varchar','montant':'varchar','produit':'varchar'}",
  };
  for (const name of ['clients', 'achats'] as const) {
    const csv = `select * from read_csv('${join(data, `${name}*.csv`)}', columns=${columns[name]}, header=true, delim=',', quote='"', escape='"', auto_detect=false)`;
    await make('bronze', name, csv, (file) => `select *, file_row_number as rn from read_parquet('${file}', file_row_number=true)`);
  }
  for (const name of ['clients', 'achats'] as const) await make('silver', name, SILVER[name], (file) => `select * from '${file}'`);
  for (const table of tables.filter((one) => one.layer === 'gold')) await make('gold', table.name, table.sql, (file) => `select * from '${file}'`);
  db.closeSync();
}

const [data = '', out = '', threads = '2', memory = '4GB', tables = '[]'] = process.argv.slice(2);
await main(data, out, threads, memory, JSON.parse(tables) as RawTable[]);
