import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { BSON, MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BuiltProgram, builtProgram } from './built-program.ts';
import { describeService, uniqueName } from './service.ts';

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

describeService('mongodb', ({ url }) => {
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-crypto-'));
  const database = uniqueName('crypto');
  let server: ChildProcess;
  let client: MongoClient;
  let program: BuiltProgram;

  beforeAll(async () => {
    cpSync(PROJECT, folder, { recursive: true });
    client = await MongoClient.connect(url);
    server = spawn(process.execPath, ['server.mjs'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    const address = await new Promise<string>((done) =>
      server.stdout?.once('data', (data: Buffer) => done(data.toString().trim())),
    );
    program = builtProgram(folder, { COINCAP_API: address, MONGO_URL: url, MONGO_DATABASE: database });
  });
  afterAll(async () => {
    server.kill();
    await client.db(database).dropDatabase();
    await client.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const published = async (): Promise<readonly string[]> => {
    const found = await program.rows(
      `select id || ' ' || strftime(hour at time zone 'UTC', '%Y-%m-%dT%H') || ' ' || replace(concat_ws(' ', open, high, low, close), '.', '') || ' ' || observations as candle from gold.candles_hourly`,
    );
    return found.map(({ candle }) => String(candle).replaceAll(/ 0+(?=\d)/g, ' ')).sort();
  };

  it('makes candles of both ways, takes only what is new, and keeps aside what is none', async () => {
    const lines = readFileSync(join(folder, 'data/assets.ndjson'), 'utf8').trim().split('\n');
    const documents = lines.map((line) => BSON.EJSON.parse(line, { relaxed: false }) as BSON.Document);
    const answers = readFileSync(join(folder, 'data/responses.ndjson'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { data: Asset[]; timestamp: number });
    const fed = (part: readonly BSON.Document[]): Observation[] =>
      part.map((one) => ({
        id: String(one['id']),
        priceUsd: String(one['priceUsd']),
        timestamp: Number(one['timestamp']),
      }));
    const asked = (count: number): Observation[] =>
      answers.slice(0, count).flatMap(({ data, timestamp }) => data.map((one) => ({ ...one, timestamp })));
    const assets = client.db(database).collection('assets');

    // The last twelve are not written yet when the first run comes.
    const late = documents.slice(-12);
    await assets.insertMany(documents.slice(0, -12));
    const first = await program.run('run');
    expect(first.code, first.stderr).toBe(0);
    expect(await published()).toEqual(candles([...fed(documents.slice(0, -12)), ...asked(1)]));

    await assets.insertMany(late);
    const second = await program.run('run');
    expect(second.code, second.stderr).toBe(0);
    expect(await published()).toEqual(candles([...fed(documents), ...asked(2)]));
    const [mongo] = await program.rows('select count(*) as n, count(distinct _id) as ids from bronze.assets_mongo');
    expect(Number(mongo?.['n'])).toBe(documents.length - 1); // "N/A" is no price
    expect(mongo?.['ids']).toBe(mongo?.['n']);

    for (const [table, rule] of [
      ['silver.prices', 'between_priceUsd'],
      ['bronze.assets_mongo', 'unreadable_record'],
    ] as const)
      expect((await program.run('quarantine', 'show', table, '--format', 'ndjson')).stdout).toContain(rule);
    const market = await program.rows('select sum(share_pct) as whole, count(*) as n from gold.market');
    expect(Number(market[0]?.['n'])).toBe(5);
    expect(Number(market[0]?.['whole'])).toBeCloseTo(100, 1);
    expect((await program.run('verify')).code).toBe(0);
  });
});
