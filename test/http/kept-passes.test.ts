import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { json, type ScriptedHttp, scriptedHttp } from '../services/faults/http-server.ts';
import { heldRaw, pull } from './http-pull.ts';

/** Taking kept responses again only when all of them are there, and what an API calls unchanged only for the same question. */
let server: ScriptedHttp;
beforeEach(async () => {
  server = await scriptedHttp();
});
afterEach(() => server.close());

describe('passes that were not kept', () => {
  it.each([
    ['in the middle', [true, false, true]],
    ['at the end', [true, true, false]],
    ['at the beginning', [false, true, true]],
  ])('%s are noticed before anything is taken again', async (_, keep) => {
    server.script('GET /a', [({ turn }) => json([{ turn }])]);
    const raw = heldRaw();
    const options = { url: `${server.url}/a`, mode: 'append' };
    let position: Awaited<ReturnType<typeof pull>>['position'];
    for (const keep_raw of keep) position = (await pull({ ...options, keep_raw }, { raw, position })).position;
    const committed = position ?? {};
    const again = await pull({ ...options, keep_raw: true }, { raw, from_raw: true, committed });
    expect(again.error).toMatchObject({ code: 'E_SOURCE_LOST', message: expect.stringContaining('1 of 3 pulls') });
    expect(again.units).toEqual([]);
  });

  it('a pass that was answered with "not modified" is there', async () => {
    server.script('GET /a', [
      ({ headers, query }) =>
        headers['if-none-match'] === undefined
          ? json(query.get('page') === '1' ? [{ id: 1 }] : [], { headers: { etag: '"1"' } })
          : { status: 304 },
    ]);
    const raw = heldRaw();
    const options = { url: `${server.url}/a`, mode: 'append', keep_raw: true, pages: { style: 'page', empty_max: 1 } };
    const first = await pull(options, { raw });
    const second = await pull(options, { raw, position: first.position });
    expect(second.records).toEqual([{ id: 1 }]);
    const again = await pull(options, { raw, from_raw: true, committed: second.position ?? {} });
    expect([again.error, again.records]).toEqual([undefined, [{ id: 1 }, { id: 1 }]]);
    expect(again.position).toEqual(second.position);
  });
});

describe('validators', () => {
  it.each([
    ['query', { query: { q: 2 } }],
    ['header', { headers: { 'Accept-Language': 'fr' } }],
    ['place of the records', { records: '$.b' }],
  ])('are not sent when another %s is asked for', async (_, more) => {
    server.script('GET /a', [
      ({ headers }) =>
        headers['if-modified-since'] === undefined
          ? json({ a: [{ id: 1 }], b: [{ id: 2 }] }, { headers: { 'last-modified': 'Sun, 01 Mar 2026 00:00:00 GMT' } })
          : { status: 304 },
    ]);
    const options = { url: `${server.url}/a`, records: '$.a' };
    const first = await pull(options);
    expect((await pull(options, { position: first.position })).result?.unchanged).toBe(true);
    const other = await pull({ ...options, ...more }, { position: first.position });
    expect([other.result?.unchanged, other.records.length]).toEqual([undefined, 1]);
    expect((await pull({ ...options, ...more }, { position: other.position })).result?.unchanged).toBe(true);
  });
});
