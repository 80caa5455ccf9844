import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pull } from './http/http-pull.ts';
import { json as jsonReply, scriptedHttp } from './services/faults/http-server.ts';

/** The example project `weather` as its README has it, against the stand-in server that comes with it. */
const PROJECT = resolve('fixtures/projects/weather');
const BINARY = resolve('bin/dataflow.js');
const CITIES = 6;
const DAY_MS = 86_400_000;

let folder: string;
let server: ChildProcess | undefined;
let url = '';

/** Days of history that are complete: from four days ago up to, but without, the day before yesterday. */
const from = new Date(Date.now() - 5 * DAY_MS).toISOString().slice(0, 10);

async function startServer(...args: readonly string[]): Promise<void> {
  const port = url === '' ? '0' : new URL(url).port;
  server = spawn(process.execPath, [join(folder, 'server.mjs'), '--port', port, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  url = await new Promise<string>((done, fail) => {
    server?.stdout?.once('data', (text: Buffer) => done(text.toString().trim()));
    server?.once('exit', () => fail(new Error('the stand-in server ended')));
  });
}

async function stopServer(): Promise<void> {
  const gone = new Promise((done) => server?.once('exit', done));
  server?.kill();
  await gone;
  server = undefined;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dataflow-weather-'));
  cpSync(PROJECT, folder, { recursive: true });
  await startServer('--limit', '20');
});
afterAll(async () => {
  if (server !== undefined) await stopServer();
  rmSync(folder, { recursive: true, force: true });
});

async function dataflow(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [BINARY, ...args], {
    cwd: folder,
    env: {
      ...process.env,
      NO_COLOR: '1',
      WEATHER_URL: url,
      WEATHER_ARCHIVE_URL: url,
      WEATHER_FROM: from,
      WEATHER_EVERY: '0s',
      ...env,
    },
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const signal = await new Promise((done) => child.once('close', (_, by) => done(by)));
  return {
    status: child.exitCode,
    signal,
    stdout: Buffer.concat(out).toString(),
    stderr: Buffer.concat(err).toString(),
  };
}

async function query<T>(sql: string): Promise<readonly T[]> {
  return JSON.parse((await dataflow(['query', sql, '--format', 'json'])).stdout) as readonly T[];
}

const asked = async () =>
  (await (await fetch(`${url}/requests`)).json()) as { forecast: number; archive: number; refused: number };

describe('the weather project', { timeout: 180_000 }, () => {
  let days = 0;

  it('takes current weather and history; 429 with Retry-After is obeyed; a kill costs nothing', async () => {
    const died = await dataflow(['run'], { DATAFLOW_FAULT: 'landing-after-seal:kill@1' });
    expect(died.signal).toBe('SIGKILL');
    const done = await dataflow(['run']);
    expect(done.status, done.stderr).toBe(0);
    const [collected] = await query<{ days: number; hours: number }>(
      'select count(*) as days, sum(hours) as hours from gold.collected',
    );
    days = Number(collected?.days) / CITIES;
    expect(days).toBeGreaterThanOrEqual(2);
    expect(Number(collected?.hours)).toBe(days * CITIES * 24);
    const latest = await query<{ city: string; temperature: string }>(
      'select city, temperature from gold.latest order by city',
    );
    expect(latest.map(({ city }) => city)).toEqual(['Casablanca', 'Dakar', 'Lyon', 'Marseille', 'Montréal', 'Paris']);
    const counts = await asked();
    // More than twenty requests in ten seconds are refused; those that were answered were each asked once, but for the one that was
    // under way when the program was killed.
    expect(counts.archive).toBeGreaterThanOrEqual(days * CITIES);
    expect(counts.archive).toBeLessThanOrEqual(days * CITIES + 1);
    if (counts.refused > 0) expect(done.stderr).toMatch(/status 429: .*waiting .* as it asks \(Retry-After\)/);
  });

  it('asks for no day twice, and for the current weather again', async () => {
    const before = await asked();
    expect((await dataflow(['run'])).status).toBe(0);
    const after = await asked();
    expect(after.archive).toBe(before.archive);
    expect(after.forecast).toBe(before.forecast + CITIES);
    const [rows] = await query<{ all: number; distinct: number }>(
      'select count(*) as all, count(distinct (city, time)) as distinct from silver.observations',
    );
    expect(Number(rows?.all)).toBe(Number(rows?.distinct));
  });

  it('takes everything again from what was kept, with the server stopped', async () => {
    const rows = () => query('select * exclude (_file) from bronze.history order by all');
    const before = await rows();
    await stopServer();
    const done = await dataflow(['run', '--full-refresh', '--force', '--select', 'current', '--select', 'history']);
    expect(done.status, done.stderr).toBe(0);
    expect(await rows()).toEqual(before);
    expect((await dataflow(['verify'])).status).toBe(0);
    // And goes on where it was.
    await startServer();
    expect((await dataflow(['run'])).status).toBe(0);
    expect((await asked()).archive).toBe(0);
  });

  it('a city that is added begins at the start, without asking for the others again', async () => {
    const file = join(folder, 'cities.csv');
    const { writeFileSync } = await import('node:fs');
    writeFileSync(file, `${readFileSync(file, 'utf8')}Reykjavik,Islande,64.1466,-21.9426\n`);
    expect((await dataflow(['run'])).status).toBe(0);
    expect((await asked()).archive).toBe(days);
  });
});

it('answers of the real service are read as those of the stand-in', async () => {
  const scripted = await scriptedHttp();
  try {
    const sample = (name: string) => readFileSync(join(PROJECT, 'samples', name), 'utf8');
    scripted.script('GET /f', [{ body: sample('forecast.json') }]);
    scripted.script('GET /a', [{ body: sample('archive.json') }, jsonReply({})]);
    const current = await pull({ url: `${scripted.url}/f`, records: '$.current', add: { elevation: '$.elevation' } });
    expect(current.text).toContain('"precipitation":0.00,"wind_speed_10m":11.2,"elevation":38.0}');
    const hourly = await pull({ url: `${scripted.url}/a`, records: '$.hourly', columnar: true });
    expect(hourly.text.split('\n')[2]).toBe('{"time":"2026-11-15T02:00","temperature_2m":null,"precipitation":0.00}');
  } finally {
    await scripted.close();
  }
});
