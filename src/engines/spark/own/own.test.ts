import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { sparkPlace } from '../places.ts';
import { installedSpark, versionOf } from './installed.ts';
import { ownSettings } from './settings.ts';
import { startOwnServer } from './start.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'dataflow-own-'));
  for (const folder of ['bin', 'conf', 'jars', 'tmp']) mkdirSync(join(home, folder));
  vi.stubEnv('TMPDIR', join(home, 'tmp'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

/** An installation whose program does this. */
function installed(script: string, jar = 'spark-core_2.13-4.0.1.jar'): NonNullable<ReturnType<typeof installedSpark>> {
  const submit = join(home, 'bin', 'spark-submit');
  writeFileSync(submit, `#!/bin/sh\n${script}\n`);
  chmodSync(submit, 0o755);
  writeFileSync(join(home, 'jars', jar), '');
  const found = installedSpark({ SPARK_HOME: home });
  if (found === undefined) throw new Error('not found');
  return found;
}

const request = (script: string, jar?: string): Parameters<typeof startOwnServer>[0] => ({
  spark: installed(script, jar),
  master: 'local[1]',
  settings: { 'spark.hadoop.fs.s3a.secret.key': 'of-the-store' },
  env: { PATH: process.env['PATH'], SPARK_REMOTE: 'sc://elsewhere' },
});

it('the installation is that of SPARK_HOME, else that of PATH; the project names a server, a master, or neither', () => {
  expect(installedSpark({ PATH: join(home, 'bin') })).toBe(undefined);
  const spark = installed('exit 0');
  expect(installedSpark({ PATH: `:/nowhere:${join(home, 'bin')}` })?.jars).toEqual(spark.jars);
  expect(versionOf(spark)).toBe('4.0.1');
  const env = { SPARK_HOME: home, SPARK_REMOTE: 'sc://a' };
  expect(sparkPlace({ type: 'spark', url: 'sc://b', token: 't' }, env)).toEqual({
    kind: 'server',
    url: 'sc://b',
    token: 't',
  });
  expect(sparkPlace({ type: 'spark' }, env)).toMatchObject({ kind: 'server', url: 'sc://a' });
  expect(sparkPlace({ type: 'spark', master: 'yarn', settings: { a: 4 } }, env)).toMatchObject({
    ...{ kind: 'own', master: 'yarn', settings: { a: '4' } },
  });
  expect(sparkPlace({ type: 'spark' }, { SPARK_HOME: home })).toMatchObject({ kind: 'own', master: undefined });
  expect(() => sparkPlace({ type: 'spark' }, {})).toThrow('nothing says where Spark is');
  expect(() => sparkPlace({ type: 'spark', master: 'yarn' }, {})).toThrow('no Spark is installed here');
});

it('settings: the project above the installation, the port above both; Delta where it is there', () => {
  writeFileSync(
    join(home, 'conf', 'spark-defaults.conf'),
    'spark.sql.extensions mine\nspark.jars.packages io.delta:delta-spark_2.13:4.0.0\n',
  );
  const made = ownSettings(installed('exit 0'), { settings: { 'spark.a:b': 'c\\d\ne' }, folder: home, port: 7 });
  const at = (text: string): number => made.indexOf(text);
  expect(at('spark.sql.catalog.spark_catalog=')).toBeGreaterThan(-1);
  expect(at('spark.sql.extensions=io.delta')).toBeLessThan(at('spark.sql.extensions mine'));
  expect(made).toContain(String.raw`spark.a\:b=c\\d\ne`);
  expect(at('spark.a')).toBeLessThan(at('spark.connect.grpc.binding.port=7'));
  expect(ownSettings({ jars: [], defaults: '' }, { settings: {}, folder: home, port: 7 })).not.toContain('delta');
});

it('a server that does not start is told with its reason, and nothing is left', async () => {
  const missing =
    'echo "26/01/01 WARN Utils: a resource"; echo "Error: Failed to load class org.apache.spark.sql.connect.service.SparkConnectServer." >&2; exit 1';
  await expect(startOwnServer(request(missing))).rejects.toMatchObject({
    code: 'E_ENGINE_UNREACHABLE',
    message: expect.stringMatching(
      /^Spark does not start \(.*spark-submit --master local\[1\]\): Error: Failed to load class/,
    ),
    hint: expect.stringContaining('spark-connect_2.13'),
  });
  expect(readdirSync(join(home, 'tmp'))).toEqual([]);
});

it('Spark 3, which would listen to everybody, is not started', async () => {
  await expect(startOwnServer(request('exit 0', 'spark-core_2.12-3.5.7.jar'))).rejects.toMatchObject({
    code: 'E_CONFIG_INVALID',
    message: 'Spark 3.5.7 cannot be started for one user alone',
  });
});

it('an abort ends what was started; secrets are in no command', async () => {
  const abort = new AbortController();
  const seen = join(home, 'seen');
  const script = `echo "$*" "$SPARK_REMOTE" >${seen}.new; mv ${seen}.new ${seen}; exec sleep 600`;
  const started = startOwnServer({ ...request(script), signal: abort.signal }).catch((error: unknown) => error);
  await vi.waitFor(() => expect(existsSync(seen)).toBe(true), 30_000);
  abort.abort();
  expect(await started).toMatchObject({ code: 'E_ENGINE_INTERRUPTED' });
  expect(readFileSync(seen, 'utf8')).toMatch(/--master local\[1\] --properties-file \S+\/spark\.conf *\n$/);
  expect(readdirSync(join(home, 'tmp'))).toEqual([]);
});
