import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Decimal128, Long, MongoClient } from 'mongodb';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { builtProgram } from './built-program.ts';
import { describeService, uniqueName } from './service.ts';

/** `enrich:` by tables of a database and by a collection, through the built program: one question for many keys. */
const CONFIG = (connection: string, lookup: string): string => `version: 1
name: lookups
connections:
  ref: ${connection}
sources:
  f: { type: files, path: "*.csv", settle_seconds: 0, columns: { id: bigint, code: varchar, n: bigint } }
silver:
  f:
    from: f
    enrich:
      - { lookup: ${lookup}, add: { exact: { from: exact, type: "decimal(38,10)" }, at: { from: at, type: timestamptz }, name: name } }
    key: id
`;
const ROWS = 6_000;
/** Keys `c1`… of which every hundredth is not there, and one that no number is. */
const CSV = `id,code,n\n${Array.from({ length: ROWS }, (_, i) => `${i},c${i % 3000},${i % 3000}`).join('\n')}\n`;
const ANSWERS =
  'select count(*)::int as n, count(distinct name)::int as names, min(exact)::varchar as low, max(exact)::varchar as high, max("at")::varchar as latest from silver.f';
const EXPECTED = [
  {
    n: ROWS - 60,
    names: 2_970,
    low: '1.0000000001',
    high: '12345678901234567890.0000000001',
    latest: '2026-01-02 03:04:05+00',
  },
];

function newProject(connection: string, lookup: string, env: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-lookups-'));
  writeFileSync(join(folder, 'a.csv'), CSV);
  writeFileSync(join(folder, 'pipelines.yaml'), CONFIG(connection, lookup));
  const program = builtProgram(folder, { ...env, TZ: 'UTC' });
  return { program, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

async function expectLookedUp({ program }: ReturnType<typeof newProject>, told: RegExp): Promise<void> {
  expect((await program.run('doctor')).stdout).toMatch(told);
  const run = await program.run('run');
  expect(run.code, run.stdout + run.stderr).toBe(0);
  expect(await program.rows(ANSWERS)).toEqual(EXPECTED);
  const [refused] = await program.rows('select distinct reason from quarantine.silver_f order by 1');
  expect(refused).toEqual({ reason: expect.stringMatching(/^code = c0, n = 0: \S+ has no (row|document) for it$/) });
}

describeService('postgresql', ({ url }) => {
  const place = uniqueName('ref');
  const client = new pg.Client({ connectionString: url });
  beforeAll(async () => {
    await client.connect();
    await client.query(`create schema ${place}; set search_path to ${place};
      create table codes (code varchar(10), "N" int, exact numeric, at timestamptz, name text, primary key (code, "N"));
      insert into codes select 'c' || i, i, case i when 7 then 12345678901234567890.0000000001 else i + 0.0000000001 end,
        '2026-01-02 04:04:05+01', 'name ' || i from generate_series(1, 2999) i where i % 100 <> 0`);
  });
  afterAll(async () => {
    await client.query(`drop schema ${place} cascade`);
    await client.end();
  });

  it('a table of PostgreSQL answers for all keys', async () => {
    const connection = '{ type: postgres, url: "${REF_URL}" }';
    const lookup = `postgres, connection: ref, table: ${place}.codes, on: { code: code, n: "N" }`;
    const project = newProject(connection, lookup, { REF_URL: url });
    try {
      await expectLookedUp(project, /lookup f\.enrich_exact .*PostgreSQL at/);
      await client.query(
        `alter table codes drop constraint codes_pkey; insert into codes select * from codes where code = 'c7'`,
      );
      const twice = await project.program.run('run', '--full-refresh');
      expect(twice.code).toBe(0); // remembered
      await client.query(`update codes set code = 'c100', "N" = 100 where code = 'c7'`);
      const failed = await project.program.run('quarantine', 'replay', 'silver.f');
      expect(failed.stderr).toContain('E_LOOKUP_AMBIGUOUS');
    } finally {
      project.remove();
    }
  });
});

describeService('mongodb', ({ url }) => {
  const database = uniqueName('ref');
  let client: MongoClient;
  beforeAll(async () => {
    client = await MongoClient.connect(url);
    const documents = Array.from({ length: 2_999 }, (_, i) => i + 1)
      .filter((i) => i % 100 !== 0)
      .map((i) => ({
        k: { code: `c${i}` },
        n: i % 2 === 0 ? Long.fromNumber(i) : i % 3 === 0 ? i + 0.0 : i,
        exact: Decimal128.fromString(i === 7 ? '12345678901234567890.0000000001' : `${i}.0000000001`),
        at: new Date('2026-01-02T03:04:05Z'),
        name: `name ${i}`,
      }));
    await client.db(database).collection('codes').insertMany(documents);
  });
  afterAll(async () => {
    await client.db(database).dropDatabase();
    await client.close();
  });

  it('a collection of MongoDB answers for all keys', async () => {
    const connection = `{ type: mongodb, url: "\${REF_URL}", database: ${database} }`;
    const lookup = 'mongodb, connection: ref, collection: codes, on: { code: k.code, n: n }';
    const project = newProject(connection, lookup, { REF_URL: url });
    try {
      await expectLookedUp(project, /lookup f\.enrich_exact .*MongoDB \S+ at/);
    } finally {
      project.remove();
    }
  });
});
