import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { MongoClient } from 'mongodb';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BuiltProgram, builtProgram } from './built-program.ts';
import { expectParity } from './expect-parity.ts';
import { describeService, service, uniqueName } from './service.ts';

interface Asset {
  readonly id: string;
  readonly priceUsd: string;
}
interface Observation extends Asset {
  readonly timestamp: number;
}

const PROJECT = resolve('fixtures/projects/crypto');
const DIGITS = 16;

/** A price as a whole number of 10^-16; undefined when it is none that counts. */
function units(price: string): bigint | undefined {
  const [, whole = '', fraction = ''] = /^(\d+)(?:\.(\d{1,16}))?$/.exec(price) ?? [];
  return whole === '' ? undefined : BigInt(whole + fraction.padEnd(DIGITS, '0'));
}

/** The candles, computed again from the observations without an engine. */
function candles(observations: readonly Observation[]): readonly string[] {
  const seen = new Map<string, Observation>();
  for (const one of observations)
    if (units(one.priceUsd) !== undefined)
      seen.set(`${one.id} ${one.timestamp}`, seen.get(`${one.id} ${one.timestamp}`) ?? one);
  const hours = new Map<string, Observation[]>();
  for (const one of [...seen.values()].sort((a, b) => a.timestamp - b.timestamp)) {
    const hour = `${one.id} ${new Date(one.timestamp).toISOString().slice(0, 13)}`;
    hours.set(hour, [...(hours.get(hour) ?? []), one]);
  }
  return [...hours]
    .map(([hour, all]) => {
      const prices = all.map((one) => units(one.priceUsd) ?? 0n);
      const sorted = [...prices].sort((a, b) => (a < b ? -1 : 1));
      return [hour, prices[0], sorted.at(-1), sorted[0], prices.at(-1), prices.length].join(' ');
    })
    .sort();
}

const postgresql = service('postgresql');
const spark = service('spark');

/** The example project `crypto`, as its README has it. */
describeService('mongodb', ({ url }) => {
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-crypto-'));
  const database = uniqueName('crypto');
  const schema = uniqueName('crypto');
  const warehouse = new pg.Client({ connectionString: postgresql.url });
  let server: ChildProcess;
  let client: MongoClient;
  let program: BuiltProgram;

  beforeAll(async () => {
    cpSync(PROJECT, folder, { recursive: true });
    client = await MongoClient.connect(url);
    await warehouse.connect();
    server = spawn(process.execPath, ['server.mjs'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    const address = await new Promise<string>((done) =>
      server.stdout?.once('data', (data: Buffer) => done(data.toString().trim())),
    );
    program = builtProgram(folder, {
      COINCAP_API: address,
      MONGO_URL: url,
      MONGO_DATABASE: database,
      WAREHOUSE_URL: postgresql.url,
      WAREHOUSE_SCHEMA: schema,
      SPARK_REMOTE: spark.url,
    });
  });
  afterAll(async () => {
    server.kill();
    await client.db(database).dropDatabase();
    await client.close();
    await warehouse.query(`drop schema if exists ${schema} cascade`);
    await warehouse.end();
    rmSync(folder, { recursive: true, force: true });
  });

  const done = async (...args: readonly string[]): Promise<void> => {
    const { code, stderr } = await program.run(...args);
    expect(code, `${args.join(' ')}: ${stderr}`).toBe(0);
  };
  /** The candles that PostgreSQL has. */
  const held = async (): Promise<readonly string[]> => {
    const { rows } = await warehouse.query<{ candle: string }>(
      `select id || ' ' || to_char(hour at time zone 'UTC', 'YYYY-MM-DD"T"HH24') || ' ' || replace(concat_ws(' ', open, high, low, close), '.', '') || ' ' || observations as candle from ${schema}.candles_hourly`,
    );
    return rows.map(({ candle }) => candle.replaceAll(/ 0+(?=\d)/g, ' ')).sort();
  };

  it('takes what an API says through MongoDB and the lake to PostgreSQL, and keeps aside what is none', {
    timeout: 180_000,
  }, async () => {
    const lines = <T>(name: string): readonly T[] =>
      readFileSync(join(folder, 'data', name), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as T);
    const history = lines<Observation>('history.ndjson');
    const answers = lines<{ data: Asset[]; timestamp: number }>('responses.ndjson');
    const asked = (count: number): Observation[] =>
      answers.slice(0, count).flatMap(({ data, timestamp }) => data.map((one) => ({ ...one, timestamp })));
    const assets = client.db(database).collection('assets');

    let documents = 0;
    for (const count of [1, 2]) {
      await done('run', '--config', 'feed.yaml');
      await done('load', 'raw', '--config', 'feed.yaml');
      const different = new Set([...history, ...asked(count)].map(({ id, timestamp }) => `${id} ${timestamp}`));
      documents = await assets.countDocuments();
      expect(documents).toBe(different.size);
      await done('run');
      await done('load', 'warehouse');
      expect(await held()).toEqual(candles([...history, ...asked(count)]));
    }
    const [mongo] = await program.rows('select count(*) as n, count(distinct _id) as ids from bronze.assets_mongo');
    expect(Number(mongo?.['n'])).toBe(documents - 1); // "N/A" is no price
    expect(mongo?.['ids']).toBe(mongo?.['n']);

    for (const [table, rule] of [
      ['silver.prices', 'between_priceUsd'],
      ['bronze.assets_mongo', 'unreadable_record'],
    ] as const)
      expect((await program.run('quarantine', 'show', table, '--format', 'ndjson')).stdout).toContain(rule);
    const market = await warehouse.query(`select sum(share_pct) as whole, count(*) as n from ${schema}.market`);
    expect(Number(market.rows[0]?.['n'])).toBe(5);
    expect(Number(market.rows[0]?.['whole'])).toBeCloseTo(100, 1);
    await done('verify');
  });

  it.skipIf(!spark.available)('gives the same rows on Spark', { timeout: 400_000 }, () => expectParity(program));
});
