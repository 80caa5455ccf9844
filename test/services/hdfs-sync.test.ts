import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { builtProgram } from './built-program.ts';
import { hdfsKeeper } from './place-keepers.ts';
import { describeService, uniqueName } from './service.ts';

const run = promisify(execFile);
const POINTS = ['during-far-upload', 'after-far-upload', 'before-far-rename', 'after-far-rename'];
const PYTHON = process.env['DATAFLOW_PYTHON'] ?? '';

/** `paquets` is a table of one file of several MB; `par_pays` a small one. */
const CONFIG = (url: string, folder: string): string => `version: 1
name: factures
lake: { url: ./lake, layers: { bronze: raw, silver: clean, gold: curated } }
connections:
  cluster: { type: hdfs, url: "${url}", user: hdfs, block_size_bytes: 1048576 }
sources:
  factures: { type: files, path: "inbox/*.csv", columns: { id: bigint, pays: varchar, montant: "decimal(12,2)" } }
silver:
  factures: { from: factures, key: id }
gold:
  par_pays:
    sql: select pays, count(*) as n, sum(montant) as montant from silver.factures group by all
    key: pays
  paquets:
    sql: select i as id, sha256(i::varchar) as empreinte from range(400000) t(i)
    key: id
mirrors:
  hdfs: { connection: cluster, path: ${folder}/datalake }
`;

/** Sums of a Delta table in a folder, by a reader that is not ours. */
const SUMS = `
import json, os, sys
from deltalake import DeltaTable
t = DeltaTable(sys.argv[1]).to_pyarrow_table().to_pydict()
print(json.dumps(sorted([t["pays"][i], t["n"][i], str(t["montant"][i])] for i in range(len(t["pays"])))), flush=True)
# The reader's own threads may still run, and then an orderly exit of the interpreter now and then ends in abort().
os._exit(0)
`;

describeService('hdfs', ({ url, settings }) => {
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-hdfs-'));
  const there = uniqueName('sync');
  const program = builtProgram(folder, {});
  const stopped = (fault: string) => builtProgram(folder, { DATAFLOW_FAULT: fault });
  let keeper: Awaited<ReturnType<typeof hdfsKeeper>> | undefined;
  beforeAll(async () => {
    keeper = await hdfsKeeper(url, there);
    writeFileSync(join(folder, 'pipelines.yaml'), CONFIG(url, there));
    mkdirSync(join(folder, 'inbox'));
    addFile(1);
    expect(await program.run('run')).toMatchObject({ code: 0 });
  }, 120_000);
  afterAll(async () => {
    await keeper?.clear();
    rmSync(folder, { recursive: true, force: true });
  });

  const addFile = (number: number): void => {
    const rows = Array.from({ length: 300 }, (_, i) => `${number * 1000 + i},${['FR', 'MA', 'BE'][i % 3]},${i}.10`);
    writeFileSync(join(folder, 'inbox', `f${number}.csv`), `id,pays,montant\n${rows.join('\n')}\n`);
  };
  const hadoop = async (...args: readonly string[]): Promise<string> => {
    const classes = settings['DATAFLOW_TEST_HDFS_CLASSPATH'] ?? '';
    const words = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-cp', classes, 'org.apache.hadoop.fs.FsShell', ...args];
    return (await run('java', words, { env: { ...process.env, HADOOP_USER_NAME: 'hdfs' } })).stdout;
  };
  const synced = async (...args: readonly string[]): Promise<Readonly<Record<string, unknown>>> => {
    const { stdout } = await program.run('sync', 'hdfs', '--format', 'json', ...args);
    return (JSON.parse(stdout) as Record<string, unknown>[])[0] ?? expect.unreachable('it says something');
  };
  /** Marks that `sync check` gives, but for `=`. */
  const differences = async (): Promise<unknown> => {
    const { stdout } = await program.run('sync', 'check', 'hdfs', '--format', 'json');
    const { '=': _, ...counts } = (JSON.parse(stdout) as { counts: Record<string, number> }).counts;
    return counts;
  };
  const EQUAL = { '+': 0, '*': 0, '-': 0, '!': 0 };
  /** Sizes of what is half written there. Small files are not taken up again: a later sync tidies them away. */
  const half = async (): Promise<readonly number[]> =>
    (await hadoop('-ls', '-R', `/${there}`))
      .split('\n')
      .filter((line) => line.includes('.dataflow-'))
      .map((line) => Number(line.split(/\s+/)[4]));

  it('a lake is there as it is here: Hadoop gives it back, another reader sees the same rows, the same again sends nothing', async () => {
    expect(await synced()).toMatchObject({ files_put: 8 });
    expect(await differences()).toEqual(EQUAL);
    const copy = join(folder, 'copy');
    await hadoop('-get', `/${there}/datalake`, copy);
    for (const path of readdirSync(copy, { recursive: true, encoding: 'utf8' }).filter((one) =>
      one.endsWith('.parquet'),
    ))
      expect(readFileSync(join(copy, path)).equals(readFileSync(join(folder, 'lake', path))), path).toBe(true);
    if (PYTHON === '') console.log('read by delta-rs — skipped: DATAFLOW_PYTHON is not set');
    else {
      const { stdout } = await run(PYTHON, ['-c', SUMS, join(copy, 'curated', 'par_pays')]);
      const rows = await program.rows('select pays, n, montant::varchar as montant from gold.par_pays order by pays');
      expect(JSON.parse(stdout)).toEqual(rows.map(({ pays, n, montant }) => [pays, Number(n), montant]));
    }
    const again = await synced();
    expect(again).toMatchObject({ files_put: 0, bytes_put: 0 });
    expect(again['requests']).not.toHaveProperty('put');
  }, 120_000);

  it.each(POINTS)(
    'killed at %s: the next call makes both sides equal',
    async (point) => {
      addFile(POINTS.indexOf(point) + 2);
      expect(await program.run('run')).toMatchObject({ code: 0 });
      const killed = await stopped(`${point}:kill@2`).run('sync', 'hdfs');
      expect(killed.stderr).toContain(`fault point ${point}`);
      expect(await program.run('sync', 'hdfs')).toMatchObject({ code: 0 });
      expect(await differences()).toEqual(EQUAL);
    },
    120_000,
  );

  it('a large file that was broken off goes on where it stopped', async () => {
    await hadoop('-rm', '-r', '-skipTrash', `/${there}/datalake`);
    rmSync(join(folder, 'lake', '_dataflow', 'ledger.db'));
    expect(await program.run('ledger', 'rebuild')).toMatchObject({ code: 0 });
    const killed = await stopped('during-far-upload:kill@12').run('sync', 'hdfs', '--force');
    expect(killed.stderr).toContain('fault point during-far-upload');
    expect(Math.max(...(await half()))).toBeGreaterThan(1_000_000);
    const { bytes_resumed } = await synced();
    expect(bytes_resumed).toBeGreaterThan(1_000_000);
    expect(await differences()).toEqual(EQUAL);
    expect(Math.max(0, ...(await half()))).toBeLessThan(10_000);
  }, 120_000);
});
