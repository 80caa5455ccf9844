import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Broker } from './kafka-support.ts';
import { describeService, service, uniqueName } from './service.ts';

const postgresql = service('postgresql');

/** The example project `weather` with its topic, as its README has it. */
describeService('kafka', ({ url }) => {
  const topic = uniqueName('weather');
  const broker = new Broker(url);
  const schema = uniqueName('weather');
  const warehouse = new pg.Client({ connectionString: postgresql.url });
  let folder: string;
  let server: ChildProcess;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'dataflow-weather-topic-'));
    cpSync(resolve('fixtures/projects/weather'), folder, { recursive: true });
    const file = join(folder, 'pipelines.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('name: weather', `name: ${topic}`));
    server = spawn(process.execPath, [join(folder, 'server.mjs'), '--port', '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const stand_in = await new Promise<string>((done) => {
      server.stdout?.once('data', (text: Buffer) => done(text.toString().trim()));
    });
    const from = new Date(Date.now() - 4 * 86_400_000).toISOString().slice(0, 10);
    const weather = { WEATHER_URL: stand_in, WEATHER_ARCHIVE_URL: stand_in, WEATHER_FROM: from, WEATHER_TOPIC: topic };
    const there = { KAFKA_BROKER: url, WAREHOUSE_URL: postgresql.url, WAREHOUSE_SCHEMA: schema };
    env = { ...process.env, NO_COLOR: '1', XDG_CACHE_HOME: join(folder, '.cache'), ...there, ...weather };
    await warehouse.connect();
    await broker.make(topic);
  });
  afterAll(async () => {
    server.kill();
    await broker.close();
    await warehouse.query(`drop schema if exists ${schema} cascade`);
    await warehouse.end();
    rmSync(folder, { recursive: true, force: true });
  });

  const ok = async (...args: readonly string[]): Promise<string> => {
    const child = spawn(process.execPath, [resolve('bin/dataflow.js'), ...args, '--config', 'topic.yaml'], {
      cwd: folder,
      env,
    });
    const parts: Buffer[] = [];
    child.stdout.on('data', (part: Buffer) => parts.push(part));
    child.stderr.on('data', (part: Buffer) => parts.push(part));
    const status = await new Promise((done) => child.on('close', done));
    const text = Buffer.concat(parts).toString();
    expect(status, text).toBe(0);
    return text;
  };

  it('weather: from the API to the topic and back to PostgreSQL, the same rows', async () => {
    await ok('run', '--select', '+silver.observations');
    expect(await ok('stream', 'publish', 'weather')).toContain(`6 messages went to topic ${topic}`);
    await ok('run', '--select', 'bronze.weather+');
    const columns = 'city, time, temperature_2m, relative_humidity_2m, precipitation, wind_speed_10m';
    const of = async (table: string): Promise<unknown> =>
      JSON.parse(await ok('query', '--format', 'json', `select ${columns} from ${table} order by city, time`));
    expect(await of('silver.weather')).toEqual(await of('silver.observations'));
    expect(await ok('stream', 'publish', 'weather')).toContain('is in topic');
    await ok('verify');

    // Into the table `weather_data`, by station and time; again, nothing.
    await ok('load', 'warehouse');
    expect(await ok('load', 'warehouse')).toContain('already: 1 table, 6 rows');
    const { rows } = await warehouse.query(
      `select station as city, to_char(time, 'YYYY-MM-DD"T"HH24:MI:SS') as time, temperature::text as temperature_2m from ${schema}.weather_data order by 1`,
    );
    const lake = `select city, strftime(time, '%Y-%m-%dT%H:%M:%S') as time, temperature_2m::varchar as temperature_2m from silver.weather order by 1`;
    expect(rows).toEqual(JSON.parse(await ok('query', '--format', 'json', lake)));
  }, 180_000);
});
