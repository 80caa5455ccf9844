import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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
