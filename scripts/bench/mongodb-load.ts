import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { MongoClient } from 'mongodb';
import { makeLeash } from '../services/processes.ts';
import { startServer } from '../services/room.ts';
import { SERVERS } from '../services/servers.ts';
import { type BenchSettings, type Figure, ratioFigure } from './figure.ts';
import { INVOICES_SQL, loadMemory } from './load-memory.ts';
import { median, timed } from './measure.ts';

const BINARY = resolve('bin/dataflow.js');
const RAW = resolve('scripts/bench/raw-mongodb.mjs');
const LIMIT = 1.1;

const CONFIG = (url: string) => `version: 1
name: bench
connections:
  mongo: { type: mongodb, url: "${url}", database: ours }
sources:
  n: { type: files, path: n.csv, columns: { upto: bigint } }
gold:
  factures: { sql: "${INVOICES_SQL}", key: id }
loads:
  mongo: { connection: mongo, tables: [gold.factures] }
`;

/** A table of gold into MongoDB, whole (built beside, indexed, counted, swapped), beside a bare loop of unordered bulk writes of the same documents. */
export async function mongodbLoad(settings: BenchSettings): Promise<readonly Figure[]> {
  const rows = Math.min(settings.rows, 500_000);
  const server = await startServer(SERVERS.mongodb, makeLeash());
  const url = server.settings['DATAFLOW_TEST_MONGODB'] ?? '';
  const client = await MongoClient.connect(url);
  try {
    const cwd = settings.folder;
    rmSync(join(cwd, 'lake'), { recursive: true, force: true });
    writeFileSync(join(cwd, 'pipelines.yaml'), CONFIG(url));
    writeFileSync(join(cwd, 'n.csv'), `upto\n${rows}\n`);
    const ours = async (...args: string[]): Promise<number> =>
      (await timed(process.execPath, [BINARY, ...args], { cwd })).wall_ms;
    await ours('run');
    const query = 'select * replace (cast(montant as varchar) as montant) from gold.factures';
    await ours('export', 'data', '--query', query, '--to', 'rows.ndjson', '--force');
    const times = { whole: [] as number[], raw: [] as number[], again: [] as number[] };
    for (let i = 0; i < settings.runs; i++) {
      times.raw.push((await timed(process.execPath, [RAW, url, 'raw', 'rows.ndjson'], { cwd })).wall_ms);
      await client.db('ours').dropDatabase();
      times.whole.push(await ours('load'));
      times.again.push(await ours('load'));
    }
    const size = `${(statSync(join(cwd, 'rows.ndjson')).size / 1e6).toFixed(0)} MB`;
    const note =
      'from Parquet to an indexed collection that was counted and swapped into place, beside a loop over NDJSON with bulkWrite (1000, unordered) and the same index';
    const name = `mongodb, load of ${(rows / 1e3).toFixed(0)}k documents`;
    return [
      ratioFigure(`${name}, ${size}`, median(times.whole), median(times.raw), LIMIT, note),
      ratioFigure(
        `${name}, the same release again`,
        median(times.again),
        median(times.whole),
        undefined,
        'beside the load itself',
      ),
      await loadMemory('mongodb', `{ type: mongodb, url: "${url}", database: memory }`, 4 * rows, settings),
    ];
  } finally {
    await client.close();
    await server.stop();
  }
}
