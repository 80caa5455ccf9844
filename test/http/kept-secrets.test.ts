import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { redactor } from '../../src/kit/redact.ts';
import { json, type ScriptedHttp, scriptedHttp } from '../services/faults/http-server.ts';
import { heldRaw, pull } from './http-pull.ts';

/** What is written down of a question: no secret, and enough to tell it from another. */
let server: ScriptedHttp;
beforeEach(async () => {
  server = await scriptedHttp();
});
afterEach(() => server.close());

const SECRET = 's3cr3t/0f+the api';
const range = (to: number) => Array.from({ length: to }, (_, i) => ({ id: i }));

describe('secrets that an API repeats in its next links', () => {
  it.each([
    ['what signs in', { auth: { type: 'api_key', in: 'query', name: 'api_key', key: SECRET } }],
    ['a configured parameter', { query: { api_key: SECRET } }],
    ['a configured parameter in the address', { path: `/a?api_key=${encodeURIComponent(SECRET)}` }],
    ['the path itself', { path: `/bot${encodeURIComponent(SECRET)}` }],
  ])('are neither in positions nor beside kept responses, and the link is followed with them: %s', async (_, more) => {
    const { path = '/a', ...options } = more as { path?: string };
    server.script('*', [
      ({ target, query }) => {
        const page = Number(query.get('page') ?? 0);
        const next = new URL(target, server.url);
        next.searchParams.set('page', String(page + 1));
        const link = `<${next.href}>; rel="next"`;
        return page > 2 ? { status: 400 } : json([{ id: page }], page === 2 ? {} : { headers: { link } });
      },
    ]);
    const source = { url: `${server.url}${path}`, keep_raw: true, pages: { style: 'link' }, ...options };
    const raw = heldRaw();
    const stopped = await pull(source, { raw, limits: { records_max: 2, bytes_max: 1e9, wait_ms: 1 } });
    expect(stopped.position).toMatchObject({ pass: { page: { ask: {} } } });
    const rest = await pull(source, { raw, position: stopped.position });
    expect([...stopped.records, ...rest.records]).toEqual(range(3));
    for (const { target } of server.requests)
      expect(decodeURIComponent(target.replaceAll('+', ' '))).toContain('s3cr3t');
    const written = JSON.stringify([stopped.position, rest.position, raw.kept.map(({ entry }) => entry)]);
    expect(written).not.toMatch(/s3cr3t/);
    // And from what was kept the same rows come again.
    expect((await pull(source, { raw, from_raw: true })).records).toEqual(range(3));
  });

  it('a link to another host is never filled in', async () => {
    const other = await scriptedHttp();
    other.script('*', [json([])]);
    server.script('*', [json([{ id: 1 }], { headers: { link: `<${other.url}/x?key={own}>; rel="next"` } })]);
    await pull({
      url: `${server.url}/a`,
      query: { key: SECRET },
      allow_hosts: ['127.0.0.1'],
      pages: { style: 'link' },
    });
    expect(other.requests.map(({ target }) => decodeURIComponent(target))).toEqual(['/x?key={own}']);
    await other.close();
  });
});

describe('secrets that an API repeats in links to other hosts', () => {
  const redact = redactor([SECRET]);
  const wanted = (query: string) => encodeURIComponent(SECRET).replaceAll('%20', '+') + query;

  it.each([
    ['what signs in', 'api_key', { auth: { type: 'api_key', in: 'query', name: 'api_key', key: SECRET } }],
    ['a configured parameter', 'api_key', { query: { api_key: SECRET } }],
    ['another name for what signs in', 'k', { auth: { type: 'api_key', in: 'query', name: 'api_key', key: SECRET } }],
  ])('are neither sent there nor written down: %s', async (_, name, more) => {
    const other = await scriptedHttp();
    other.script('*', [json([{ id: 1 }])]);
    const link = `<${other.url}/x?${name}=${wanted('')}&page=2>; rel="next"`;
    server.script('*', [json([{ id: 0 }], { headers: { link } })]);
    const source = {
      url: `${server.url}/a`,
      keep_raw: true,
      allow_hosts: ['127.0.0.1'],
      pages: { style: 'link' },
      ...more,
    };
    const raw = heldRaw();
    const done = await pull(source, { raw, redact });
    expect(done.records).toEqual(range(2));
    expect(other.requests.map(({ target }) => target)).toEqual(['/x?page=2']);
    const written = JSON.stringify([
      done.position,
      done.units.map(({ position }) => position),
      raw.kept.map(({ entry }) => entry),
      done.notes,
    ]);
    expect(written).not.toMatch(/s3cr3t/);
    await other.close();
  });

  it.each([
    ['in the path of another host', (at: string) => `${at}/x/${encodeURIComponent(SECRET)}/y`],
    ['within a parameter of the own host', () => `${server.url}/a?back=${encodeURIComponent(`/z?${wanted('')}`)}`],
    ['under another name at the own host', () => `${server.url}/a?k=${wanted('&page=2')}`],
  ])('stop the pull where they cannot be left out: %s', async (_, link) => {
    const other = await scriptedHttp();
    server.script('*', [json([{ id: 0 }], { headers: { link: `<${link(other.url)}>; rel="next"` } })]);
    const auth = { type: 'api_key', in: 'query', name: 'api_key', key: SECRET };
    const source = { url: `${server.url}/a`, allow_hosts: ['127.0.0.1'], pages: { style: 'link' }, auth };
    const done = await pull(source, { redact });
    expect(done.error).toMatchObject({ code: 'E_HTTP_PAGING' });
    expect(JSON.stringify([done.error, done.units.map(({ position }) => position)])).not.toMatch(/s3cr3t/);
    expect(other.requests).toEqual([]);
    await other.close();
  });

  it('go with no redirect', async () => {
    const other = await scriptedHttp();
    server.script('*', [{ status: 302, headers: { location: `${other.url}/x?k=${wanted('')}` } }]);
    const auth = { type: 'api_key', in: 'query', name: 'api_key', key: SECRET };
    const done = await pull({ url: `${server.url}/a`, allow_hosts: ['127.0.0.1'], auth }, { redact });
    expect(done.error).toMatchObject({ code: 'E_OUTBOUND' });
    expect(done.error?.message).not.toMatch(/s3cr3t/);
    expect(other.requests).toEqual([]);
    await other.close();
  });
});

describe('kept responses of items', () => {
  it.each([
    ['a header', { headers: { 'X-Tenant': '{t}' } }],
    ['nothing that is asked', {}],
  ])('that differ in %s are told apart', async (_, more) => {
    server.script('GET /a', [({ turn }) => json([{ turn }], { headers: { etag: `"${turn}"` } })]);
    const raw = heldRaw();
    const options = {
      url: `${server.url}/a`,
      for_each: [{ t: 'a' }, { t: 'b' }],
      add: { t: '{t}' },
      keep_raw: true,
      ...more,
    };
    const { records } = await pull(options, { raw });
    expect(records).toEqual([
      { turn: 0, t: 'a' },
      { turn: 1, t: 'b' },
    ]);
    expect(server.requests.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, undefined]);
    expect((await pull(options, { raw, from_raw: true })).records).toEqual(records);
  });
});
