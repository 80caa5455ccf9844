import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as httpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as httpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { FarStorage, PutOutcome, PutRequest } from '../../core/ports/far-storage.ts';
import { ChecksumMaker, USUAL_RULE } from './checksum.ts';
import { component } from './storage.ts';
import { resumableName } from './upload.ts';

/** A cluster that does what real ones do only on bad days, or behind gateways; the real ones are in test/services. */
const servers: Server[] = [];
const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
});

const OPENSSL = 'openssl';
const signal = new AbortController().signal;
const DEFAULTS = { user: 'me', connect_timeout_s: 5, request_timeout_s: 5, ready_timeout_s: 0 };
const bytes = Buffer.from('hello');
const empty = Buffer.alloc(0);
const MIB = 1024 * 1024;
const large = Buffer.alloc(9 * MIB, 'large');
const sha256 = createHash('sha256').update(large).digest('hex');

interface Odd {
  /** Where CREATE and APPEND send us; absent: to the cluster itself. */
  location?(url: string, path: string, asked: URL): string | undefined;
  /** What is said instead of an answer: status, exception, words. */
  refuse?(asked: URL): readonly [number, string, string | null] | undefined;
  /** DataNodes as its bean has them. */
  readonly live_nodes?: Readonly<Record<string, unknown>>;
  /** Bytes of a body after which the connection breaks, which are kept. */
  readonly breaks_after?: number;
  /** Files are encrypted on the disks: their checksums are of something else. */
  readonly encrypted?: true;
  /** Those of another node, which both then have. */
  readonly files?: Map<string, Buffer>;
  /** As HttpFS does: it knows no options of RENAME, and no `noredirect`. */
  readonly httpfs?: true;
  readonly tls?: { readonly key: Buffer; readonly cert: Buffer };
}

interface Cluster {
  readonly url: string;
  readonly files: Map<string, Buffer>;
  readonly asked: string[];
}

async function cluster(odd: Odd = {}): Promise<Cluster> {
  const files = odd.files ?? new Map<string, Buffer>();
  const asked: string[] = [];
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const body: Buffer[] = [];
    const url = new URL(request.url ?? '', base());
    const path = decodeURIComponent(url.pathname.replace('/webhdfs/v1', ''));
    let left = odd.breaks_after ?? Number.POSITIVE_INFINITY;
    request.on('data', (chunk: Buffer) => {
      body.push(chunk.subarray(0, left));
      left -= chunk.length;
      if (left > 0 || request.destroyed) return;
      files.set(path, Buffer.concat([...(url.searchParams.has('append') ? [files.get(path) ?? empty] : []), ...body]));
      asked.push(`${url.searchParams.get('op')} broken off`);
      request.destroy();
    });
    request.on('end', () => {
      asked.push(`${url.searchParams.get('op')} ${request.headers.host} ${Buffer.concat(body).length}`);
      answer(url, Buffer.concat(body), response);
    });
  };
  const server = odd.tls === undefined ? httpServer(listener) : httpsServer(odd.tls, listener);
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const base = (): string =>
    `http${odd.tls === undefined ? '' : 's'}://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const answer = (url: URL, body: Buffer, response: ServerResponse): void => {
    const say = (status: number, value: unknown): void => void response.writeHead(status).end(JSON.stringify(value));
    const refuse = (status: number, exception: string): void =>
      say(status, { RemoteException: { exception, message: `${exception} here` } });
    const path = decodeURIComponent(url.pathname.replace('/webhdfs/v1', ''));
    const found = files.get(path);
    const op = url.searchParams.get('op');
    const to = url.searchParams.get('destination') ?? '';
    const [status, exception, message] = odd.refuse?.(url) ?? [];
    if (status !== undefined) say(status, { RemoteException: { exception, message } });
    else if (url.pathname === '/jmx') say(200, { beans: [{ LiveNodes: JSON.stringify(odd.live_nodes ?? {}) }] });
    else if ((op === 'CREATE' || op === 'APPEND') && !url.searchParams.has('data')) {
      const location = (odd.location ?? sentTo)(base(), path, url);
      const wants_json = url.searchParams.get('noredirect') === 'true' && odd.httpfs === undefined;
      if (wants_json && location !== undefined) say(200, { Location: location });
      else response.writeHead(307, location === undefined ? {} : { location }).end();
    } else if (op === 'CREATE') {
      files.set(path, body);
      response.writeHead(201).end();
    } else if (op === 'APPEND') {
      files.set(path, Buffer.concat([found ?? empty, body]));
      response.writeHead(200).end();
    } else if (op === 'RENAME' && odd.httpfs !== undefined && files.has(to)) say(200, { boolean: false });
    else if (op === 'RENAME' && found !== undefined) {
      files.delete(path);
      files.set(to, found);
      if (odd.httpfs === undefined) response.writeHead(200).end();
      else say(200, { boolean: true });
    } else if (op === 'DELETE') say(200, { boolean: files.delete(path) });
    else if (found === undefined) refuse(404, 'FileNotFoundException');
    else if (op === 'GETFILESTATUS')
      say(200, {
        FileStatus: { pathSuffix: '', type: 'FILE', length: found.length, modificationTime: 5, encBit: odd.encrypted },
      });
    else if (op === 'GETFILECHECKSUM') {
      const maker = new ChecksumMaker({ ...USUAL_RULE, block_bytes: 128 * MIB });
      maker.add(odd.encrypted === undefined ? found : Buffer.from(found.toReversed()));
      say(200, { FileChecksum: maker.digest() });
    } else if (op === 'OPEN') response.writeHead(200).end(found);
    else refuse(400, 'UnsupportedOperationException');
  };
  return { url: base(), files, asked };
}

function sentTo(url: string, path: string, asked?: URL): string {
  const append = asked?.searchParams.get('op') === 'APPEND';
  return `${url}/webhdfs/v1${path}?op=${append ? 'APPEND&append=true' : 'CREATE'}&data=true`;
}

function open(url: string, more: Readonly<Record<string, unknown>> = {}): FarStorage {
  const options = { url, ...DEFAULTS, ...more };
  const request = { connection: { name: 'c', type: 'hdfs', options }, path: 'lake', root: '/', note: () => undefined };
  return component.open(request) as FarStorage;
}

async function put(far: FarStorage, over: PutRequest['over'] = 'nothing'): Promise<PutOutcome> {
  try {
    return await far.put({ path: 'a', content: { bytes }, over, signal });
  } finally {
    await far.close();
  }
}

describe('far storage on HDFS', () => {
  it('sends no byte to the NameNode, and all of them where it is told', async () => {
    const data = await cluster();
    const name = await cluster({ location: (_, path) => sentTo(data.url, path), files: data.files });
    const { host } = new URL(data.url);
    expect(await put(open(name.url))).toMatchObject({ done: true });
    expect(data.asked).toEqual([`CREATE ${host} 5`]);
    expect(name.asked.every((one) => one.endsWith(' 0'))).toBe(true);
  });

  it('case 41: says which DataNode cannot be resolved, and what to do; with datanode_hosts it is found', async () => {
    const elsewhere = (own: string, path: string): string =>
      sentTo(own.replace('127.0.0.1', 'dn1.nowhere.invalid'), path);
    const name = await cluster({ location: elsewhere });
    await expect(put(open(name.url))).rejects.toMatchObject({
      code: 'E_FAR_UNREACHABLE',
      message: expect.stringContaining('dn1.nowhere.invalid'),
      hint: expect.stringContaining('datanode_hosts: { "dn1.nowhere.invalid": address }'),
    });
    const { host, port } = new URL(name.url);
    expect(await put(open(name.url, { datanode_hosts: { '*.nowhere.invalid': host } }))).toMatchObject({ done: true });
    expect(name.asked).toContain(`CREATE dn1.nowhere.invalid:${port} 5`);
  });

  it.each([
    ['http://169.254.169.254/latest?op=CREATE', {}, /linkLocal/],
    ['http://dn7.example.org:9864/x', { datanode_hosts: { dn1: '10.0.0.7' } }, /dn7.example.org is not among/],
  ])('case 41: does not go to %s because a NameNode says so', async (location, more, words) => {
    const name = await cluster({ location: () => location });
    await expect(put(open(name.url, more))).rejects.toMatchObject({
      code: 'E_OUTBOUND',
      message: expect.stringMatching(words),
    });
  });

  it('case 41: asks again when a redirect leads nowhere, and gives up in the end', async () => {
    let left = 2;
    const name = await cluster({ location: (own, path) => (left-- > 0 ? undefined : sentTo(own, path)) });
    expect(await put(open(name.url))).toMatchObject({ done: true });
    const never = await cluster({ location: () => undefined });
    await expect(put(open(never.url))).rejects.toMatchObject({
      code: 'E_FAR_UNREACHABLE',
      message: expect.stringContaining('names no DataNode'),
    });
  }, 30_000);

  it.each([
    ['by the address that tells it from its neighbour', true, '127.0.0.1:1001'],
    ['by its IP where the NameNode does not tell', false, '127.0.0.1'],
  ])('case 41: a DataNode that refuses is left out %s, for other files too', async (_, tells, address) => {
    const data = await cluster();
    const node = (web: string, port: number) => ({
      infoAddr: web,
      infoSecureAddr: ':0',
      xferaddr: `127.0.0.1:${port}`,
    });
    const live_nodes = { 'dn1:1001': node('127.0.0.1:1', 1001), 'dn1:1002': node(new URL(data.url).host, 1002) };
    const name = await cluster({
      ...{ files: data.files, ...(tells ? { live_nodes } : {}) },
      location: (_own, path, asked) =>
        sentTo(asked.searchParams.get('excludedatanodes') === address ? data.url : 'http://127.0.0.1:1', path),
    });
    const far = open(name.url);
    for (const path of ['a', 'b'])
      expect(await far.put({ path, content: { bytes }, over: 'nothing', signal })).toMatchObject({ done: true });
    await far.close();
    expect(name.asked.filter((one) => one.startsWith('CREATE'))).toHaveLength(3);
    expect(far.requests.get('put')).toBe(6);
    // Nothing was sent that would have to be taken away.
    expect(far.requests.get('delete')).toBeUndefined();
  });

  it.each(['ClosedChannelException', 'ConnectException', 'FileNotFoundException'])(
    'case 41: tries again when a DataNode says no more than %s',
    async (exception) => {
      const left = [exception];
      const name = await cluster({
        refuse: (asked) => {
          const one = asked.searchParams.has('data') ? left.pop() : undefined;
          return one === undefined ? undefined : [403, one, null];
        },
      });
      expect(await put(open(name.url))).toMatchObject({ done: true });
    },
  );

  it('goes to a node that is left out when there is no other', async () => {
    const left = ['http://127.0.0.1:1'];
    const name = await cluster({
      refuse: (asked) =>
        asked.searchParams.has('excludedatanodes')
          ? [403, 'IOException', 'Failed to find datanode, suggest to check cluster health.']
          : undefined,
      location: (own, path) => sentTo(left.pop() ?? own, path),
    });
    expect(await put(open(name.url))).toMatchObject({ done: true });
  });

  describe('with a part of a large file that arrived earlier', () => {
    const temporary = `/lake/${resumableName('/lake/a', sha256)}`;
    const begun = (): Map<string, Buffer> => new Map([[temporary, large.subarray(0, 3 * MIB)]]);
    const putLarge = async (far: FarStorage): Promise<PutOutcome> => {
      try {
        return await far.put({ path: 'a', content: { bytes: large }, sha256, over: 'nothing', signal });
      } finally {
        await far.close();
      }
    };

    it('goes on where it broke, however often, as long as it gets on', async () => {
      vi.spyOn(Math, 'random').mockReturnValue(0);
      const name = await cluster({ files: begun(), breaks_after: 0.5 * MIB });
      expect(await putLarge(open(name.url))).toMatchObject({ done: true, resumed_bytes: 3 * MIB });
      expect(name.asked.filter((one) => one === 'APPEND broken off').length).toBeGreaterThan(10);
      expect(name.files.get('/lake/a')?.equals(large)).toBe(true);
      vi.restoreAllMocks();
    });

    it.each([
      ['the only node that has it is dead', undefined],
      [
        'the cluster cannot append to it',
        [400, 'UnsupportedOperationException', 'Cannot append to files with striped'],
      ],
      ['somebody else began it', [403, 'AccessControlException', 'Permission denied: user=me, access=WRITE']],
    ] as const)('case 41: begins anew at once where %s', async (_, refusal) => {
      const name = await cluster({
        files: begun(),
        refuse: (asked) => (asked.searchParams.get('op') === 'APPEND' ? refusal : undefined),
        location: (own, path, asked) =>
          sentTo(asked.searchParams.get('op') === 'APPEND' ? 'http://127.0.0.1:1' : own, path, asked),
      });
      expect(await putLarge(open(name.url))).toMatchObject({ done: true, resumed_bytes: 0 });
      expect(name.asked.filter((one) => one.startsWith('CREATE') && one.endsWith(` ${large.length}`))).toHaveLength(1);
      expect([...name.files.keys()]).toEqual(['/lake/a']);
    });

    it('keeps what arrived when the quota is used up', async () => {
      const refusal = [403, 'DSQuotaExceededException', 'The DiskSpace quota of /lake is exceeded'] as const;
      const files = begun();
      const name = await cluster({
        files,
        refuse: (asked) => (asked.searchParams.get('op') === 'APPEND' ? refusal : undefined),
      });
      await expect(putLarge(open(name.url))).rejects.toMatchObject({ code: 'E_FAR_REFUSED' });
      expect(files.get(temporary)?.length).toBe(3 * MIB);
    });
  });

  it('reads back what is encrypted on the disks, where a checksum is of other bytes', async () => {
    const name = await cluster({ encrypted: true });
    const far = open(name.url);
    const outcome = await far.put({ path: 'a', content: { bytes }, over: 'nothing', signal });
    expect(outcome).toMatchObject({ done: true });
    expect(name.asked.some((one) => one.startsWith('OPEN'))).toBe(true);
    const file = join(mkdtempSync(join(tmpdir(), 'dataflow-hdfs-same-')), 'a');
    folders.push(join(file, '..'));
    writeFileSync(file, bytes);
    const there = outcome.done ? outcome.file : expect.unreachable('it was put');
    expect(await far.matches(file, there, signal)).toBe(true);
    writeFileSync(file, 'hellp');
    expect(await far.matches(file, there, signal)).toBe(false);
    await far.close();
  });

  it('makes the folder again when somebody removed it, whatever it is called', async () => {
    let there = false;
    const name = await cluster({
      refuse: (asked) => {
        const op = asked.searchParams.get('op');
        if (op === 'MKDIRS') there = true;
        if (op === 'MKDIRS') return [200, '', ''];
        return op === 'RENAME' && !there
          ? [404, 'FileNotFoundException', 'rename destination parent /lake/source/a not found.']
          : undefined;
      },
    });
    const far = open(name.url);
    const request = { path: 'source/a', content: { bytes }, over: 'nothing' as const, signal };
    expect(await far.put(request)).toMatchObject({ done: true });
    await far.close();
  });

  it('gets along with HttpFS: redirects, a RENAME that says no without a reason, replacement in two steps', async () => {
    const gateway = await cluster({ httpfs: true });
    expect(await put(open(gateway.url))).toMatchObject({ done: true, file: { size_bytes: 5 } });
    expect(await put(open(gateway.url))).toMatchObject({ done: false, taken: { size_bytes: 5 } });
    expect(await put(open(gateway.url), 'anything')).toMatchObject({ done: true });
    expect([...gateway.files.keys()]).toEqual(['/lake/a']);
  });

  it('checks certificates by ca_file, by the name of the DataNode, and never goes on from https to http', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dataflow-hdfs-tls-'));
    folders.push(folder);
    const [key, ca_file] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const names = 'subjectAltName=IP:127.0.0.1,DNS:dn1.cluster';
    execFileSync(
      OPENSSL,
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
        ...['-subj', '/CN=cluster', '-addext', names, '-keyout', key, '-out', ca_file],
      ],
      { stdio: 'ignore' },
    );
    const tls = { key: readFileSync(key), cert: readFileSync(ca_file) };
    const to =
      (host: string) =>
      (own: string, path: string): string =>
        sentTo(own.replace('127.0.0.1', host), path);
    const name = await cluster({ tls, location: to('dn1.cluster') });
    await expect(put(open(name.url))).rejects.toMatchObject({ code: 'E_FAR_UNREACHABLE' });
    expect(name.asked).toEqual([]);
    const { host } = new URL(name.url);
    const right = open(name.url, { ca_file, datanode_hosts: { 'dn1.cluster': host } });
    expect(await put(right)).toMatchObject({ done: true });
    const other = await cluster({ tls, location: to('dn2.cluster') });
    const wrong = open(other.url, { ca_file, datanode_hosts: { 'dn2.cluster': new URL(other.url).host } });
    await expect(put(wrong)).rejects.toMatchObject({ message: expect.stringContaining('dn2.cluster') });
    expect(other.files.size).toBe(0);
    const plain = await cluster({ tls, location: () => 'http://127.0.0.1:1/x' });
    await expect(put(open(plain.url, { ca_file }))).rejects.toMatchObject({ code: 'E_OUTBOUND' });
  }, 30_000);
});
