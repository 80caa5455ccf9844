import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { expectDone, newPlace } from '../support/fault-project.ts';
import { bucketPlace } from './bucket-place.ts';
import { builtProgram } from './built-program.ts';
import { Machine } from './far-machine.ts';
import { hdfsPlace } from './hdfs-place.ts';
import type { MirrorPlace } from './mirror-project.ts';
import { describeService, service } from './service.ts';

// A server that has just started takes long for its first answers of each kind where other tests keep the cores busy.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const TOTAL = ['query', 'select n, amount from gold.total', '--format', 'json'];
const [minio, hdfs] = [service('minio'), service('hdfs')];

const absent = [minio, hdfs].find(({ available }) => !available);

describeService('spark_cluster', ({ url, settings }) => {
  const spark = `type: spark, url: "${url}"`;

  /** What doctor says of the engine, by what was looked at. */
  async function examined(machine: Machine): Promise<Readonly<Record<string, Finding>>> {
    const { findings } = JSON.parse((await machine.program.run('doctor', '--json')).stdout) as { findings: Finding[] };
    return Object.fromEntries(
      findings
        .filter(({ check }) => check.startsWith('engine'))
        .map((one) => [one.check.replace(/^engine ?/, ''), one]),
    );
  }

  async function withLake<Here extends MirrorPlace>(
    made: () => Promise<Here>,
    work: (machine: Machine, place: Here) => Promise<void>,
  ): Promise<void> {
    const place = await made();
    const machine = new Machine(place);
    try {
      machine.day(1);
      expect(await machine.program.run('run')).toMatchObject({ code: 0 });
      await work(machine, place);
    } finally {
      machine.remove();
      await place.clear();
    }
  }

  /** Process ids of executors of this cluster: children of its worker. */
  function executorPids(): readonly number[] {
    const { DATAFLOW_TEST_SPARK_MASTER: cluster = expect.unreachable() } = settings;
    const said = (pid: string, what: string): string => {
      try {
        return readFileSync(join('/proc', pid, what), 'utf8');
      } catch {
        return ''; // It is gone by now.
      }
    };
    return readdirSync('/proc').flatMap((pid) => {
      if (!/^\d+$/.test(pid) || !said(pid, 'cmdline').includes('CoarseGrainedExecutorBackend')) return [];
      const [, parent = ''] = /\) \w (\d+) /.exec(said(pid, 'stat')) ?? [];
      return said(parent, 'cmdline').includes(cluster) ? [Number(pid)] : [];
    });
  }

  /** Tables that DuckDB wrote, written on by Spark, and again by DuckDB on a machine that has none of those files. @param meanwhile while Spark writes */
  async function inTurn(machine: Machine, options: string, meanwhile?: () => Promise<void>): Promise<void> {
    const { program } = machine;
    machine.day(2);
    machine.engine(options);
    const [ran] = await Promise.all([program.run('run'), meanwhile?.()]);
    expect(ran).toMatchObject({ code: 0, stderr: expect.not.stringContaining('E_') });
    machine.engine();
    machine.forget();
    expect(await machine.total()).toEqual({ n: 18, amount: '36.00' });
    expect(await program.run('verify')).toMatchObject({ code: 0 });
    machine.day(3);
    expect(await program.run('run')).toMatchObject({ code: 0 });
    expect(await machine.total()).toMatchObject({ n: 27 });
    expect(await program.rows('select count(*) as n from quarantine.silver_sales')).toEqual([{ n: 3 }]);
  }

  describe.skipIf(absent !== undefined)(
    `lakes elsewhere${absent === undefined ? '' : ` — skipped: ${absent.reason}`}`,
    () => {
      it('in S3: executors read it as s3a://, by the keys of the server', () =>
        withLake(
          () => bucketPlace(minio.url),
          async (machine, place) => {
            const here = await machine.program.run(...TOTAL);
            machine.engine(`{ ${spark} }`);
            expect(await machine.program.run(...TOTAL)).toEqual(here);
            const { lake, executors } = await examined(machine);
            expect([lake?.status, lake?.message]).toEqual(['ok', expect.stringMatching(FINDS)]);
            expect([executors?.status, executors?.message]).toEqual(['ok', expect.stringMatching(READS)]);
            await inTurn(machine, `{ ${spark} }`);
            expect((await place.list()).filter((path) => path.includes('_dataflow/staging/'))).toEqual([]);
          },
        ));

      it('in HDFS: Spark opens it where lake_uri says; an executor that is killed while it writes is replaced; what is in the way is told with the remedy', () =>
        withLake(
          () => hdfsPlace(hdfs.url),
          async (machine, place) => {
            const here = await machine.program.run(...TOTAL);
            const folder = place.lake_url.replace(/^hdfs:..[^/]+/, '');
            const at = (uri: string): void => machine.engine(`{ ${spark}, lake_uri: "${uri}" }`);
            const there = hdfs.settings['DATAFLOW_TEST_HDFS_RPC'] + folder;
            at(there);
            expect(await machine.program.run(...TOTAL)).toEqual(here);
            const well = await examined(machine);
            expect([well['lake']?.message, well['executors']?.message]).toEqual([
              expect.stringMatching(FINDS),
              expect.stringMatching(READS),
            ]);
            const [killed = expect.unreachable('an executor runs'), ...others] = executorPids();
            expect(others).toEqual([]);
            await inTurn(machine, `{ ${spark}, lake_uri: "${there}" }`, async () => {
              while (!(await place.folders('_dataflow/staging')).includes('_temporary')) await sleep(2);
              process.kill(killed, 'SIGKILL');
            });
            expect(executorPids()).toEqual([expect.any(Number)]);
            expect(executorPids()).not.toContain(killed);
            expect((await place.list()).filter((path) => path.includes('_dataflow/staging/'))).toEqual([]);
            at(`hdfs://127.0.0.1:1${folder}`);
            const { lake } = await examined(machine);
            expect([lake?.status, lake?.message]).toEqual(['fail', expect.stringContaining('Connection refused')]);
            expect(lake?.remedy).toContain('engine.lake_uri');
            at(there);
            for (const path of await place.list()) if (path.endsWith('.parquet')) await place.remove(path);
            const { executors } = await examined(machine);
            expect([executors?.status, executors?.message]).toEqual([
              'fail',
              expect.stringContaining('FILE_NOT_EXIST'),
            ]);
            expect(executors?.remedy).toContain('dataflow verify');
          },
        ));
    },
  );

  const { DATAFLOW_TEST_SPARK_MASTER: master = '', DATAFLOW_TEST_SPARK_HOME = '' } = settings;
  it.skipIf(master === '')(
    'only a Spark client is installed: a server of our own on the cluster, for the time of a command',
    async () => {
      const place = newPlace(`sources:
  a: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint } }
silver:
  a: { from: a, key: id }
`);
      try {
        place.put({ 'in/1.csv': 'id\n1\n2\n' });
        expectDone(place.dataflow(['run']));
        const file = join(place.folder, 'pipelines.yaml');
        const share = `spark.cores.max: 1, spark.executor.memory: 512m, spark.jars: "${settings['DATAFLOW_TEST_SPARK_JARS']}"`;
        const engine = `engine: { type: spark, master: "${master}", settings: { ${share} } }`;
        writeFileSync(file, readFileSync(file, 'utf8').replace(/^engine: .*$/m, engine));
        const temp = join(place.folder, 'temp');
        mkdirSync(temp);
        const env = { SPARK_HOME: DATAFLOW_TEST_SPARK_HOME, TMPDIR: temp };
        const sum = ['query', 'select sum(id) as n from silver.a', '--format', 'csv'];
        const asked = await builtProgram(place.folder, env).run(...sum);
        expect(asked, asked.stderr).toMatchObject({ code: 0, stdout: 'n\n3\n' });
        expect(readdirSync(temp)).toEqual([]);
        // What is killed while Spark starts leaves nothing behind: the folder goes when Spark's process is gone.
        const child = execFile(process.execPath, [resolve('bin/dataflow.js'), ...sum], {
          ...{ cwd: place.folder, env: { ...process.env, ...env } },
        });
        await vi.waitFor(
          () => expect(readdirSync(temp).some((one) => existsSync(join(temp, one, 'server.log')))).toBe(true),
          60_000,
        );
        child.kill('SIGKILL');
        await vi.waitFor(() => expect(readdirSync(temp)).toEqual([]), 60_000);
      } finally {
        place.remove();
      }
    },
  );
});

const FINDS = /^finds \w+\.\w+ at version 0$/;
const READS = /^executors of spark:\/\/127\.0\.0\.1:\d+: list 1 file and read 1 file of \w+\.\w+: \d+ rows?$/;

interface Finding {
  readonly check: string;
  readonly status: string;
  readonly message: string;
  readonly remedy: string | null;
}
