import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { DuckDBInstance } from '@duckdb/node-api';
import { type BenchSettings, type Figure, milliseconds, ratioFigure } from './figure.ts';
import { median, serverCpuMs, timed } from './measure.ts';

const BINARY = resolve('bin/dataflow.js');
const LOAD = resolve('scripts/bench/http-load.mjs');
const SECONDS = 5;
const LOOK_UPS = 200;

/** A Fastify that does nothing but answer. */
const HELLO = `const app = require(${JSON.stringify(resolve('node_modules/fastify'))})();
app.get('/', async () => ({ hello: 'world' }));
app.listen({ port: 0, host: '127.0.0.1' }).then((url) => console.error(url));`;

interface Server {
  readonly url: string;
  readonly pid: number;
  readonly child: ChildProcess;
  /** From its start to the line that says where it listens. */
  readonly ready_ms: number;
  readonly ready_cpu_ms: number;
}

interface Loaded {
  readonly requests: number;
  readonly p99_ms: number;
  /** Of the server, for a request. */
  readonly cpu_ms: number;
}

/** What the server of a project with one large table takes, beside a Fastify hello and the bare engine. */
export async function serveSpeed(settings: BenchSettings): Promise<readonly Figure[]> {
  const cwd = settings.folder;
  mkdirSync(join(cwd, 'data'), { recursive: true });
  writeFileSync(join(cwd, 'data/a.csv'), 'one\n1\n');
  writeFileSync(join(cwd, 'pipelines.yaml'), projectOf(settings.rows));
  await timed(process.execPath, [BINARY, 'run'], { cwd });
  const starts: Server[] = [];
  const bare: number[] = [];
  for (let i = 0; i < settings.runs; i++) {
    const server = await started(['serve', '--port', '0'], cwd);
    starts.push(server);
    await ended(server);
    bare.push((await timed(process.execPath, [BINARY, 'query', 'select 1 as one'], { cwd })).cpu_ms);
  }
  const ours = await started(['serve', '--port', '0'], cwd);
  const hello = await started(['-e', HELLO], cwd);
  try {
    return [
      startFigure(starts, bare),
      ...(await cached(ours, hello, settings.runs)),
      await lookUp(ours, cwd, settings.rows),
      await besideAJob(ours, cwd),
    ];
  } finally {
    await Promise.all([ended(ours), ended(hello)]);
  }
}

function projectOf(rows: number): string {
  return `version: 1
name: served
sources: { a: { type: files, path: data/a.csv, settle_seconds: 0 } }
gold:
  large: { sql: "select range as id, range % 97 as part, 'customer ' || range as name, (range * 7 % 100000) / 100 as amount from range(${rows}), bronze.a", key: id }
  small: { sql: "select range as id, range * 2 as double from range(20), bronze.a", key: id }
`;
}

/** @param words of Node: a script, or ours where the first is a verb. */
async function started(words: readonly string[], cwd: string): Promise<Server> {
  const began = performance.now();
  const args = words[0] === '-e' ? words : [BINARY, ...words];
  const env = { ...process.env };
  delete env['NODE_EXTRA_CA_CERTS'];
  const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
  const pid = child.pid ?? 0;
  let text = '';
  const url = await new Promise<string>((found) => {
    const look = (piece: Buffer): void => {
      text += piece.toString();
      const at = /http:\/\/127\.0\.0\.1:\d+/.exec(text);
      if (at === null) return;
      // The log of requests is read and thrown away: whoever looked at it would take the time of a core from the server.
      child.stderr.off('data', look).resume();
      found(at[0]);
    };
    child.stderr.on('data', look);
  });
  return { url, pid, child, ready_ms: performance.now() - began, ready_cpu_ms: serverCpuMs([pid]) };
}

async function ended({ child }: Server): Promise<void> {
  const end = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  await end;
}

async function load(server: Server, path: string): Promise<Loaded> {
  const before = serverCpuMs([server.pid]);
  const { stdout } = await timed(process.execPath, [LOAD, server.url + path, '50', String(SECONDS)], {
    cwd: process.cwd(),
  });
  const { requests, p99_ms } = JSON.parse(stdout) as { requests: number; p99_ms: number };
  return { requests, p99_ms, cpu_ms: (serverCpuMs([server.pid]) - before) / requests };
}

const CACHED = '/api/v1/tables/gold/small';

/** Both alternately. What a request takes of the server's processor does not depend on who else uses the machine, so it decides. */
async function cached(ours: Server, hello: Server, runs: number): Promise<readonly Figure[]> {
  const [own, bare]: [Loaded[], Loaded[]] = [[], []];
  await load(ours, CACHED);
  await load(hello, '/');
  for (let i = 0; i < runs; i++) {
    own.push(await load(ours, CACHED));
    bare.push(await load(hello, '/'));
  }
  const of = (list: readonly Loaded[], value: (one: Loaded) => number): number => median(list.map(value));
  const rate = (list: readonly Loaded[]): number => of(list, (one) => one.requests / SECONDS);
  const ratio = of(bare, (one) => one.cpu_ms) / of(own, (one) => one.cpu_ms);
  const p99 = of(own, (one) => one.p99_ms);
  const told = (list: readonly Loaded[]): string =>
    `${(of(list, (one) => one.cpu_ms) * 1000).toFixed(0)} µs CPU, ${rate(list).toFixed(0)}/s`;
  return [
    {
      name: 'serve: cached JSON',
      ours: told(own),
      beside: told(bare),
      ratio: ratio.toFixed(2),
      limit: '≥ 0.7',
      ok: ratio >= 0.7,
      note: `a Fastify hello; processor time of the server for a request, 50 connections, median of ${runs}`,
    },
    {
      name: 'serve: p99 at 50 connections',
      ours: `${p99.toFixed(1)} ms`,
      beside: `${of(bare, (one) => one.p99_ms).toFixed(1)} ms`,
      ratio: (p99 / of(bare, (one) => one.p99_ms)).toFixed(2),
      limit: '< 10 ms',
      ok: p99 < 10,
      note: 'cached JSON; a Fastify hello beside it',
    },
  ];
}

/** One row by its key, one question at a time, beside the same of the engine over the same files. */
async function lookUp(ours: Server, cwd: string, rows: number): Promise<Figure> {
  const instance = await DuckDBInstance.create(':memory:');
  const engine = await instance.connect();
  await engine.run(`create view large as select * from read_parquet('${join(cwd, 'lake/gold/large')}/*.parquet')`);
  const prepared = await engine.prepare('select * from large where id = $1');
  const [own, bare]: [number[], number[]] = [[], []];
  for (let i = 0; i < LOOK_UPS; i++) {
    const id = (i * 7_919_003) % rows;
    own.push(await took(async () => (await fetch(`${ours.url}/api/v1/tables/gold/large/${id}`)).text()));
    prepared.bindBigInt(1, BigInt(id));
    bare.push(await took(async () => (await prepared.runAndReadAll()).getRowsJson()));
  }
  instance.closeSync();
  return ratioFigure(
    `serve: one of ${rows / 1e6}M rows by key`,
    median(own),
    median(bare),
    1.2,
    `the bare engine as it is shipped over the same files, which reads their footers each time; median of ${LOOK_UPS}`,
  );
}

/** While a run computes the large table again. */
async function besideAJob(ours: Server, cwd: string): Promise<Figure> {
  const quiet = await load(ours, CACHED);
  const job = timed(process.execPath, [BINARY, 'run', '--force'], { cwd });
  const busy = await load(ours, CACHED);
  await job;
  return ratioFigure(
    'serve: p99 beside a run',
    busy.p99_ms,
    quiet.p99_ms,
    2,
    `cached JSON at 50 connections while the table is made, beside without; p99 ${busy.p99_ms.toFixed(1)} ms`,
  );
}

async function took(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

function startFigure(starts: readonly Server[], bare: readonly number[]): Figure {
  const cpu = median(starts.map((one) => one.ready_cpu_ms));
  const engine = median(bare);
  const own = cpu - engine;
  return {
    name: 'serve: start to ready',
    ours: milliseconds(cpu),
    beside: milliseconds(engine),
    ratio: (cpu / engine).toFixed(2),
    limit: '< 300 ms more',
    ok: own < 300,
    note: `processor time; beside a query, which loads the engine; ready after ${milliseconds(median(starts.map((one) => one.ready_ms)))}`,
  };
}
