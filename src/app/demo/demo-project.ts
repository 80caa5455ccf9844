import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineSession } from '../../core/ports/engine.ts';
import { refuseUsedFolder } from './new-folder.ts';
import { ordersOf } from './orders.ts';
import { SCAN, SCANS_TEXT } from './scan.ts';

/** Records of the stream, and how many come into being a second. */
export const STREAM_ROWS = 3000;
const STREAM_RATE = 3000;

const projectText = (
  api: string,
): string => `# Made by \`dataflow demo --all\`: a stream, an API and files of three kinds.
version: 1
name: demo-all
lake: { url: ./lake }

sources:
  stream: { type: fake, rate: ${STREAM_RATE}, rows: ${STREAM_ROWS}, faults: 0.02, batch: { records: 1000, wait: 200ms } }
  orders_api:                             # the API ended with the demo
    type: http
    url: "${api}/orders"
    pages: { style: page, size: 50, total: $.total }
    records: $.orders
    retry: { attempts: 4, base_ms: 50 }
    columns: &order { id: bigint, country: varchar, amount: "decimal(12,2)" }
  orders_csv: { type: files, path: data/*.csv, settle_seconds: 0, columns: *order }
  orders_json: { type: files, path: data/*.json, settle_seconds: 0, columns: *order }
  orders_parquet: { type: files, path: data/*.parquet, settle_seconds: 0, columns: *order }

silver:
  stream: { from: stream, key: id }
  orders:
    from: [orders_csv, orders_json, orders_parquet, orders_api]
    rules:
      - { not_null: [id, country, amount] }
      - { between: { column: amount, above: 0 } }
    key: id
    tests: [ { unique: id } ]

gold:
  revenue:
    sql: select country, count(*) as orders, sum(amount) as revenue from silver.orders group by country
    key: country
`;

/** Writes the project, its CSV and JSON files and its scan. @returns the configuration file. @throws DataflowError E_USAGE when something is there already. */
export function writeDemoProject(folder: string, api: string): string {
  refuseUsedFolder(folder, 'Name a new folder: dataflow demo --all FOLDER; or none, for one that goes afterwards.');
  mkdirSync(join(folder, 'data'), { recursive: true });
  const config = join(folder, 'pipelines.yaml');
  writeFileSync(config, projectText(api));
  const csv = ordersOf('orders_csv').map(({ id, country, amount }) => `${id},${country ?? ''},${amount}`);
  writeFileSync(join(folder, 'data/orders.csv'), `id,country,amount\n${csv.join('\n')}\n`);
  writeFileSync(join(folder, 'data/orders.json'), JSON.stringify(ordersOf('orders_json')));
  mkdirSync(join(folder, 'scans'));
  writeFileSync(join(folder, 'scans/invoice.png'), SCAN);
  writeFileSync(join(folder, 'scans.yaml'), SCANS_TEXT);
  return config;
}

/** Writes its Parquet file, by the engine. */
export async function writeDemoParquet(session: EngineSession, folder: string): Promise<void> {
  const text = (value: string | null): string => (value === null ? 'null' : `'${value.replaceAll("'", "''")}'`);
  const rows = ordersOf('orders_parquet').map(
    ({ id, country, amount }) => `(${id}, ${text(country)}, ${text(amount)})`,
  );
  const sql = `select id::bigint as id, country::varchar as country, amount::decimal(12,2) as amount from (values ${rows.join(', ')}) as t(id, country, amount)`;
  await session.exportFile(sql, { uri: join(folder, 'data/orders.parquet'), format: 'parquet', compression: 'zstd' });
}
