import { createHash } from 'node:crypto';
import { Client } from 'minio';
import { expect, it } from 'vitest';
import { type FarFaultRow, farTable, farTableOf, writeFarTable } from '../../scripts/reliability/far-section.ts';
import { component as hdfs } from '../../src/connectors/hdfs/storage.ts';
import { resumableName } from '../../src/connectors/hdfs/upload.ts';
import { component as s3 } from '../../src/connectors/s3/storage.ts';
import { bucketPlace } from './bucket-place.ts';
import { HALF, type RequestKind, runMatrix } from './far-matrix.ts';
import { httpProxy, type Mishap, type ProxiedRequest } from './faults/http-proxy.ts';
import { MirrorProject } from './mirror-project.ts';
import { hdfsKeeper } from './place-keepers.ts';
import { describeService, uniqueName } from './service.ts';

const MIB = 1024 * 1024;

/** What the real command meets on its way. */
const COMMAND_CASES: readonly (readonly [string, (asked: ProxiedRequest) => boolean, Mishap])[] = [
  ['the listing is refused', ({ query }) => query.has('list-type'), '503'],
  ['the listing is an error', ({ query }) => query.has('list-type'), 'error'],
  [
    'a data file is put and the answer says no',
    ({ method, path }) => method === 'PUT' && path.includes('/part-'),
    'error',
  ],
  [
    'a log entry is put and the answer is lost',
    ({ method, path }) => method === 'PUT' && path.includes('_log/'),
    'reset',
  ],
  ['a log entry is not put', ({ method, path }) => method === 'PUT' && path.includes('_log/'), '500'],
  [
    'the marker is put and the answer is cut',
    ({ method, path }) => method === 'PUT' && path.includes('/releases/'),
    'truncated',
  ],
];
const TIMES = { connect_timeout_s: 5, request_timeout_s: 3 };

/** Every outcome is one of the two good ones. DATAFLOW_WRITE_PAGES=1 puts them into docs/reliability.md. */
function compare(system: string, rows: readonly FarFaultRow[]): void {
  const outcomes = rows.flatMap(({ cells, request }) => cells.map((cell) => `${request}: ${cell}`));
  expect(outcomes.filter((one) => !/: (–|(same|next) sync( \/ (same|next) sync)?)$/.test(one))).toEqual([]);
  const table = farTableOf(rows);
  if (process.env['DATAFLOW_WRITE_PAGES'] === '1') writeFarTable(system, table);
  // On a machine that is busy with other things an attempt more or less may be needed, but nothing is left out.
  expect(requestsIn(farTable(system))).toEqual(requestsIn(table));
}

function requestsIn(table: string): readonly string[] {
  return table.split('\n').map((line) => line.split(' | ')[0] ?? '');
}

describeService('hdfs', ({ url }) => {
  const op = (name: string, own: boolean) => (asked: ProxiedRequest) =>
    asked.own === own && asked.query.get('op') === name;
  /** Leaves the first third of a file where an earlier sync would have left it. */
  let begin: RequestKind['prepare'];
  const begun = async (path: string, bytes: Buffer): Promise<void> => await begin?.(path, bytes);
  const kinds: readonly RequestKind[] = [
    { name: 'LISTSTATUS', is: op('LISTSTATUS_BATCH', true), only: 'small' },
    { name: 'GETFILESTATUS', is: op('GETFILESTATUS', true), only: 'small' },
    { name: 'MKDIRS', is: op('MKDIRS', true), only: 'small' },
    { name: 'CREATE, NameNode', is: op('CREATE', true), only: 'small' },
    { name: 'CREATE, DataNode', is: op('CREATE', false) },
    { name: 'APPEND, NameNode', is: op('APPEND', true), only: 'large', prepare: begun },
    { name: 'APPEND, DataNode', is: op('APPEND', false), only: 'large', prepare: begun },
    { name: 'GETFILECHECKSUM, NameNode', is: op('GETFILECHECKSUM', true) },
    { name: 'GETFILECHECKSUM, DataNode', is: op('GETFILECHECKSUM', false) },
    { name: 'RENAME', is: op('RENAME', true) },
    { name: 'OPEN, NameNode', is: op('OPEN', true), only: 'small' },
    { name: 'OPEN, DataNode', is: op('OPEN', false) },
    { name: 'DELETE', is: op('DELETE', true), only: 'small' },
  ];

  it('case 41: each request of WebHDFS meets 503, 429, 500, a reset, silence and a cut answer', {
    timeout: 300_000,
  }, async () => {
    const base = uniqueName('mishaps');
    const keeper = await hdfsKeeper(url, base);
    const put = keeper.put;
    begin = (path, bytes) => {
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const name = resumableName(`/${base}/${path}`, sha256);
      return put(`${path.slice(0, path.lastIndexOf('/'))}/${name}`, bytes.subarray(0, 3 * MIB + 17));
    };
    try {
      const rows = await runMatrix({
        ...{ system: 'WebHDFS', target: new URL(url).host, kinds, large_bytes: 9 * MIB },
        open: (path, address) =>
          hdfs.open({
            connection: {
              name: 'far',
              type: 'hdfs',
              options: {
                ...{ url: `http://${address}`, user: 'hdfs', path: `/${base}`, ready_timeout_s: 2, permission: '644' },
                ...{ datanode_hosts: { localhost: address }, block_size_bytes: MIB, ...TIMES },
              },
            },
            ...{ path, root: '/', note: () => undefined },
          }),
        halfWritten: (folder) => keeper.put(`${folder}/.dataflow-0123456789abcdef01234567.part`, HALF),
      });
      compare('WebHDFS', rows);
    } finally {
      await keeper.clear();
    }
  });
});

describeService('minio', ({ url }) => {
  const kinds: readonly RequestKind[] = [
    { name: 'list', errs: true, only: 'small', is: ({ method, query }) => method === 'GET' && query.has('list-type') },
    { name: 'put', errs: true, only: 'small', is: ({ method, query }) => method === 'PUT' && !query.has('partNumber') },
    {
      name: 'create multipart upload',
      errs: true,
      only: 'large',
      is: ({ method, query }) => method === 'POST' && query.has('uploads'),
    },
    {
      name: 'upload part',
      errs: true,
      only: 'large',
      is: ({ method, query }) => method === 'PUT' && query.has('partNumber'),
    },
    {
      name: 'complete',
      errs: true,
      only: 'large',
      is: ({ method, query }) => method === 'POST' && query.has('uploadId'),
    },
    {
      name: 'abort',
      errs: true,
      only: 'small',
      is: ({ method, query }) => method === 'DELETE' && query.has('uploadId'),
    },
    {
      name: 'list uploads',
      errs: true,
      only: 'small',
      is: ({ method, query }) => method === 'GET' && query.has('uploads'),
    },
    { name: 'head', only: 'large', is: ({ method }) => method === 'HEAD' },
    { name: 'get', is: ({ method, query }) => method === 'GET' && query.size === 0 },
    { name: 'delete', errs: true, only: 'small', is: ({ method, query }) => method === 'POST' && query.has('delete') },
  ];

  it('case 43: the command ends as if nothing had happened, or with an error that is worth another attempt', {
    timeout: 120_000,
  }, async () => {
    const proxy = await httpProxy(new URL(url).host);
    const place = await bucketPlace(url, proxy.address);
    const project = new MirrorProject(place);
    const equal = async (): Promise<void> => {
      const { code, stdout } = await project.run('verify', '--at', 'far');
      expect([code, stdout]).toEqual([0, expect.stringContaining('equal: all')]);
    };
    try {
      project.day(1);
      expect((await project.run('run')).code).toBe(0);
      proxy.plan(...COMMAND_CASES.map(([, when, mishap]) => ({ when, mishap, times: 1 })));
      expect(await project.run('sync')).toMatchObject({ code: 0, stderr: '' });
      expect(proxy.met).toBe(COMMAND_CASES.length);
      await equal();
      project.day(2);
      expect((await project.run('run')).code).toBe(0);
      proxy.plan({ when: ({ query }) => query.has('list-type'), mishap: 'reset', times: 1_000_000 });
      const given_up = await project.run('sync');
      expect([given_up.code, given_up.stderr]).toEqual([5, expect.stringContaining('E_FAR_UNREACHABLE')]);
      proxy.clear();
      expect((await project.run('sync')).code).toBe(0);
      await equal();
    } finally {
      project.remove();
      await place.clear();
      await proxy.close();
    }
  });

  it('case 43: each request of S3 meets 503, 429, 500, an error in a 200, a reset, silence and a cut answer', {
    timeout: 300_000,
  }, async () => {
    const { hostname, port, host, username, password } = new URL(url);
    const bucket = uniqueName('mishaps').replace('_', '-');
    const client = new Client({
      ...{ endPoint: hostname, port: Number(port), useSSL: false },
      ...{ accessKey: username, secretKey: password },
    });
    await client.makeBucket(bucket);
    const rows = await runMatrix({
      ...{ system: 'S3', target: host, kinds, large_bytes: 17 * MIB },
      open: (path, address) =>
        s3.open({
          connection: {
            name: 'far',
            type: 's3',
            options: {
              ...{ endpoint: `http://${address}`, bucket, region: 'us-east-1', path_style: true },
              ...{ access_key: username, secret_key: password, ...TIMES },
            },
          },
          ...{ path, root: '/', note: () => undefined },
        }),
      halfWritten: async (folder) => void (await client.initiateNewMultipartUpload(bucket, `${folder}/${HALF}`, {})),
    });
    compare('S3', rows);
    const names: string[] = [];
    for await (const { name } of client.listObjectsV2(bucket, '', true) as AsyncIterable<{ name: string }>)
      names.push(name);
    await client.removeObjects(bucket, names);
    await client.removeBucket(bucket);
  });
});
