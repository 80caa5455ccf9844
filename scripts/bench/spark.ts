import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { openSparkSession, type SparkSession } from '../../src/engines/spark/session.ts';
import { makeLeash } from '../services/processes.ts';
import { startServer } from '../services/room.ts';
import { SERVERS, settingsInEnvironment } from '../services/servers.ts';
import { type BenchSettings, type Figure, ratioFigure } from './figure.ts';
import { median } from './measure.ts';

const RAW = resolve('scripts/bench/raw-spark.py');
/** 0.8 of the speed of Spark's own client. */
const LIMIT = 1.25;

interface Pass {
  readonly rows: number;
  readonly wall_ms: number;
  readonly cpu_ms: number;
}

/** Results of a query, beside Spark's own client for Python on the same server; clients are started and warm, each measures itself. */
export async function sparkResults(settings: BenchSettings): Promise<readonly Figure[]> {
  const rows = Math.min(settings.rows, 1_000_000);
  const given = settingsInEnvironment(SERVERS.spark);
  const server = given === undefined ? await startServer(SERVERS.spark, makeLeash()) : undefined;
  const { DATAFLOW_TEST_SPARK: url = '', DATAFLOW_TEST_SPARK_PYTHONPATH: path = '' } = given ?? server?.settings ?? {};
  const sql = `select id, id * 7 as n, concat('client ', id) as name, cast(id as decimal(12,2)) as amount, timestamp_micros(id * 1000000) as at from range(0, ${rows}, 1, 8)`;
  const session = await openSparkSession(url);
  // It sends a token in clear to this name only.
  const theirs = (kind: string): readonly Pass[] => {
    const args = [RAW, url.replace('127.0.0.1', 'localhost'), sql, kind, '1'];
    const said = execFileSync('python3', args, { env: { ...process.env, PYTHONPATH: path }, encoding: 'utf8' });
    return said
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => JSON.parse(line) as Pass);
  };
  try {
    const figures: Figure[] = [];
    for (const kind of ['arrow', 'rows'] as const) {
      await ours(session, sql, kind);
      const passes = { ours: [] as Pass[], raw: [] as Pass[] };
      for (let run = 0; run < settings.runs; run++) {
        passes.raw.push(...theirs(kind));
        passes.ours.push(await ours(session, sql, kind));
      }
      for (const pass of [...passes.ours, ...passes.raw])
        if (pass.rows !== rows) throw new Error(`${pass.rows} rows came instead of ${rows}`);
      const of = (side: readonly Pass[], pick: 'wall_ms' | 'cpu_ms'): number => median(side.map((pass) => pass[pick]));
      const name = `spark, ${(rows / 1e6).toFixed(1)}M rows of 5 columns ${kind === 'arrow' ? 'as Arrow' : 'as rows'}`;
      const note = `\`local[2]\`, warm, beside ${kind === 'arrow' ? '`toArrow()`' : '`collect()`'} of Spark's Python client; the server makes the rows meanwhile, on the same two cores`;
      figures.push(ratioFigure(name, of(passes.ours, 'wall_ms'), of(passes.raw, 'wall_ms'), LIMIT, note));
      const alone = 'processor time of the client alone';
      figures.push(ratioFigure(`${name}, CPU`, of(passes.ours, 'cpu_ms'), of(passes.raw, 'cpu_ms'), undefined, alone));
    }
    return figures;
  } finally {
    await session.close();
    await server?.stop();
  }
}

async function ours(session: SparkSession, sql: string, kind: 'arrow' | 'rows'): Promise<Pass> {
  const [from, cpu_from] = [performance.now(), process.cpuUsage()];
  let rows = 0;
  if (kind === 'arrow') {
    for await (const { batches } of session.batches(sql)) for (const batch of batches) rows += batch.numRows;
  } else for await (const batch of session.stream(sql)) rows += batch.rows.length;
  const { user, system } = process.cpuUsage(cpu_from);
  return { rows, wall_ms: performance.now() - from, cpu_ms: (user + system) / 1000 };
}
