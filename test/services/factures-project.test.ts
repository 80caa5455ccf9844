import { type ChildProcess, spawn } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BuiltProgram, builtProgram } from './built-program.ts';
import { expectParity } from './expect-parity.ts';
import { Broker } from './kafka-support.ts';
import { servedProgram } from './served-program.ts';
import { describeService, service, uniqueName } from './service.ts';

interface Invoice {
  readonly id: string;
  readonly date_facture: string | null;
  readonly pays: string;
  readonly mode_paiement: string;
  readonly montant: string;
  readonly modifie_le: string;
}

const PROJECT = resolve('fixtures/projects/factures');
const OF_INVOICE = 'id, date_facture::varchar as date_facture, pays, mode_paiement, montant::varchar as montant';

const REGIONS: ReadonlyMap<string, string> = new Map([
  ['France', "Europe de l'Ouest"],
  ['Belgique', "Europe de l'Ouest"],
  ['Suisse', "Europe de l'Ouest"],
  ['Maroc', 'Afrique du Nord'],
  ['Sénégal', "Afrique de l'Ouest"],
  ['Canada', 'Amérique du Nord'],
]);

/** Cents of an amount with at most two digits behind the point; undefined when it is none. */
function cents(amount: string): bigint | undefined {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d{1,2}))?$/.exec(amount) ?? [];
  return whole === '' ? undefined : BigInt(`${sign}${whole}${fraction.padEnd(2, '0')}`);
}

/** What the rules let through, each invoice in its newest state: computed without an engine. */
function cleaned(all: readonly Invoice[]): readonly Invoice[] {
  const kept = new Map<string, Invoice>();
  for (const one of all) {
    const amount = cents(one.montant);
    if (amount === undefined || amount <= 0n || amount > 1_000_000n) continue;
    if (!one.date_facture || Date.parse(`${one.date_facture.replace(' ', 'T')}Z`) > Date.now()) continue;
    const before = kept.get(one.id);
    if (before === undefined || before.modifie_le.replace('T', ' ') <= one.modifie_le.replace('T', ' '))
      kept.set(one.id, one);
  }
  return [...kept.values()]
    .map((one) => {
      const pays = one.pays.trim().toLowerCase();
      return { ...one, pays: pays.slice(0, 1).toUpperCase() + pays.slice(1) };
    })
    .filter((one) => REGIONS.has(one.pays));
}

/** The sums by hour, country, region and way of payment. */
function byHour(invoices: readonly Invoice[]): readonly string[] {
  const sums = new Map<string, { count: number; amount: bigint }>();
  for (const one of invoices) {
    const group = `${(one.date_facture ?? '').slice(0, 13).replace('T', ' ')} ${one.pays} ${REGIONS.get(one.pays)} ${one.mode_paiement}`;
    const { count, amount } = sums.get(group) ?? { count: 0, amount: 0n };
    sums.set(group, { count: count + 1, amount: amount + (cents(one.montant) ?? 0n) });
  }
  return [...sums].map(([group, { count, amount }]) => `${group} ${count} ${amount}`).sort();
}

const postgresql = service('postgresql');
const spark = service('spark');

/** The example project `factures`, as its README has it. */
describeService('kafka', ({ url }) => {
  const topic = uniqueName('factures');
  const broker = new Broker(url);
  const schema = uniqueName('erp');
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-factures-'));
  const database = new pg.Client({ connectionString: postgresql.url });
  let server: ChildProcess;
  let env: Readonly<Record<string, string>>;
  let address = '';
  let program: BuiltProgram;

  beforeAll(async () => {
    cpSync(PROJECT, folder, { recursive: true });
    for (const file of files(join(folder, 'inbox'))) utimesSync(file, 1_742_100_000, 1_742_100_000);
    await database.connect();
    await database.query(`create schema ${schema}; set search_path to ${schema}`);
    await database.query(readFileSync(join(folder, 'data/erp.sql'), 'utf8'));
    server = spawn(process.execPath, ['server.mjs', '--port', '0'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    address = await new Promise<string>((done) =>
      server.stdout?.once('data', (data: Buffer) => done(data.toString().trim())),
    );
    env = {
      SPARK_REMOTE: spark.url,
      ERP_URL: postgresql.url,
      ERP_TABLE: `${schema}.factures`,
      KAFKA_BROKER: url,
      FACTURES_TOPIC: topic,
      FACTURES_API: address,
      PAYS_API: address,
    };
    program = builtProgram(folder, env);
  });
  afterAll(async () => {
    server.kill();
    await database.query(`drop schema ${schema} cascade`);
    await database.end();
    await broker.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const ok = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await program.run(...args);
    expect(code, `${args.join(' ')}\n${stdout}${stderr}`).toBe(0);
    return `${stdout}${stderr}`;
  };
  /** Once round: in, out to the topic, back in. */
  const round = async (): Promise<string> => {
    await ok('run', '--until', 'silver.factures');
    const published = await ok('stream', 'publish', 'factures-enriched');
    await ok('run');
    return published;
  };
  const inGold = async (): Promise<readonly string[]> => {
    const found = await program.rows(
      `select concat_ws(' ', strftime(heure, '%Y-%m-%d %H'), pays, region, mode_paiement, factures, (montant * 100)::bigint) as line from gold.analytics_par_heure`,
    );
    return found.map(({ line }) => String(line)).sort();
  };
  /** All invoices as they were delivered; of the binary files (tested elsewhere) what bronze has. */
  const delivered = async (): Promise<readonly Invoice[]> => {
    const { rows } = await database.query(`select ${OF_INVOICE}, modifie_le::varchar as modifie_le from factures`);
    const binary = await program.rows(
      `select ${OF_INVOICE}, modifie_le::varchar as modifie_le from bronze.factures_files where _file like '%.parquet' or _file like '%.xlsx'`,
    );
    const text = files(join(folder, 'inbox')).filter((file) => /\.(csv|json)$/.test(file));
    const lines = readFileSync(join(folder, 'data/api.ndjson'), 'utf8').trim().split('\n');
    return [
      ...text.flatMap(readText),
      ...(binary as unknown as readonly Invoice[]),
      ...rows,
      ...lines.map((line) => JSON.parse(line) as Invoice),
    ];
  };

  /** What the accountants' dashboard asks, of the latest day and of another, beside the sums of the table. */
  const analytics = async (): Promise<void> => {
    const of = (day: string, columns: string, order = ''): Promise<readonly Readonly<Record<string, unknown>>[]> =>
      program.rows(
        `select ${columns}, sum(factures)::int as factures, sum(montant)::double as montant from gold.analytics_par_heure where jour = date '${day}' ${order}`,
      );
    const server = await servedProgram(folder, env);
    try {
      const dates = (await server.get('/api/analytics/dates')).body as { date: string; factures: number }[];
      expect(dates.map(({ date }) => date)).toEqual(
        dates
          .map(({ date }) => date)
          .sort()
          .reverse(),
      );
      expect(dates.length).toBeGreaterThan(1);
      for (const [asked, day] of [
        ['', dates[0]?.date ?? ''],
        [`?date=${dates.at(-1)?.date}`, dates.at(-1)?.date ?? ''],
      ] as const) {
        const summary = (await server.get(`/api/analytics/summary${asked}`)).body;
        const [sums] = await of(day, 'count(distinct pays)::int as pays');
        expect(summary).toMatchObject({ date: day, ...sums });
        for (const [path, column] of [
          ['by_region', 'region'],
          ['by_country', 'pays'],
        ] as const) {
          const rows = (await server.get(`/api/analytics/${path}${asked}`)).body as Record<string, unknown>[];
          const told = await of(day, column, `group by all order by montant desc, ${column}`);
          expect(
            rows.map((row) => ({ [column]: row[column], factures: row['factures'], montant: row['montant'] })),
          ).toEqual(told);
        }
      }
      expect((await server.get('/api/analytics/summary?date=1999-01-01')).status).toBe(404);
      expect((await server.get('/api/analytics/by_region?date=monday')).body).toMatchObject({
        code: 'E_SERVE_PARAMETER',
      });
    } finally {
      await server.stop();
    }
  };

  it('factures: from files, database and API over the topic to sums by hour, and on with what comes later', async () => {
    expect(await round()).toContain(`messages went to topic ${topic}`);
    expect(await inGold()).toEqual(byHour(cleaned(await delivered())));
    expect(await program.rows('select count(*)::int as n from bronze.factures_files')).toEqual([{ n: 130 }]);
    const aside = JSON.parse((await program.run('quarantine', '--format', 'json')).stdout) as { rows: number }[];
    expect(aside.reduce((sum, one) => sum + one.rows, 0)).toBe(6); // also the one from Atlantide
    for (const zone of ['clean/factures', 'clean/streaming', 'curated/analytics_par_heure'])
      expect(existsSync(join(folder, 'lake', zone, 'jour=2025-03-14')), zone).toBe(true);

    // A new invoice, one that changed, one that came by the API, and a file that was written again without one of its invoices.
    await database.query(`insert into factures (id, date_facture, pays, mode_paiement, montant) values ('ERP-0900', '2025-03-16 11:11:11', 'Suisse', 'CB', 12.34);
      update factures set montant = 99.99, modifie_le = localtimestamp where id = 'ERP-0002'`);
    appendFileSync(
      join(folder, 'data/api.ndjson'),
      `${JSON.stringify({ id: 'WEB-0900', date_facture: '2025-03-15T08:00:00', client: 'Café de la Gare', pays: 'Canada', mode_paiement: 'CB', montant: '7.70', modifie_le: '2025-03-15T08:30:00' })}\n`,
    );
    const shop = join(folder, 'inbox/2025-03-16/boutique.json');
    writeFileSync(shop, readFileSync(shop, 'utf8').replace(/^.*BOU-0003.*\n/m, ''));
    utimesSync(shop, 1_742_200_000, 1_742_200_000);
    expect(await round()).toContain('2 inserts, 1 update, 1 deletion');
    expect(await inGold()).toEqual(byHour(cleaned(await delivered())));

    expect(await round()).toContain('already');
    expect(await ok('run', '--format', 'json')).not.toContain('"published"');
    const asked = (await (await fetch(`${address}/requests`)).json()) as { pays: number };
    expect(asked.pays, 'each country once; Atlantide again whenever the step runs').toBeLessThanOrEqual(
      REGIONS.size + 4,
    );
    await ok('verify');
    await analytics();
  }, 180_000);

  it.skipIf(!spark.available)('gives the same rows on Spark', () => expectParity(program), 400_000);
});

function files(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** A CSV file of the tills, or the JSON file of the shop. */
function readText(file: string): readonly Invoice[] {
  const text = readFileSync(file, 'utf8');
  if (file.endsWith('.json'))
    return (JSON.parse(text) as (Invoice & { montant: unknown })[]).map((one) => ({
      ...one,
      montant: String(one.montant),
    }));
  const [head = '', ...lines] = text.trim().split('\n');
  return lines.map((line) => {
    const values = line.split(';');
    return Object.fromEntries(head.split(';').map((name, at) => [name, values[at]])) as unknown as Invoice;
  });
}
