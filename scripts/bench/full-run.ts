import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { parse } from 'yaml';
import { SQL_FUNCTIONS } from '../../src/core/model/functions.ts';
import { type BenchSettings, type Figure, ratioFigure } from './figure.ts';
import { type Measured, median, timed } from './measure.ts';
import type { RawTable } from './raw-tables.ts';
import { makeRetail } from './retail-data.ts';

const BINARY = resolve('bin/dataflow.js');
const THREADS = '2';
const MEMORY = '4GB';

/** Retail from CSV to gold, beside the hand-written script; both start from nothing each time and write to the same disk. */
export async function fullRun(settings: BenchSettings): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const [rows, limit] of [
    [settings.rows / 10, 1.25],
    [settings.rows, 1.1],
  ] as const) {
    const cwd = join(settings.folder, String(rows));
    retailProject(cwd);
    await makeRetail(join(cwd, 'data'), rows);
    const script = await rawScript(cwd);
    const ours: Measured[] = [];
    const raw: Measured[] = [];
    for (let i = 0; i < settings.runs; i++) {
      rmSync(join(cwd, 'lake'), { recursive: true, force: true });
      rmSync(join(cwd, 'raw'), { recursive: true, force: true });
      raw.push(
        await timed(
          process.execPath,
          [script, join(cwd, 'data'), join(cwd, 'raw'), THREADS, MEMORY, JSON.stringify(rawTables())],
          { cwd },
        ),
      );
      ours.push(await timed(process.execPath, [BINARY, 'run'], { cwd }));
    }
    const size = `${(rows / 1e6).toLocaleString('en')}M rows`;
    const note = `${settings.runs} runs each; hashes, balances, tests, fsync against one DuckDB script without them`;
    figures.push(
      ratioFigure(
        `CSV to gold, ${size}`,
        median(ours.map((one) => one.wall_ms)),
        median(raw.map((one) => one.wall_ms)),
        limit,
        note,
      ),
    );
    figures.push(
      memoryFigure(
        `memory, ${size}`,
        Math.max(...ours.map((one) => one.peak_rss_mb)),
        Math.max(...raw.map((one) => one.peak_rss_mb)),
      ),
    );
  }
  return figures;
}

function memoryFigure(name: string, ours_mb: number, raw_mb: number): Figure {
  return {
    name,
    ours: `${ours_mb.toFixed(0)} MB`,
    beside: `${raw_mb.toFixed(0)} MB`,
    ratio: (ours_mb / raw_mb).toFixed(2),
    limit: '4 GB + 250 MB',
    ok: ours_mb <= 4000 + 250,
    note: 'peak resident set under memory_limit 4GB',
  };
}

/** The retail project in a folder of its own, with the threads and memory of the benchmark. */
export function retailProject(folder: string): void {
  mkdirSync(folder, { recursive: true });
  cpSync('models', join(folder, 'models'), { recursive: true });
  const text = readFileSync('pipelines.yaml', 'utf8').replace(
    /^lake: .*$/m,
    `lake: { url: ./lake }\nengine: { type: duckdb, threads: ${THREADS}, memory_limit: ${MEMORY} }`,
  );
  writeFileSync(join(folder, 'pipelines.yaml'), text);
}

function rawTables(): readonly RawTable[] {
  const project = parse(readFileSync('pipelines.yaml', 'utf8')) as { gold: Record<string, { sql: string }> };
  const macros = SQL_FUNCTIONS.map(({ name, params, body }) => ({
    layer: 'macro' as const,
    name,
    sql: `create macro ${name}(${params.join(', ')}) as ${body}`,
  }));
  const gold = Object.entries(project.gold).map(([name, { sql }]) => ({
    layer: 'gold' as const,
    name,
    sql: readFileSync(sql, 'utf8'),
  }));
  return [...macros, ...gold];
}

async function rawScript(cwd: string): Promise<string> {
  const outfile = join(cwd, 'raw-retail.mjs');
  await build({
    entryPoints: ['scripts/bench/raw-retail.ts'],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outfile,
    packages: 'external',
    logLevel: 'error',
  });
  return outfile;
}
