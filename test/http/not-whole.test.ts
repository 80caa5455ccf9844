import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { json, redirect, type ScriptedHttp, scriptedHttp } from '../services/faults/http-server.ts';
import { heldRaw, pull } from './http-pull.ts';

/** Answers that say themselves that they are not all, and records that come again. */
let server: ScriptedHttp;
beforeEach(async () => {
  server = await scriptedHttp();
});
afterEach(() => server.close());

const range = (to: number) => Array.from({ length: to }, (_, i) => ({ id: i }));

describe('a source that gives less than it speaks of', () => {
  const capped = (options: object = {}) => ({
    url: `${server.url}/a`,
    records: '$.data',
    pages: { style: 'page', size: 200, end: 'short', total: '$.total' },
    ...options,
  });

  it('is a fault for a whole copy, and the next pull begins anew', async () => {
    server.script('GET /a', [json({ data: range(100), total: 1000 })]);
    const { error, position } = await pull(capped());
    expect(error).toMatchObject({ code: 'E_HTTP_PAGING' });
    expect(error?.message).toContain('speaks of 1000 records and gave 100');
    server.script('GET /a', [json({ data: range(100), total: 100 })]);
    const next = await pull(capped(), { position });
    expect(next.records).toHaveLength(100);
    expect(server.requests.at(-1)?.query.get('page')).toBe('1');
  });

  it('is a remark for one that adds', async () => {
    server.script('GET /a', [json({ data: range(100), total: 1000 })]);
    const { error, notes } = await pull(capped({ mode: 'append' }));
    expect([error, notes]).toEqual([undefined, ['the source speaks of 1000 records and gave 100']]);
  });

  it('strays are counted among what it gave', async () => {
    server.script('GET /a', [json({ data: [...range(3), 7], total: 4 })]);
    expect((await pull(capped())).error).toBeUndefined();
  });
});

describe('statuses that are no answer', () => {
  it('202 is asked again, 206 is refused', async () => {
    server.script('GET /a', [{ status: 202, body: '{}' }, json([{ id: 1 }])]);
    expect((await pull({ url: `${server.url}/a` })).records).toEqual([{ id: 1 }]);
    server.script('GET /a', [json([{ id: 1 }], { status: 206 })]);
    const { error, units } = await pull({ url: `${server.url}/a` });
    expect([error?.code, units]).toEqual(['E_SOURCE_QUERY', []]);
  });
});

it('strays of several windows have places of their own', async () => {
  server.script('GET /a', [json([{ id: 1 }, 7])]);
  const cursor = { param: 'from', window: '1d', start: '2026-03-05' };
  const raw = heldRaw();
  const options = { url: `${server.url}/a`, cursor, keep_raw: true };
  const places = ({ units }: Awaited<ReturnType<typeof pull>>) =>
    units.flatMap(({ unreadable }) => unreadable.map(({ where }) => where));
  const live = places(await pull(options, { raw, now_ms: Date.parse('2026-03-07T12:00:00Z') }));
  const kept = places(await pull(options, { raw, from_raw: true }));
  expect([new Set(live).size, new Set(kept).size]).toEqual([2, 2]);
});

it('a redirect of the token request to another origin is refused', async () => {
  const other = await scriptedHttp();
  other.script('*', [json({ access_token: 't' })]);
  server.script('POST /token', [redirect(`${other.url}/token`, 307)]);
  server.script('GET /a', [json([])]);
  const auth = {
    type: 'oauth2',
    token_url: `${server.url}/token`,
    client_id: 'i',
    client_secret: 's',
    client_auth: 'body',
  };
  const { error } = await pull({ url: `${server.url}/a`, auth, allow_hosts: ['127.0.0.1'] });
  expect(error?.code).toBe('E_OUTBOUND');
  expect(other.requests).toEqual([]);
  await other.close();
});

describe('records that come again', () => {
  const twice = async (rows: readonly object[], cursor: object, more: readonly object[] = []) => {
    server.script('GET /a', [json(rows), json([...rows, ...more])]);
    const options = { url: `${server.url}/a`, cursor: { param: 'since', field: 'at', ...cursor } };
    const first = await pull(options);
    return (await pull(options, { position: first.position })).records;
  };

  it('because the request is rounded down are left out', async () => {
    const rows = [
      { id: 1, at: '2026-03-01T01:00:00Z' },
      { id: 2, at: '2026-03-01T12:00:00Z' },
    ];
    expect(await twice(rows, { overlap: '5m', format: 'date' })).toEqual([]);
    const seconds = [
      { id: 1, at: 1772323200.2 },
      { id: 2, at: 1772323205.5 },
    ];
    expect(await twice(seconds, { overlap: '5s', format: 'unix' })).toEqual([]);
  });

  it('because they have no value are left out', async () => {
    expect(await twice([{ id: 1, at: null }, { id: 2 }, { id: 3, at: '2026-03-01T01:00:00Z' }], {})).toEqual([]);
  });

  it('instants of one millisecond in other notations are ordered by every digit', async () => {
    const rows = [
      { id: 1, at: '2026-03-01T00:00:00Z' },
      { id: 2, at: '2026-03-01T00:00:00.0005Z' },
    ];
    await twice(rows, {});
    expect(server.requests.at(-1)?.query.get('since')).toBe('2026-03-01T00:00:00.0005Z');
  });
});
