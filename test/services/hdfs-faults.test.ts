import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunningServer } from '../../scripts/services/room.ts';
import { component } from '../../src/connectors/hdfs/storage.ts';
import type { FarStorage, PutOutcome, PutRequest } from '../../src/core/ports/far-storage.ts';
import { expectDone, expectError, newPlace, type Place } from '../support/fault-project.ts';
import { stopped } from '../support/stopped.ts';
import { describeService, ownServer, uniqueName } from './service.ts';

const run = promisify(execFile);
const MIB = 1024 * 1024;
const signal = new AbortController().signal;

/** Named here so that it is known whether it can be had; these tests end and restart servers of their own. */
describeService('hdfs', () => {
  let pair: RunningServer | undefined;
  const folder = uniqueName('faults');
  const notes: string[] = [];
  beforeAll(async () => {
    pair = await ownServer('hdfs_pair');
    await java('fs.FsShell', '-mkdir', '-p', `/${folder}`);
    await java('fs.FsShell', '-chown', 'etl', `/${folder}`);
  }, 180_000);
  afterAll(async () => await pair?.stop(), 60_000);

  const settings = (): Readonly<Record<string, string>> => pair?.settings ?? {};
  const java = async (main: string, ...args: readonly string[]): Promise<string> => {
    const classes = settings()['DATAFLOW_TEST_HDFS_PAIR_CLASSPATH'] ?? '';
    const words = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-cp', classes, `org.apache.hadoop.${main}`, ...args];
    return (await run('java', words, { env: { ...process.env, HADOOP_USER_NAME: 'hdfs' } })).stdout;
  };
  const open = (more: Readonly<Record<string, unknown>> = {}): FarStorage =>
    component.open({
      connection: {
        name: 'cluster',
        type: 'hdfs',
        options: {
          ...{ url: (settings()['DATAFLOW_TEST_HDFS_PAIR'] ?? '').split(','), user: 'hdfs', path: `/${folder}` },
          ...{ connect_timeout_s: 5, request_timeout_s: 20, ready_timeout_s: 60, block_size_bytes: MIB, ...more },
        },
      },
      ...{ path: '', root: '/', note: (text) => void notes.push(text) },
    }) as FarStorage;
  const put = (far: FarStorage, path: string, bytes: Buffer, more: Partial<PutRequest> = {}): Promise<PutOutcome> =>
    far.put({
      ...{
        path,
        content: { bytes },
        sha256: createHash('sha256').update(bytes).digest('hex'),
        over: 'nothing',
        signal,
      },
      ...more,
    });
  /** As another program reads it. */
  const sums = async (path: string): Promise<string> => await java('fs.FsShell', '-checksum', `/${folder}/${path}`);
  const processOf = (name: string): number =>
    pair?.processes().find((one) => one.name === name)?.pid ?? expect.unreachable(`${name} runs`);

  /** A project of user `etl` over a lake of its own there. */
  function projectThere(lake: string): Place {
    const urls = (settings()['DATAFLOW_TEST_HDFS_PAIR'] ?? '').split(',');
    return newPlace(
      `connections:
  there: { type: hdfs, url: [${urls.map((one) => `"${one}"`).join(', ')}], user: etl, path: /${folder}, ready_timeout_s: 60 }
sources:
  a: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint } }
silver:
  a: { from: a, key: id }
gold:
  total: { sql: "select count(*) as n, sum(id) as ids from silver.a" }
`,
      { lake: `hdfs://pair/${folder}/${lake}` },
    );
  }

  it('case 42: the NameNode that stands by is passed over, and after a failover the other one', async () => {
    const far = open();
    await put(far, 'one', Buffer.from('one'));
    await java('hdfs.tools.DFSHAAdmin', '-transitionToStandby', 'one');
    // Nobody is active now: it is waited for.
    const going = put(far, 'two', Buffer.from('two'));
    await java('hdfs.tools.DFSHAAdmin', '-transitionToActive', 'two');
    expect(await going).toMatchObject({ done: true });
    expect(await far.info('one', signal)).toMatchObject({ size_bytes: 3 });
    const late = open({ ready_timeout_s: 0 });
    expect(await put(late, 'three', Buffer.from('three'))).toMatchObject({ done: true });
    await Promise.all([far.close(), late.close()]);
  }, 90_000);

  it('case 42: safe mode is waited for, and named when it does not end', async () => {
    await java('hdfs.tools.DFSAdmin', '-safemode', 'enter');
    const hasty = open({ ready_timeout_s: 0 });
    await expect(put(hasty, 'safe', Buffer.from('x'))).rejects.toMatchObject({
      code: 'E_FAR_UNREACHABLE',
      message: expect.stringMatching(/safe ?mode/i),
      hint: expect.stringContaining('hdfs dfsadmin -safemode get'),
    });
    const patient = open();
    const going = put(patient, 'safe', Buffer.from('x'));
    await java('hdfs.tools.DFSAdmin', '-safemode', 'leave');
    expect(await going).toMatchObject({ done: true });
    await Promise.all([hasty.close(), patient.close()]);
  }, 90_000);

  it('case 42: a right that is missing ends it at once, with path, user and right', async () => {
    const stranger = open({ user: 'stranger' });
    const error = await put(stranger, 'denied', Buffer.from('x')).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'E_FAR_DENIED',
      hint: expect.stringContaining(`stranger needs -wx on /${folder}`),
    });
    await stranger.close();
  }, 30_000);

  it('case 41: a DataNode that dies in the middle of a file: it arrives whole by the other one', async () => {
    const far = open();
    const bytes = randomBytes(9 * MIB);
    let killed = false;
    const sent = (): void => {
      if (killed) return;
      killed = true;
      process.kill(-processOf('datanode-one'), 'SIGKILL');
    };
    // Of several files that are on their way at least one is on its way to the node that dies.
    const paths = ['a', 'b', 'c', 'd'].map((name) => `killed/${name}`);
    const done = { done: true, file: { size_bytes: bytes.length } };
    const outcomes = await Promise.all(paths.map((path) => put(far, path, bytes, { sent })));
    expect(outcomes).toMatchObject(paths.map(() => done));
    expect(await put(far, 'killed/e', bytes)).toMatchObject(done);
    const names: string[] = [];
    for await (const page of far.list({ prefix: 'killed/', signal })) names.push(...page.map(({ path }) => path));
    expect(names.sort()).toEqual([...paths, 'killed/e']);
    for (const line of (await sums('killed/*')).trim().split('\n'))
      expect(line).toContain('MD5-of-2048MD5-of-512CRC32C');
    await far.close();
  }, 120_000);

  it('case 42: a run may not write a folder of its lake: what it may is kept, and with the right given retry does the rest', async () => {
    const place = projectThere('denied');
    const total = () => place.query('select n, ids from gold.total');
    try {
      place.put({ 'in/1.csv': 'id\n1\n2\n' });
      expectDone(place.dataflow(['run']));
      const table = `/${folder}/denied/silver/a`;
      await java('fs.FsShell', '-chown', '-R', 'hdfs', table);
      place.put({ 'in/2.csv': 'id\n2\n3\n' });
      const denied = place.dataflow(['run']);
      expectError(denied, 'E_FAR_DENIED', 4);
      expect(denied.stderr).toContain(`etl needs -wx on ${table}`);
      expect(denied.stdout).toMatch(/^bronze\.a +ok/m);
      expect(total()).toEqual([{ n: 2, ids: '3' }]);
      await java('fs.FsShell', '-chown', '-R', 'etl', table);
      expectDone(place.dataflow(['retry']));
      expect(total()).toEqual([{ n: 3, ids: '6' }]);
    } finally {
      place.remove();
    }
  }, 180_000);

  it('case 42: all of it is killed in the middle and started again: the same call goes on, and so does a run', async () => {
    const far = open({ request_timeout_s: 10 });
    const bytes = randomBytes(9 * MIB);
    const place = projectThere('killed-lake');
    place.put({ 'in/1.csv': 'id\n1\n2\n' });
    try {
      const { child, ended } = place.start(['run'], { DATAFLOW_FAULT: 'after-stage:stop' });
      await stopped(child.pid);
      let halted: Promise<void> | undefined;
      const sent = (): void => {
        halted ??= pair?.halt('SIGKILL');
      };
      const going = put(far, 'restarted/large', bytes, { sent });
      await expect.poll(() => halted !== undefined, { timeout: 60_000 }).toBe(true);
      await halted;
      child.kill('SIGCONT');
      await pair?.resume();
      expect(await going).toMatchObject({ done: true, file: { size_bytes: bytes.length } });
      expectDone(await ended);
      expect(place.query('select n, ids from gold.total')).toEqual([{ n: 2, ids: '3' }]);
      expectDone(place.dataflow(['verify']));
    } finally {
      place.remove();
    }
    const got = await far.read({ path: 'restarted/large', signal });
    const hash = createHash('sha256');
    for await (const chunk of got?.chunks ?? []) hash.update(chunk);
    expect(hash.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'));
    await far.close();
  }, 180_000);
});
