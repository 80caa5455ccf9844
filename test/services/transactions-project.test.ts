import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BuiltProgram, builtProgram } from './built-program.ts';
import { expectParity } from './expect-parity.ts';
import { Broker } from './kafka-support.ts';
import { describeService, service, uniqueName } from './service.ts';

interface Transaction {
  readonly transaction_id: string;
  readonly user_id: number;
  readonly occurred_at: string;
  readonly kind: string;
  readonly amount: string;
  readonly currency: string;
}

interface User {
  readonly user_id: number;
  readonly email: string;
  readonly country: string;
  readonly updated_at: string;
}

const PROJECT = resolve('fixtures/projects/transactions');
const KINDS = new Set(['purchase', 'refund', 'withdrawal']);

const linesOf = (path: string): readonly string[] => readFileSync(path, 'utf8').trim().split('\n');
const ndjson = <T>(path: string): readonly T[] => linesOf(path).map((line) => JSON.parse(line) as T);

/** Records of a CSV file whose cells hold no comma, but for one that is quoted. */
function csv(path: string): readonly Record<string, string>[] {
  const [head = '', ...lines] = linesOf(path);
  const names = head.split(',');
  return lines.map((line) => {
    const cells = [...line.matchAll(/"([^"]*)"|([^,]+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
    return Object.fromEntries(names.map((name, at) => [name, cells[at] ?? '']));
  });
}

/** Everything that came in, whichever way. */
async function received(folder: string): Promise<{ users: readonly User[]; transactions: readonly Transaction[] }> {
  const inbox = (name: string): string => join(folder, 'inbox', name);
  const numbered = <T>(record: Record<string, string>): T => ({ ...record, user_id: Number(record['user_id']) }) as T;
  const parquet = await parquetReadObjects({
    file: await asyncBufferFromFile(inbox('transactions-2025-03-03.parquet')),
  });
  const ofParquet = parquet.map(({ user_id, occurred_at, ...one }) => ({
    ...(one as unknown as Transaction),
    user_id: Number(user_id),
    occurred_at: (occurred_at as Date).toISOString(),
  }));
  const live = readdirSync(join(folder, 'data')).filter((name) => name.startsWith('live'));
  return {
    users: [
      ...csv(inbox('users-2025-03-01.csv')).map((one) => numbered<User>(one)),
      ...ndjson<User>(join(folder, 'data/users.ndjson')),
    ],
    transactions: [
      ...csv(inbox('transactions-2025-03-01.csv')).map((one) => numbered<Transaction>(one)),
      ...(JSON.parse(readFileSync(inbox('transactions-2025-03-02.json'), 'utf8')) as Transaction[]),
      ...ofParquet,
      ...csv(join(folder, 'generated/transactions.csv')).map((one) => numbered<Transaction>(one)),
      ...ndjson<Transaction>(join(folder, 'data/transactions.ndjson')),
      ...live.flatMap((name) => ndjson<Transaction>(join(folder, 'data', name))),
    ],
  };
}

/** What has to be in the warehouse, computed without an engine: `country transactions cents` and the number of users. */
function expected({ users, transactions }: Awaited<ReturnType<typeof received>>): {
  readonly users: number;
  readonly facts: readonly string[];
} {
  const newest = new Map<number, User>();
  for (const one of users) {
    if (!one.email.includes('@')) continue;
    const before = newest.get(one.user_id);
    if (before === undefined || before.updated_at <= one.updated_at) newest.set(one.user_id, one);
  }
  const facts = new Map<string, string>();
  for (const one of transactions) {
    const [, whole = '', fraction = ''] = /^(\d+)\.(\d\d)$/.exec(one.amount) ?? [];
    const cents = Number(whole + fraction);
    const good = cents > 0 && KINDS.has(one.kind) && one.currency === 'EUR' && newest.has(one.user_id);
    if (good) facts.set(one.transaction_id, `${one.user_id} ${one.kind === 'refund' ? -cents : cents}`);
  }
  return { users: newest.size, facts: [...facts].map(([id, rest]) => `${id} ${rest}`).sort() };
}

const postgresql = service('postgresql');
const spark = service('spark');

/** The example project `transactions`, as its README has it. */
describeService('kafka', ({ url }) => {
  const topic = uniqueName('transactions');
  const schema = uniqueName('analytics');
  const broker = new Broker(url);
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-transactions-'));
  const warehouse = new pg.Client({ connectionString: postgresql.url });
  let server: ChildProcess;
  let program: BuiltProgram;

  beforeAll(async () => {
    cpSync(PROJECT, folder, { recursive: true });
    for (const name of readdirSync(join(folder, 'inbox')))
      utimesSync(join(folder, 'inbox', name), 1_742_100_000, 1_742_100_000);
    await warehouse.connect();
    server = spawn(process.execPath, ['server.mjs', '--port', '0'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const address = await new Promise<string>((done) =>
      server.stdout?.once('data', (data: Buffer) => done(data.toString().trim())),
    );
    program = builtProgram(folder, {
      BANK_API: address,
      KAFKA_BROKER: url,
      TRANSACTIONS_TOPIC: topic,
      WAREHOUSE_URL: postgresql.url,
      WAREHOUSE_SCHEMA: schema,
      SPARK_REMOTE: spark.url,
    });
  });
  afterAll(async () => {
    server.kill();
    await warehouse.query(`drop schema if exists ${schema} cascade`);
    await warehouse.end();
    await broker.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const done = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await program.run(...args);
    expect(code, `${args.join(' ')}: ${stderr}`).toBe(0);
    return stdout;
  };
  const feed = async (): Promise<void> => {
    await done('run', '--config', 'feed.yaml');
    await done('stream', 'publish', 'transactions', '--config', 'feed.yaml');
  };
  /** The facts that the warehouse has, and its users. */
  const held = async (): Promise<ReturnType<typeof expected>> => {
    const facts = await warehouse.query<{ fact: string }>(
      `select transaction_id || ' ' || user_id || ' ' || (amount * 100)::bigint as fact from ${schema}.fact_transactions`,
    );
    const users = await warehouse.query<{ n: string; sum: string }>(
      `select count(*) as n, sum(transactions) as sum from ${schema}.dim_users`,
    );
    expect(Number(users.rows[0]?.sum)).toBe(facts.rows.length);
    return { users: Number(users.rows[0]?.n), facts: facts.rows.map(({ fact }) => fact).sort() };
  };

  it('takes every way in to one tested star schema in PostgreSQL, and then moves only what changed', {
    timeout: 480_000,
  }, async () => {
    await feed();
    await done('generate');
    await done('run');
    await done('load', 'warehouse');
    const first = expected(await received(folder));
    expect(first.users).toBe(23);
    expect(first.facts.length).toBeGreaterThan(600);
    expect(await held()).toEqual(first);

    // The corrected user brings her transactions home; a new one goes the whole way.
    await done(
      'quarantine',
      'fix',
      'silver.users',
      '--set',
      "email = 'tess.moreau@example.org'",
      '--rule',
      'email_valid',
    );
    const live = { transaction_id: 'LIV-00061', user_id: 3, occurred_at: '2025-03-06T09:15:00', kind: 'purchase' };
    writeFileSync(
      join(folder, 'data/live-2.ndjson'),
      `${JSON.stringify({ ...live, amount: '19.90', currency: 'EUR', channel: 'web' })}\n`,
    );
    utimesSync(join(folder, 'data/live-2.ndjson'), 1_742_100_000, 1_742_100_000);
    await feed();
    await done('run');
    await done('load', 'warehouse');
    const now = await received(folder);
    const fixed = now.users.map((one) => (one.email === 'nobody' ? { ...one, email: 'tess@example.org' } : one));
    const second = expected({ ...now, users: fixed });
    expect(second.users).toBe(24);
    expect(await held()).toEqual(second);
    const view = await warehouse.query<{ n: string }>(
      `select sum(transactions) as n from ${schema}.spending_by_country`,
    );
    expect(Number(view.rows[0]?.n)).toBe(second.facts.length);

    // With the decision about her, which both engines carry out.
    if (spark.available) await expectParity(program);

    // A table that breaks a test is not published, and so never loaded.
    const config = join(folder, 'pipelines.yaml');
    const text = readFileSync(config, 'utf8');
    writeFileSync(config, text.replace("when kind = 'refund' then -amount", "when kind = 'nothing' then -amount"));
    expect((await program.run('run')).code).toBe(3);
    await done('load', 'warehouse');
    expect(await held()).toEqual(second);
    await done('verify');
  });
});
