import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type BuiltProgram, builtProgram } from './built-program.ts';
import { Machine } from './far-machine.ts';
import { hdfsPlace } from './hdfs-place.ts';
import { hdfsKeeper, type PlaceKeeper, s3Keeper } from './place-keepers.ts';
import { describeService, service, uniqueName } from './service.ts';

// A server that has just started takes long for its first answers of each kind where other tests keep the cores busy.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

/** Each as a query; the order of their names is that of their arrival. */
const FILES: Readonly<Record<string, string>> = {
  '1-exact': `select i::bigint as id, i::integer as n, (i * 1.25)::decimal(12,2) as amount, 'é ' || i as name, date '2024-01-01' + i::integer as day,
    timestamptz '2024-01-01 00:00:00.000001+00' + to_hours(i) as at, timestamp '1969-12-31 23:59:59.5' as since, i % 2 = 0 as ok, i / 3 as x from range(6) r(i)`,
  '2-other-types': `select i::integer as id, (3000000000 * (i % 2))::bigint as n, (i + 0.0051)::decimal(18,4) * (i % 3) as amount, null::varchar as name, timestamp '2024-01-05 00:00:00' + to_hours(24 * i::integer + i::integer // 5) as day,
    timestamp '2024-02-01 10:00:00' as at, timestamptz '2024-01-05 12:00:00+00' as since, true as ok, (i / 4)::float as x from range(4, 10) r(i)`,
  '3-lacks-none': `select 100::bigint as id, 1::integer as n, 1::decimal(12,2) as amount, 'plain' as name, date '2024-03-01' as day, timestamptz '2024-03-01 00:00:00+00' as at,
    timestamp '2024-03-01 00:00:00' as since, null::boolean as ok, 'nan'::double as x`,
  '4-no-text': `select 101::bigint as id, 1::integer as n, 1::decimal(12,2) as amount, 'AAAABBBBCCCC' || i as name, date '2024-03-01' as day, timestamptz '2024-03-01 00:00:00+00' as at,
    timestamp '2024-03-01 00:00:00' as since, true as ok, 0.5::double as x from range(40) r(i)`,
  '8-lacks': `select 1::bigint as id`,
};
const ROWS = 'select * from bronze.a order by all';
const KEPT = 'select id, n, name from silver.a order by all';
const SUMS = 'select id, x, _file from bronze.sums order by all';
/** Why a file as a whole is put aside is told by each reader in its own words. */
const REJECTED = `select rule, case when line is not null then reason end as reason, column_name, file, line from
  (from quarantine.bronze_a union all by name from quarantine.bronze_sums) order by all`;
const [hdfs, minio] = [service('hdfs'), service('minio')];
const absent = [hdfs, minio].find(({ available }) => !available);

describeService('spark', ({ url }) => {
  describe.skipIf(absent !== undefined)(
    `files that stay in HDFS and in a bucket${absent === undefined ? '' : ` — skipped: ${absent.reason}`}`,
    () => {
      const root = mkdtempSync(join(tmpdir(), 'dataflow-in-place-'));
      const base = uniqueName('inplace');
      const programs: BuiltProgram[] = [];
      const bucket = base.replace('_', '-');
      let keeper: PlaceKeeper;
      let objects: PlaceKeeper;
      const parquet = async (name: string, sql: string): Promise<Buffer> => {
        const path = join(root, `${name}.parquet`);
        const connection = await (await DuckDBInstance.create()).connect();
        await connection.run("set TimeZone='UTC'");
        await connection.run(`copy (${sql}) to '${path}' (format parquet, compression uncompressed)`);
        return readFileSync(path);
      };
      const files = (connection: string, path: string, in_place: string | undefined): string =>
        `type: files\n    connection: ${connection}\n    path: "${path}"\n    format: parquet\n    settle_seconds: 0\n    in_place: "${in_place}"`;
      const put = (name: string, bytes: Buffer) => keeper.put(`in/${name}.parquet`, bytes);

      beforeAll(async () => {
        keeper = await hdfsKeeper(hdfs.url, base);
        const made = new Map<string, Buffer>();
        for (const [name, sql] of Object.entries(FILES)) made.set(name, await parquet(name, sql));
        const exact = made.get('1-exact') ?? Buffer.of();
        const text = made.get('4-no-text') ?? Buffer.of();
        text.fill(0xff, text.indexOf('AAAABBBB'), text.indexOf('AAAABBBB') + 4);
        for (const [name, bytes] of made) await put(name, bytes);
        const sums = readFileSync('fixtures/parquet/checksums.parquet');
        objects = await s3Keeper(minio.url, bucket);
        await objects.put('sums/tout va bien é.parquet', Buffer.from(sums));
        sums[100] = (sums[100] ?? 0) ^ 0x10;
        await objects.put('sums/flipped.parquet', sums);
        await put('6-cut', exact.subarray(0, exact.length - 20));
        await put('7-same', exact);
        for (const engine of ['duckdb', 'spark']) {
          const folder = join(root, engine);
          mkdirSync(folder);
          writeFileSync(
            join(folder, 'pipelines.yaml'),
            `version: 1
name: inplace
lake: { url: ./lake }
engine: { type: ${engine} }
connections:
  there: { type: hdfs, url: "${hdfs.url}", user: hdfs }
  bucket: ${objects.connection(objects.address)}
sources:
  a:
    ${files('there', `/${base}/in/*.parquet`, hdfs.settings['DATAFLOW_TEST_HDFS_RPC'])}
    columns: { id: bigint, n: integer, amount: "decimal(12,2)", name: varchar, day: date, at: timestamptz, since: timestamp, ok: boolean, x: double }
  sums:
    ${files('bucket', 'sums/*.parquet', `s3a://${bucket}`)}
    columns: { id: bigint, x: varchar }
    schema_change: discard_value
silver:
  a: { from: a, key: id }
`,
          );
          programs.push(builtProgram(folder, { SPARK_REMOTE: url, ...objects.env }));
        }
      });
      afterAll(async () => {
        await Promise.all([keeper.clear(), objects.clear()]);
        rmSync(root, { recursive: true, force: true });
      });

      /** Steps with their balances, rows and rejected records of both. */
      async function expectSame(exit_code: number): Promise<void> {
        const told: unknown[] = [];
        for (const program of programs) {
          const { code, stdout, stderr } = await program.run('run', '--format', 'json');
          expect(code, stderr + stdout).toBe(exit_code);
          const { steps } = JSON.parse(stdout) as { steps: readonly { step: string; balance?: object }[] };
          const tables = [];
          for (const sql of [ROWS, KEPT, SUMS, REJECTED]) {
            const asked = await program.run('query', '--engine', 'duckdb', sql, '--format', 'json');
            expect(asked.code, asked.stderr).toBe(0);
            tables.push(JSON.parse(asked.stdout));
          }
          told.push({ steps: Object.fromEntries(steps.map(({ step, balance }) => [step, balance])), tables });
        }
        expect(told[1]).toEqual(told[0]);
      }

      it('gives what the reader of this machine gives: rows, their order, rejects with lines, files that are put aside', async () => {
        // Files were put aside.
        await expectSame(4);
        expect(await programs[1]?.run('run')).toMatchObject({
          code: 0,
          stdout: expect.stringContaining('nothing to do'),
        });
        await put(
          '2-other-types',
          await parquet('again', FILES['2-other-types']?.replace('range(4, 10)', 'range(4, 8)') ?? ''),
        );
        await expectSame(0);
        expect(await programs[1]?.run('verify')).toMatchObject({ code: 0 });
      });

      it('a full storage ends the step with what to do and no file left; with room again retry does the rest', async () => {
        const place = await hdfsPlace(hdfs.url);
        const machine = new Machine(place);
        const folder = place.lake_url.replace(/^hdfs:..[^/]+/, '');
        const staging = `${hdfs.url}/webhdfs/v1${folder}/_dataflow/staging`;
        const ask = async (op: string): Promise<number> =>
          (await fetch(`${staging}?op=${op}&user.name=hdfs`, { method: 'PUT' })).status;
        const total = async (): Promise<string> =>
          (
            await machine.program.run(
              'query',
              '--engine',
              'duckdb',
              'select n, amount from gold.total',
              '--format',
              'csv',
            )
          ).stdout;
        const staged = async () => (await place.list()).filter((path) => path.includes('_dataflow/staging/'));
        try {
          machine.day(1);
          expect(await machine.program.run('run')).toMatchObject({ code: 0 });
          machine.day(2);
          machine.engine(
            `{ type: spark, url: "${url}", lake_uri: "${hdfs.settings['DATAFLOW_TEST_HDFS_RPC']}${folder}" }`,
          );
          expect([await ask('MKDIRS'), await ask('SETQUOTA&storagespacequota=1')]).toEqual([200, 200]);
          const full = await machine.program.run('run');
          expect([full.code, full.stderr]).toEqual([
            4,
            expect.stringMatching(/E_LAKE_SPACE.*quota[\s\S]*dataflow retry/i),
          ]);
          expect(await staged()).toEqual([]);
          expect(await total()).toBe('n,amount\n9,13.50\n');
          expect(await ask('SETQUOTA&storagespacequota=1000000000000')).toBe(200);
          expect(await machine.program.run('retry')).toMatchObject({ code: 0 });
          expect(await total()).toBe('n,amount\n18,36.00\n');
          expect(await staged()).toEqual([]);
        } finally {
          machine.remove();
          await place.clear();
        }
      });
    },
  );
});
