import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LakeRead, type LakeReader, openLakeReader, PYTHON } from '../soak/lake-reader.ts';
import { bucketPlace } from './bucket-place.ts';
import { builtProgram } from './built-program.ts';
import { hdfsPlace } from './hdfs-place.ts';
import type { MirrorPlace } from './mirror-project.ts';
import { describeService } from './service.ts';

const WHY_SKIPPED = PYTHON === undefined ? ' — skipped: DATAFLOW_PYTHON names no Python' : '';
const TABLES_MIN = 15;

/** Made by the first test that runs. */
let folder = '';
let reader: LakeReader;
let here: Promise<LakeRead['tables']> | undefined;

/** The retail example, run once; its tables as delta-rs reads them here, which are as many rows as the program counts. */
async function built(): Promise<LakeRead['tables']> {
  folder = mkdtempSync(join(tmpdir(), 'dataflow-mirrored-'));
  reader = openLakeReader();
  for (const name of ['pipelines.yaml', 'models']) cpSync(name, join(folder, name), { recursive: true });
  const program = builtProgram(folder, {});
  for (const args of [['generate', '--seed', '1', '--rows', '800', '--bad', '0.02'], ['run']])
    expect(await program.run(...args)).toMatchObject({ code: 0 });
  const { tables } = await reader.tables(join(folder, 'lake'));
  const names = Object.keys(tables);
  expect(names.length).toBeGreaterThanOrEqual(TABLES_MIN);
  const counts = names.map((name) => `select '${name}' as name, count(*) as n from ${name.replace('/', '.')}`);
  const rows = await program.rows(counts.join(' union all '));
  expect(Object.fromEntries(rows.map(({ name, n }) => [name, Number(n)]))).toEqual(
    Object.fromEntries(names.map((name) => [name, tables[name]?.rows])),
  );
  return tables;
}

/** All of its tables, rejected rows included, go to this place. */
async function mirrored(place: MirrorPlace): Promise<LakeRead['tables']> {
  here ??= built();
  const tables = await here;
  const mirror = `connections: { there: ${place.connection} }\nmirrors: { far: { connection: there, path: lake } }\n`;
  writeFileSync(join(folder, 'pipelines.yaml'), `${readFileSync('pipelines.yaml', 'utf8')}\n${mirror}`);
  expect(await builtProgram(folder, place.env).run('sync')).toMatchObject({ code: 0 });
  return tables;
}

afterAll(() => {
  if (folder === '') return;
  reader.close();
  rmSync(folder, { recursive: true, force: true });
});

describeService('minio', ({ url }) => {
  let place: Awaited<ReturnType<typeof bucketPlace>>;
  beforeAll(async () => {
    place = await bucketPlace(url);
  });
  afterAll(() => place.clear());

  it.skipIf(PYTHON === undefined)(
    `delta-rs reads each table of retail from the bucket as it is here${WHY_SKIPPED}`,
    async () => {
      const tables = await mirrored(place);
      const { host, username, password } = new URL(url);
      const storage = {
        ...{ AWS_ENDPOINT_URL: `http://${host}`, AWS_ALLOW_HTTP: 'true', AWS_REGION: 'us-east-1' },
        ...{ AWS_ACCESS_KEY_ID: username, AWS_SECRET_ACCESS_KEY: password },
      };
      const urls = Object.keys(tables).map((name): [string, string] => [name, `s3://${place.bucket}/lake/${name}`]);
      expect(await reader.places(Object.fromEntries(urls), storage)).toEqual(tables);
    },
    120_000,
  );
});

describeService('hdfs', ({ url }) => {
  let place: MirrorPlace;
  beforeAll(async () => {
    place = await hdfsPlace(url);
  });
  afterAll(() => place.clear());

  it.skipIf(PYTHON === undefined)(
    `delta-rs reads each table of retail as plain GETs bring it from HDFS${WHY_SKIPPED}`,
    async () => {
      const tables = await mirrored(place);
      const copy = join(folder, 'copy');
      await place.copyTo(copy);
      expect(await reader.tables(copy)).toEqual({ tables, strays: [] });
    },
    120_000,
  );
});
