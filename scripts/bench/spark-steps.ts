import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { openSparkSession, type SparkSession } from '../../src/engines/spark/session.ts';
import { makeLeash } from '../services/processes.ts';
import { startServer } from '../services/room.ts';
import { SERVERS, settingsInEnvironment } from '../services/servers.ts';
import { type BenchSettings, type Figure, ratioFigure } from './figure.ts';
import { median, timed } from './measure.ts';

const BINARY = resolve('bin/dataflow.js');
const STEPS = 100;
/** Tables that both compute, in words that mean the same in both dialects. */
const LARGE = {
  fact: 'select s.id, s.client_id, s.day, p.label, s.quantity, cast(s.amount * s.quantity as decimal(18,2)) as total from silver.sales s join silver.products p on s.product_id = p.product_id',
  per_client:
    'select client_id, count(*) as n, sum(amount) as amount, max(day) as last_day from silver.sales group by client_id',
};
const SMALL = Object.fromEntries(
  Array.from({ length: STEPS }, (_, at) => [
    `small_${String(at).padStart(3, '0')}`,
    `select product_id, label, product_id + ${at} as n from silver.products`,
  ]),
);

/** Tables computed on Spark by `dataflow run`, beside the bare queries: the same ones on the same warm server, written to Parquet by one statement each. */
export async function sparkSteps(settings: BenchSettings): Promise<readonly Figure[]> {
  const given = settingsInEnvironment(SERVERS.spark);
  const server = given === undefined ? await startServer(SERVERS.spark, makeLeash()) : undefined;
  const { DATAFLOW_TEST_SPARK: url = '' } = given ?? server?.settings ?? {};
  const session = await openSparkSession(url);
  const cwd = settings.folder;
  process.env['SPARK_REMOTE'] = url;
  try {
    await inputs(cwd, settings.rows);
    writeFileSync(join(cwd, 'pipelines.yaml'), project());
    await timed(process.execPath, [BINARY, 'run'], { cwd });
    const pair = async (of: Readonly<Record<string, string>>): Promise<readonly [ours: number, bare: number]> => {
      const tables = Object.keys(of).map((name) => `gold.${name}`);
      const [ours, bare] = [[] as number[], [] as number[]];
      await bareQueries(session, cwd, of);
      for (let pass = 0; pass < settings.runs; pass++) {
        bare.push(await bareQueries(session, cwd, of));
        const args = [BINARY, 'run', '--force', '--format', 'json', '--select', ...tables];
        const { wall_ms, stdout } = await timed(process.execPath, args, { cwd });
        const { steps } = JSON.parse(stdout) as { steps: readonly { status: string }[] };
        const made = steps.filter(({ status }) => status === 'succeeded').length;
        if (made !== tables.length) throw new Error(`${made} of ${tables.length} tables were made`);
        ours.push(wall_ms);
      }
      return [median(ours), median(bare)];
    };
    const size = `${(settings.rows / 1e6).toFixed(1)}M rows`;
    const large = await pair(LARGE);
    const small = await pair(SMALL);
    return [
      ratioFigure(
        `spark, two tables of ${size}`,
        ...large,
        1.05,
        '`local[2]`, warm: `dataflow run` from its start to the release, with statistics, SHA-256 and tests of the files, beside the same two queries written to Parquet by the same server',
      ),
      ratioFigure(
        `spark, ${STEPS} trivial tables`,
        ...small,
        1.2,
        'the same for a hundred queries of ten rows, one session for all of them',
      ),
    ];
  } finally {
    await session.close();
    await server?.stop();
  }
}

async function bareQueries(session: SparkSession, cwd: string, of: Readonly<Record<string, string>>): Promise<number> {
  const folder = join(cwd, 'bare');
  rmSync(folder, { recursive: true, force: true });
  const started = performance.now();
  for (const [name, sql] of Object.entries(of)) {
    const query = sql.replace(/silver\.(\w+)/g, (_, table: string) => `delta.\`${join(cwd, 'lake/silver', table)}\``);
    await session.run(
      `insert overwrite directory '${join(folder, name)}' using parquet options (compression 'zstd') ${query}`,
    );
  }
  return performance.now() - started;
}

function project(): string {
  const models = Object.entries({ ...LARGE, ...SMALL }).map(([name, sql]) => `  ${name}: { sql: "${sql}" }`);
  return `version: 1
name: bench
lake: { url: ./lake }
engine: { type: spark }
sources:
  sales: { type: files, path: sales.parquet, settle_seconds: 0 }
  products: { type: files, path: products.parquet, settle_seconds: 0 }
silver:
  sales: { from: sales, key: id }
  products: { from: products, key: product_id }
gold:
${models.join('\n')}
`;
}

async function inputs(cwd: string, rows: number): Promise<void> {
  mkdirSync(cwd, { recursive: true });
  const engine = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await engine.connect();
  await connection.run(
    `copy (select i as id, (i * 7919) % 200000 as client_id, (i * 31) % 10 as product_id, date '2024-01-01' + (i % 700)::integer as day, (1 + i % 5)::integer as quantity, ((i * 104729) % 100000 / 100.0)::decimal(12,2) as amount from range(${rows}) t(i)) to '${join(cwd, 'sales.parquet')}' (format parquet, compression zstd)`,
  );
  await connection.run(
    `copy (select i as product_id, 'product ' || i as label from range(10) t(i)) to '${join(cwd, 'products.parquet')}' (format parquet)`,
  );
  connection.closeSync();
  engine.closeSync();
}
