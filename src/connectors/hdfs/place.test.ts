import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { FilePlace, PlacedFile } from '../../core/ports/file-place.ts';
import { component } from './place.ts';

/** NameNodes and DataNodes that do what real ones do only on bad days; the real ones are in test/services. */
const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
});

interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly authorization: string | undefined;
  readonly length: string | undefined;
}

async function node(
  answer: (asked: Asked, response: ServerResponse) => void,
): Promise<{ readonly url: string; readonly asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    const { authorization, 'content-length': length } = request.headers;
    const one = { method: request.method ?? '', url: new URL(request.url ?? '', 'http://x'), authorization, length };
    asked.push(one);
    answer(one, response);
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function refusal(response: ServerResponse, status: number, exception: string): void {
  json(response, status, { RemoteException: { exception, message: `${exception} here\n\tat java` } });
}

async function placeAt(options: Readonly<Record<string, unknown>>): Promise<FilePlace> {
  const defaults = { connect_timeout_s: 5, request_timeout_s: 5 };
  return await component.open({ name: 'c', type: 'hdfs', options: { ...defaults, ...options } }, '/');
}

const FILE: PlacedFile = { path: '/d/é +%.csv', size_bytes: 6, mtime_ns: '1000000', mark: '7' };

async function textOf(place: FilePlace, from: number): Promise<string> {
  const { chunks } = await place.read(FILE, from, undefined);
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString();
}

describe('WebHDFS', () => {
  it('follows a redirect by hand: nothing is sent to the NameNode, and who we are at a gateway is told to nobody else', async () => {
    const data = await node(({ url }, response) =>
      response.end('abcdef'.slice(Number(url.searchParams.get('offset')))),
    );
    const name = await node(({ url }, response) =>
      response.writeHead(307, { location: `${data.url}/bytes${url.search}` }).end(),
    );
    const place = await placeAt({ url: name.url, user: 'me', password: 'secret' });
    expect(await textOf(place, 2)).toBe('cdef');
    expect(name.asked[0]?.url.pathname).toBe('/webhdfs/v1/d/%C3%A9%20%2B%25.csv');
    expect(name.asked[0]).toMatchObject({ method: 'GET', length: undefined });
    expect(name.asked[0]?.authorization).toBe(`Basic ${Buffer.from('me:secret').toString('base64')}`);
    expect(data.asked[0]?.authorization).toBeUndefined();
    expect(name.asked[0]?.url.search).not.toContain('secret');
  });

  it('asks the next NameNode when one stands by or is not there, and stays with it', async () => {
    const standby = await node((_, response) => refusal(response, 403, 'StandbyException'));
    const active = await node((_, response) => response.end('abcdef'));
    const place = await placeAt({ url: ['http://127.0.0.1:1', standby.url, active.url] });
    expect(await textOf(place, 0)).toBe('abcdef');
    expect(await textOf(place, 0)).toBe('abcdef');
    expect([standby.asked.length, active.asked.length]).toEqual([1, 2]);
  });

  it('finds the active NameNode for each of many that ask at once', async () => {
    const standby = await node((_, response) => refusal(response, 403, 'StandbyException'));
    const active = await node((_, response) => response.end('abcdef'));
    const place = await placeAt({ url: [standby.url, active.url] });
    const texts = await Promise.all(Array.from({ length: 8 }, () => textOf(place, 0)));
    expect(texts).toEqual(Array.from({ length: 8 }, () => 'abcdef'));
  });

  it.each([
    ['no entry', []],
    ['the same entries', ['a.csv']],
  ])('a folder whose next page has %s is not taken for a whole one', async (_, names) => {
    const name = await node(({ url }, response) => {
      if (url.searchParams.get('op') === 'GETFILESTATUS')
        return json(response, 200, { FileStatus: { pathSuffix: '', type: 'DIRECTORY' } });
      const FileStatus = (url.searchParams.get('startAfter') === '' ? ['a.csv'] : names).map((pathSuffix) => ({
        ...{ pathSuffix, type: 'FILE', length: 3, modificationTime: 5 },
      }));
      json(response, 200, {
        DirectoryListing: { partialListing: { FileStatuses: { FileStatus } }, remainingEntries: 2 },
      });
    });
    const place = await placeAt({ url: name.url });
    const all = async (): Promise<void> => {
      for await (const _one of (await place.list({ prefix: '/d', folder: '/d', depth: 1 })) ?? []);
    };
    await expect(all()).rejects.toMatchObject({ code: 'E_SOURCE_QUERY', message: expect.stringContaining('2 more') });
  });

  it('reads a folder page by page', async () => {
    const entry = (pathSuffix: string, type = 'FILE') => ({
      pathSuffix,
      type,
      length: 3,
      modificationTime: 5,
      fileId: 1,
    });
    const pages: Readonly<Record<string, readonly [ReturnType<typeof entry>[], number]>> = {
      '/d?': [[entry('a.csv'), entry('b', 'DIRECTORY')], 2],
      '/d?b': [[entry('c.csv'), entry('l', 'SYMLINK')], 0],
      '/d/b?': [[entry('e.csv')], 0],
    };
    const name = await node(({ url }, response) => {
      const path = url.pathname.replace('/webhdfs/v1', '');
      if (url.searchParams.get('op') === 'GETFILESTATUS')
        return json(response, 200, { FileStatus: entry('', 'DIRECTORY') });
      const [FileStatus, remainingEntries] = pages[`${path}?${url.searchParams.get('startAfter')}`] ?? [[], 0];
      json(response, 200, {
        DirectoryListing: { partialListing: { FileStatuses: { FileStatus } }, remainingEntries },
      });
    });
    const place = await placeAt({ url: name.url });
    const found: string[] = [];
    for await (const one of (await place.list({ prefix: '/d', folder: '/d', depth: 1 })) ?? [])
      found.push('odd' in one ? `${one.path} ${one.odd}` : one.path);
    expect(found).toEqual(['/d/a.csv', '/d/c.csv', '/d/l a link', '/d/b/e.csv']);
  });

  it.each([
    [403, 'AccessControlException', 'E_SOURCE_DENIED'],
    [404, 'FileNotFoundException', 'E_SOURCE_CHANGED'],
    [403, 'SafeModeException', 'E_SOURCE_UNREACHABLE'],
    [400, 'IllegalArgumentException', 'E_SOURCE_QUERY'],
    [401, '', 'E_SOURCE_DENIED'],
    [500, '', 'E_SOURCE_UNREACHABLE'],
  ])('says what %i %s means', async (status, exception, code) => {
    const name = await node((_, response) =>
      exception === '' ? response.writeHead(status).end('<html>') : refusal(response, status, exception),
    );
    await expect(textOf(await placeAt({ url: name.url }), 0)).rejects.toMatchObject({ code });
  });

  it('says so when the bytes end too early', async () => {
    const name = await node((_, response) => {
      response.writeHead(200, { 'content-length': '6' });
      response.write('abc', () => response.destroy());
    });
    await expect(textOf(await placeAt({ url: name.url }), 0)).rejects.toMatchObject({ code: 'E_SOURCE_UNREACHABLE' });
  });
});
