import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

/**
 * Retail files of any size, made by the engine: purchases in the order of their days, about one row in a thousand faulty in some way.
 * `from_row` continues an earlier file: the new rows are on the seven days after it. `days`: over how many days the others are spread.
 */
export async function makeRetail(
  folder: string,
  rows: number,
  options: { readonly from_row?: number; readonly name?: string; readonly days?: number } = {},
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const db = await (await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '4GB' })).connect();
  const from = options.from_row ?? 0;
  const clients = Math.max(1500, Math.round((from === 0 ? rows : from) / 5.5));
  if (from === 0) {
    await db.run(`copy (select i + 1 as id_client, 'Nom ' || i as nom, case when hash(i, 5) % 1000 = 0 then 'sans-arobase' else 'client' || i || '@example.org' end as email,
      date '2020-01-01' + (hash(i, 1) % 1000)::integer as date_inscription,
      ['France','Belgique','Suisse','Luxembourg','Canada','Allemagne','Espagne','Italie','Royaume-Uni'][1 + (hash(i, 2) % 9)::integer] as pays
      from range(${clients}) t(i)) to '${join(folder, 'clients.csv')}' (header)`);
  }
  const days = options.days ?? 720;
  const day =
    from === 0 ? `((i * ${days} // ${rows}) - ${days})::integer` : `(((i - ${from}) * 7 // ${rows}))::integer`;
  await db.run(`copy (select i + 1 as id_achat, 1 + (hash(i, 3) % ${clients})::bigint as id_client, date '2024-12-21' + ${day} as date_achat,
      case when hash(i, 4) % 1000 = 0 then '-1.00' else cast(round(10 + (hash(i, 6) % 199000) / 100.0, 2) as decimal(12,2))::varchar end as montant,
      ['Casque Audio','Clavier','Enceinte','Imprimante','Montre Connectée','Ordinateur','Smartphone','Souris','Tablette','Écran'][1 + (hash(i, 7) % 10)::integer] as produit
      from range(${from}, ${from + rows}) t(i)) to '${join(folder, `${options.name ?? 'achats'}.csv`)}' (header)`);
  db.closeSync();
}
