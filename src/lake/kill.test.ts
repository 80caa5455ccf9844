import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAKE_FAULT_POINTS } from './commit.ts';
import { openLake } from './open-lake.ts';

/**
 * Cases 1 and 2: a child process is killed (SIGKILL) at a fault point of the lake; a second one finishes the work. Then the table is the one
 * of an undisturbed run, and nothing else lies about.
 */
const root = mkdtempSync(join(tmpdir(), 'dataflow-kill-'));
const prepared = join(root, 'prepared');
const script = join(root, 'writer.mjs');
const layers = { bronze: 'bronze', silver: 'silver', gold: 'gold' };
const table = { layer: 'silver', name: 't' } as const;
const PYTHON = process.env['DATAFLOW_PYTHON'];
const db = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
afterAll(() => rmSync(root, { recursive: true, force: true }));

beforeAll(async () => {
  mkdirSync(prepared);
  for (let unit = 0; unit < 12; unit++) {
    await db.run(
      `copy (select i + ${unit * 10} as i from range(10) t(i)) to '${prepared}/${unit}.parquet' (format parquet, compression zstd)`,
    );
  }
  await db.run(
    `copy (select i + 1000 as i from range(30) t(i)) to '${prepared}/merged.parquet' (format parquet, compression zstd)`,
  );
  await build({
    entryPoints: [resolve('test/support/lake-writer.ts')],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
  });
});

function write(lake: string, fault: string): NodeJS.Signals | number | null {
  const child = spawnSync(process.execPath, [script, lake, prepared], {
    env: { ...process.env, DATAFLOW_FAULT: fault, NODE_EXTRA_CA_CERTS: '' },
    encoding: 'utf8',
  });
  if (child.status === 1 && !fault.includes(':error')) throw new Error(child.stderr);
  return child.signal ?? child.status;
}

function filesUnder(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  );
}

async function expectWhole(folder: string): Promise<void> {
  const lake = await openLake({ url: folder, layers });
  const snapshot = await lake.snapshot(table);
  expect(snapshot).toMatchObject({ version: 12, rows: 90, partition_by: ['p'] });
  expect(snapshot?.txns.size).toBe(13);
  const list = snapshot?.files.map((file) => `'${file.uri}'`).join(', ');
  const reader = await db.runAndReadAll(
    `select count(distinct i)::integer, sum(i)::bigint from read_parquet([${list}], hive_partitioning = false)`,
  );
  expect(reader.getRowsJson()).toEqual([[90, String(WHOLE_SUM)]]);
  // 12 appended files and the merged one; the six that it replaced stay for older versions.
  expect(filesUnder(join(folder, 'silver')).filter((path) => path.includes('/part-'))).toHaveLength(13);
  expect(filesUnder(folder).filter((path) => path.endsWith('.tmp') || path.includes('/staging/'))).toEqual([]);
  await expect(lake.leftovers(new Set(), false)).resolves.toEqual([]);
}

const odd = [1, 3, 5, 7, 9, 11].flatMap((unit) => Array.from({ length: 10 }, (_, i) => unit * 10 + i));
const WHOLE_SUM = [...odd, ...Array.from({ length: 30 }, (_, i) => 1000 + i)].reduce((sum, i) => sum + i, 0);

describe('cases 1 and 2: killed at a fault point, run again', () => {
  it('an undisturbed run is whole', async () => {
    expect(write(join(root, 'calm'), '')).toBe(0);
    await expectWhole(join(root, 'calm'));
  });

  const strikes = LAKE_FAULT_POINTS.flatMap(
    (name) =>
      (name.includes('checkpoint')
        ? [[name, 1]]
        : [
            [name, 1],

            [name, 13],
          ]) as [string, number][],
  );
  it.each(strikes)('%s, pass %i', async (name, pass) => {
    const folder = join(root, `${name}-${pass}`);
    expect(write(folder, `${name}:kill@${pass}`)).toBe('SIGKILL');
    expect(write(folder, '')).toBe(0);
    await expectWhole(folder);
  });

  it.each(LAKE_FAULT_POINTS)(
    'an I/O error at %s leaves the table old or new, and the next run finishes',
    async (name) => {
      const folder = join(root, `error-${name}`);
      const pass = name.includes('checkpoint') ? 1 : 7;
      // A checkpoint is only a help: its failure does not fail the commit.
      expect(write(folder, `${name}:error@${pass}`)).toBe(name.includes('checkpoint') ? 0 : 1);
      const between = await (await openLake({ url: folder, layers })).snapshot(table);
      if (!name.includes('checkpoint')) expect([5, 6]).toContain(between?.version);
      expect(between?.rows).toBe(name.includes('checkpoint') ? 90 : ((between?.version ?? 0) + 1) * 10);
      expect(write(folder, '')).toBe(0);
      await expectWhole(folder);
    },
  );

  it('case 10: three processes race for every version, and each unit of work arrives once', async () => {
    const folder = join(root, 'race');
    const racers = ['a', 'b', 'c'];
    await Promise.all(racers.map((racer) => promisify(execFile)(process.execPath, [script, folder, prepared, racer])));
    const lake = await openLake({ url: folder, layers });
    const snapshot = await lake.snapshot(table);
    expect(snapshot).toMatchObject({ version: 35, rows: 360 });
    expect(snapshot?.txns.size).toBe(36);
    const appIds = (await lake.history(table)).map((entry) => `${entry.note?.run_id} ${entry.note?.step_id}`);
    expect(new Set(appIds).size).toBe(36);
    rmSync(folder, { recursive: true });
  });

  it('delta-rs reads the same rows from all of them', { timeout: 60_000 }, (context) => {
    if (PYTHON === undefined) {
      context.skip('DATAFLOW_PYTHON is not set (a Python with deltalake)');
    }
    const lakes = readdirSync(root).filter((name) => existsSync(join(root, name, 'silver')));
    expect(lakes.length).toBeGreaterThan(strikes.length);
    const program =
      'import os, sys\nfrom deltalake import DeltaTable\nfor f in sys.argv[1:]:\n  t=DeltaTable(f); c=t.to_pyarrow_table()\n  print(t.version(), c.num_rows, sum(c["i"].to_pylist()), t.transaction_version("unit-12"))\nsys.stdout.flush(); os._exit(0)';
    const child = spawnSync(PYTHON ?? '', ['-c', program, ...lakes.map((name) => join(root, name, 'silver/t'))], {
      encoding: 'utf8',
    });
    expect(child.stderr).toBe('');
    expect(new Set(child.stdout.trim().split('\n'))).toEqual(new Set([`12 90 ${WHOLE_SUM} 1`]));
  });
});
