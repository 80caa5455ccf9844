import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { json, type Reply, redirect, type ScriptedHttp, scriptedHttp } from '../services/faults/http-server.ts';
import { heldRaw, pull } from './http-pull.ts';

/** What an HTTP source does on the worst days of an API (case 47), against a scripted server. */
let server: ScriptedHttp;
beforeEach(async () => {
  server = await scriptedHttp();
});
afterEach(() => server.close());

const GOOD = json([{ id: 1 }, { id: 2 }]);
const BIG = JSON.stringify(Array.from({ length: 2000 }, (_, i) => ({ id: i, v: `${i * 7919}` })));

const DAMAGES: readonly (readonly [string, Reply, string])[] = [
  ['truncated JSON with status 200', { body: '[{"id":1},{"id":2' }, 'E_HTTP_BODY'],
  ['JSON that is cut after a record', { body: '[{"id":1},{"id":2}' }, 'E_HTTP_BODY'],
  ['two documents', { body: '[{"id":1}][{"id":2}]' }, 'E_HTTP_BODY'],
  ['an empty body', { body: '' }, 'E_HTTP_BODY'],
  ['bytes that are not UTF-8', { body: Buffer.from('[{"id":"\xff"}]', 'latin1') }, 'E_HTTP_BODY'],
  [
    'an HTML error page with status 200',
    { body: '<!DOCTYPE html><p>Oops', headers: { 'content-type': 'text/html' } },
    'E_HTTP_BODY',
  ],
  [
    'a body that is shorter than its Content-Length',
    { body: '[{"id":1}]', content_length: 40 },
    'E_SOURCE_UNREACHABLE',
  ],
  ['a body that is longer than its Content-Length', { body: '[{"id":1},{"id":2}]', content_length: 10 }, 'E_HTTP_BODY'],
  ['a connection that closes in mid body', { body: BIG, truncate_after_bytes: 1000 }, 'E_SOURCE_UNREACHABLE'],
  ['a damaged gzip body', { body: BIG, gzip: 'flip' }, 'E_HTTP_BODY'],
  ['a gzip body that is cut', { body: BIG, gzip: 'cut' }, 'E_HTTP_BODY'],
  ['a gzip body that is none', { body: '[{"id":1}]', headers: { 'content-encoding': 'gzip' } }, 'E_HTTP_BODY'],
  ['an encoding nobody asked for', { body: '[{"id":1}]', headers: { 'content-encoding': 'snappy' } }, 'E_HTTP_BODY'],
  ['a reset', { instead: 'reset' }, 'E_SOURCE_UNREACHABLE'],
  ['status 500', { status: 500, body: 'x' }, 'E_SOURCE_UNREACHABLE'],
  ['status 503', { status: 503 }, 'E_SOURCE_UNREACHABLE'],
];

describe('answers that are damaged', () => {
  it.each(DAMAGES)('case 47: %s is asked for again, and then taken once', async (_, damage) => {
    server.script('GET /a', [damage, GOOD]);
    const { text, error } = await pull({ url: `${server.url}/a` });
    expect(error).toBeUndefined();
    expect(text).toBe('{"id":1}\n{"id":2}\n');
    expect(server.requests).toHaveLength(2);
  });

  it.each(DAMAGES)(
    'case 47: %s without end is a clear error, and nothing of it is landed or kept',
    async (_, damage, code) => {
      server.script('GET /a', [damage]);
      const raw = heldRaw();
      const { units, error } = await pull({ url: `${server.url}/a`, keep_raw: true }, { raw });
      expect(error?.code).toBe(code);
      expect(error?.message).toContain('(3 attempts)');
      expect(units).toEqual([]);
      expect(raw.kept).toEqual([]);
      expect(server.requests).toHaveLength(3);
    },
  );

  it('case 47: slow-loris and silence end by the timeouts', async () => {
    const timeouts = { head_ms: 300, idle_ms: 300, total_ms: 600 };
    const drips: readonly (readonly [string, Reply])[] = [
      ['total_ms', { body: BIG, drip: { bytes: 1, every_ms: 50 } }],
      ['total_ms|head_ms', { instead: 'hang' }],
      ['total_ms|idle_ms', { body: BIG, instead: 'hang_in_body' }],
    ];
    for (const [words, reply] of drips) {
      server.script('GET /a', [reply]);
      const { error, units } = await pull({ url: `${server.url}/a`, timeouts, retry: { attempts: 1 } });
      expect(error?.code).toBe('E_SOURCE_UNREACHABLE');
      expect(error?.message).toMatch(new RegExp(words));
      expect(units).toEqual([]);
    }
  });

  it('case 47: a redirect loop ends, a redirect on the same host is followed', async () => {
    server.script('GET /loop', [redirect('/loop')]);
    const { error } = await pull({ url: `${server.url}/loop` });
    expect(error?.code).toBe('E_SOURCE_UNREACHABLE');
    expect(error?.message).toContain('more than 5 redirects');
    server.script('GET /a', [redirect('/b', 307)]);
    server.script('GET /b', [GOOD]);
    expect((await pull({ url: `${server.url}/a` })).records).toHaveLength(2);
  });

  it('case 47: a fault in mid paging keeps the pages before it, and only what follows is asked for', async () => {
    const options = { url: `${server.url}/a`, pages: { style: 'page', end: 'short', size: 2 } };
    server.script('GET /a', [GOOD, { body: '[{"id":3},' }]);
    const first = await pull(options);
    expect(first.error?.code).toBe('E_HTTP_BODY');
    expect(first.text).toBe('{"id":1}\n{"id":2}\n');
    server.script('GET /a', [json([{ id: 3 }])]);
    const second = await pull(options, { position: first.position });
    expect(second.text).toBe('{"id":3}\n');
    expect(server.requests.at(-1)?.query.get('page')).toBe('2');
  });

  it('a body over the limit is refused before and after decompression, without another attempt', async () => {
    server.script('GET /a', [{ body: BIG }]);
    server.script('GET /bomb', [{ body: Buffer.alloc(50_000_000, 0x20), gzip: 'whole' }]);
    for (const path of ['/a', '/bomb']) {
      const { error } = await pull({
        url: `${server.url}${path}`,
        max_response_bytes: path === '/a' ? 1000 : 1_000_000,
      });
      expect(error?.code).toBe('E_HTTP_BODY');
      expect(error?.message).toContain('max_response_bytes');
    }
    expect(server.requests).toHaveLength(2);
  });
});

describe('being told to wait', () => {
  it('case 47: 429 with Retry-After in seconds is obeyed', async () => {
    server.script('GET /a', [{ status: 429, headers: { 'retry-after': '1' } }, GOOD]);
    const { records, notes } = await pull({ url: `${server.url}/a` });
    expect(records).toHaveLength(2);
    const [first, second] = server.requests;
    expect((second?.at_ms ?? 0) - (first?.at_ms ?? 0)).toBeGreaterThanOrEqual(995);
    expect(notes[0]).toMatch(/status 429; waiting 1\.0 s as it asks \(Retry-After\), then attempt 2 of 3/);
  });

  it('case 47: 503 with Retry-After as a date is obeyed, by the clock of the one who says it', async () => {
    // Its clock is a day behind ours.
    const now = Date.now() - 86_400_000;
    const date = new Date(Math.floor(now / 1000) * 1000);
    const headers = { date: date.toUTCString(), 'retry-after': new Date(date.getTime() + 2000).toUTCString() };
    server.script('GET /a', [{ status: 503, headers }, GOOD]);
    expect((await pull({ url: `${server.url}/a` })).records).toHaveLength(2);
    const [first, second] = server.requests;
    expect((second?.at_ms ?? 0) - (first?.at_ms ?? 0)).toBeGreaterThanOrEqual(1995);
  });

  it('case 47: a wait that is longer than allowed ends the pull at once and worth retrying; it is never cut short', async () => {
    server.script('GET /a', [{ status: 429, headers: { 'retry-after': '7200' } }]);
    const { error } = await pull({ url: `${server.url}/a` });
    expect(error).toMatchObject({ code: 'E_HTTP_WAIT', exit_code: 5, retryable: true });
    expect(error?.message).toContain('asks to wait 120 min');
    expect(server.requests).toHaveLength(1);
  });

  it('case 47: the waits of a pull have a budget', async () => {
    server.script('GET /a', [{ status: 503, headers: { 'retry-after': '1' } }]);
    const { error } = await pull({ url: `${server.url}/a`, retry: { attempts: 9, base_ms: 1, budget_ms: 1500 } });
    expect(error?.code).toBe('E_HTTP_WAIT');
    expect(server.requests).toHaveLength(2);
  });

  it('what was taken is sealed before a long wait, and an abort ends the wait', async () => {
    const control = new AbortController();
    server.script('GET /a', [GOOD, { status: 429, headers: { 'retry-after': '60' } }]);
    const from = performance.now();
    setTimeout(() => control.abort(), 300);
    const { error, units } = await pull(
      { url: `${server.url}/a`, pages: { style: 'page' } },
      { signal: control.signal },
    );
    expect(error?.code).toBe('E_INTERRUPTED');
    expect(units).toHaveLength(1);
    expect(performance.now() - from).toBeLessThan(10_000);
  });

  it('refusals are not repeated, and say what the API says', async () => {
    server.script('GET /a', [json({ error: 'unknown\u0007 field "x"' }, { status: 400 })]);
    const { error } = await pull({ url: `${server.url}/a` });
    expect(error).toMatchObject({ code: 'E_SOURCE_QUERY', exit_code: 1 });
    expect(error?.message).toContain('unknown\\u0007 field');
    expect(server.requests).toHaveLength(1);
  });

  it('the rate is kept, retries included', async () => {
    server.script('GET /a', [({ turn }) => (turn % 2 === 1 ? { status: 500 } : json(turn > 4 ? [] : [{ id: turn }]))]);
    await pull({ url: `${server.url}/a`, pages: { style: 'page' }, rate: { requests: 2, per_ms: 400 } });
    const times = server.requests.map(({ at_ms }) => at_ms);
    for (let i = 2; i < times.length; i++) expect((times[i] ?? 0) - (times[i - 2] ?? 0)).toBeGreaterThanOrEqual(250);
    expect(times.length).toBeGreaterThan(6);
  });
});
