import { request } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { json, redirect, type ScriptedHttp, scriptedHttp } from './http-server.ts';

let server: ScriptedHttp;
beforeEach(async () => {
  server = await scriptedHttp();
});
afterEach(() => server.close());

const get = (path: string, more: RequestInit = {}): Promise<Response> => fetch(`${server.url}${path}`, more);

/** What arrives, byte for byte, before the connection ends; `complete` as the client judges it. */
function raw(path: string): Promise<{ body: Buffer; complete: boolean }> {
  return new Promise((resolve) => {
    const asked = request(`${server.url}${path}`, { agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => {});
      response.on('close', () => resolve({ body: Buffer.concat(chunks), complete: response.complete }));
    });
    asked.on('error', () => {}); // Bytes behind the end of the body.
    asked.end();
  });
}

describe('scripted HTTP server', () => {
  it('answers in turn, repeats the last one, and remembers what was asked', async () => {
    server.script('POST /items', [{ status: 503, headers: { 'retry-after': '1' } }, json([1])]);
    const first = await get('/items?page=2', { method: 'POST', body: 'x=1' });
    expect([first.status, first.headers.get('retry-after')]).toEqual([503, '1']);
    for (const _ of [1, 2]) expect(await (await get('/items', { method: 'POST' })).json()).toEqual([1]);
    expect(server.requests.map((one) => [one.turn, one.target, one.query.get('page'), one.body])).toEqual([
      [0, '/items?page=2', '2', 'x=1'],
      [1, '/items', null, ''],
      [2, '/items', null, ''],
    ]);
  });

  it('has 404 for the unscripted, unless there is a script for all', async () => {
    expect((await get('/a')).status).toBe(404);
    server.script('*', [({ path, headers }) => ({ body: `${path} ${headers['x-key']}` })]);
    expect(await (await get('/a', { headers: { 'x-key': 'k' } })).text()).toBe('/a k');
  });

  it('waits, drips, and counts what is under way', async () => {
    server.script('GET /slow', [{ body: 'abcd', delay_ms: 60, drip: { bytes: 1, every_ms: 30 } }]);
    const from = performance.now();
    const texts = await Promise.all([get('/slow'), get('/slow')].map(async (one) => (await one).text()));
    expect(texts).toEqual(['abcd', 'abcd']);
    expect(performance.now() - from).toBeGreaterThan(140);
    expect(server.most_at_once).toBe(2);
  });

  it('cuts a body short', async () => {
    server.script('GET /cut', [{ body: 'abcdef', truncate_after_bytes: 2 }]);
    expect(await raw('/cut')).toEqual({ body: Buffer.from('ab'), complete: false });
    await expect(get('/cut').then((response) => response.text())).rejects.toThrow();
  });

  it('lies about the length, both ways', async () => {
    server.script('GET /long', [{ body: 'abc', content_length: 10 }]);
    server.script('GET /short', [{ body: 'abcdef', content_length: 4 }]);
    expect(await raw('/long')).toEqual({ body: Buffer.from('abc'), complete: false });
    expect(await raw('/short')).toEqual({ body: Buffer.from('abcd'), complete: true });
  });

  it('damages gzip', async () => {
    const body = JSON.stringify(Array.from({ length: 500 }, (_, i) => i * 7919));
    server.script('GET /gzip', [
      { body, gzip: 'whole' },
      { body, gzip: 'cut' },
      { body, gzip: 'flip' },
    ]);
    expect(await (await get('/gzip')).text()).toBe(body);
    // By hand: fetch gives what it could unpack of a stream that was cut, and no error.
    for (const _ of ['cut', 'flip']) {
      const { body: damaged, complete } = await raw('/gzip');
      expect(complete).toBe(true);
      expect(() => gunzipSync(damaged)).toThrow();
    }
  });

  it('resets, hangs, hangs in the body, redirects for ever', async () => {
    server.script('GET /reset', [{ instead: 'reset' }]);
    server.script('GET /hang', [{ instead: 'hang' }]);
    server.script('GET /half', [{ body: 'abcd', instead: 'hang_in_body' }]);
    server.script('GET /loop', [redirect('/loop')]);
    const code = (error: { cause?: { code?: string } }): string | undefined => error.cause?.code;
    expect(await get('/reset').catch(code)).toBe('ECONNRESET');
    await expect(get('/hang', { signal: AbortSignal.timeout(100) })).rejects.toThrow(/timeout/);
    const half = await get('/half', { signal: AbortSignal.timeout(200) });
    await expect(half.text()).rejects.toThrow(/timeout/);
    await expect(get('/loop')).rejects.toThrow();
    expect(server.requests.filter((one) => one.path === '/loop').length).toBeGreaterThan(5);
  });
});
