import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { json, type Reply, type ScriptedHttp, type SeenRequest, scriptedHttp } from '../services/faults/http-server.ts';
import { problemsOf, pull } from './http-pull.ts';

/** How an HTTP source goes from page to page (case 48), against a scripted server. */
let server: ScriptedHttp;
beforeEach(async () => {
  server = await scriptedHttp();
});
afterEach(() => server.close());

const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({ id: from + i, v: `v${from + i}` }));
const ids = (records: readonly unknown[]) => records.map((one) => (one as { id: number }).id);
const range = (to: number) => Array.from({ length: to }, (_, i) => i);
const targets = () => server.requests.map(({ target }) => target);

/** A list of `count` records in pages. */
const list =
  (count: number, size: number) =>
  ({ query }: SeenRequest): Reply => {
    const page = Number(query.get('page') ?? 1);
    return json({
      data: rows((page - 1) * size, Math.min(count, page * size)),
      total: count,
      has_more: page * size < count,
    });
  };

describe('pages', () => {
  it('takes one response without pages, with every digit as it was sent', async () => {
    server.script('GET /a', [{ body: '[{"id":12345678901234567890,"x":1.10},\n {"id":1e400,\n "x":"a\\nb"}]' }]);
    const { text, result, units } = await pull({ url: `${server.url}/a` });
    expect(text).toBe('{"id":12345678901234567890,"x":1.10}\n{"id":1e400,  "x":"a\\nb"}\n');
    expect(units.map(({ records }) => records)).toEqual([2]);
    expect(result).toMatchObject({ caught_up: true });
  });

  it('counts pages until two in a row are empty', async () => {
    server.script('GET /a', [list(5, 2)]);
    const { records } = await pull({
      url: `${server.url}/a`,
      records: '$.data',
      pages: { style: 'page', size: 2, size_param: 'n' },
    });
    expect(ids(records)).toEqual(range(5));
    expect(targets()).toEqual([1, 2, 3, 4, 5].map((page) => `/a?page=${page}&n=2`));
  });

  it.each([
    ['total', { total: '$.total' }, 3],
    ['has_more', { has_more: '$.has_more' }, 3],
    ['a short page', { end: 'short' }, 3],
  ])('ends by %s', async (_, more, requests) => {
    server.script('GET /a', [list(5, 2)]);
    const { records } = await pull({
      url: `${server.url}/a`,
      records: '$.data',
      pages: { style: 'page', size: 2, ...more },
    });
    expect(ids(records)).toEqual(range(5));
    expect(server.requests).toHaveLength(requests);
  });

  it('ends by status 404 and by a repeated page, where that is declared', async () => {
    server.script('GET /a', [json(rows(0, 2)), json(rows(2, 4)), { status: 404 }]);
    server.script('GET /b', [json(rows(0, 2)), json(rows(2, 4))]);
    expect(ids((await pull({ url: `${server.url}/a`, pages: { style: 'page', end: 'not_found' } })).records)).toEqual(
      range(4),
    );
    expect(ids((await pull({ url: `${server.url}/b`, pages: { style: 'page', end: 'repeated' } })).records)).toEqual(
      range(4),
    );
    // Not declared, 404 is a refusal.
    server.script('GET /a', [json(rows(0, 2)), { status: 404 }]);
    expect((await pull({ url: `${server.url}/a`, pages: { style: 'page' } })).error?.code).toBe('E_SOURCE_QUERY');
  });

  it('goes by offset, in the body of a POST', async () => {
    server.script('POST /a', [
      ({ body }) => {
        const { offset, limit, q } = JSON.parse(body) as { offset: number; limit: number; q: string };
        return json(q === 'x' ? rows(offset, Math.min(5, offset + limit)) : []);
      },
    ]);
    const { records } = await pull({
      url: `${server.url}/a`,
      method: 'POST',
      body: { q: 'x' },
      pages: { style: 'offset', size: 2, in: 'body', end: 'short' },
    });
    expect(ids(records)).toEqual(range(5));
  });

  it('follows a cursor, and a link in the head or the body', async () => {
    server.script('GET /c', [
      json({ data: rows(0, 2), next: 'a b' }),
      json({ data: [], next: 77 }),
      json({ data: rows(2, 3), next: null }),
    ]);
    server.script('GET /l', [
      json(rows(0, 2), { headers: { link: '</l?p=0>; rel="prev", </l?p=2>; rel="last next"' } }),
      json(rows(2, 3), { headers: { link: '</l?p=1>; rel=prev' } }),
    ]);
    server.script('GET /n', [
      json({ data: rows(0, 2), links: { next: `${server.url}/n?z=1` } }),
      json({ data: rows(2, 3), links: {} }),
    ]);
    for (const options of [
      { url: `${server.url}/c`, records: '$.data', pages: { style: 'cursor', next: '$.next', param: 'after' } },
      { url: `${server.url}/l`, pages: { style: 'link' } },
      { url: `${server.url}/n`, records: '$.data[*]', pages: { style: 'link', next: '$.links.next' } },
    ])
      expect(ids((await pull(options)).records)).toEqual(range(3));
    expect(targets()).toEqual(['/c', '/c?after=a+b', '/c?after=77', '/l', '/l?p=2', '/n', '/n?z=1']);
  });
});

describe('pages that lead astray', () => {
  it.each([
    ['a cursor that repeats', { style: 'cursor', next: '$.next' }, json({ data: rows(0, 2), next: 'x' })],
    ['a next link that points to itself', { style: 'link', next: '$.next' }, json({ data: rows(0, 2), next: '?' })],
  ])('case 48: %s is a loop', async (_, pages, reply) => {
    server.script('GET /a', [reply]);
    const { error } = await pull({ url: `${server.url}/a`, records: '$.data', pages });
    expect(error).toMatchObject({ code: 'E_HTTP_PAGING' });
    expect(server.requests.length).toBeLessThanOrEqual(3);
  });

  it('case 48: a circle of several cursors is a loop', async () => {
    server.script('GET /a', [
      ({ query, turn }) =>
        json({ data: rows(turn * 2, turn * 2 + 2), next: { a: 'b', b: 'c', c: 'a' }[query.get('cursor') ?? 'c'] }),
    ]);
    const { error, records } = await pull({
      url: `${server.url}/a`,
      records: '$.data',
      pages: { style: 'cursor', next: '$.next' },
    });
    expect(error?.code).toBe('E_HTTP_PAGING');
    // What was read is whole, and kept.
    expect(ids(records)).toEqual(range(8));
  });

  it('case 48: an API that does not know the page parameter is a loop', async () => {
    server.script('GET /a', [json(rows(0, 3))]);
    const { error } = await pull({ url: `${server.url}/a`, pages: { style: 'page' } });
    expect(error).toMatchObject({ code: 'E_HTTP_PAGING' });
    expect(error?.message).toContain('holds the same records');
    expect(server.requests).toHaveLength(3);
  });

  it('case 48: an empty page in the middle is not the end', async () => {
    server.script('GET /a', [json(rows(0, 2)), json([]), json(rows(2, 4)), json([])]);
    expect(ids((await pull({ url: `${server.url}/a`, pages: { style: 'page' } })).records)).toEqual(range(4));
  });

  it('case 48: empty pages without end are a fault', async () => {
    server.script('GET /a', [({ turn }) => json({ data: [], next: `n${turn}` })]);
    const { error } = await pull({
      url: `${server.url}/a`,
      records: '$.data',
      pages: { style: 'cursor', next: '$.next', empty_max: 5 },
    });
    expect(error).toMatchObject({ code: 'E_HTTP_PAGING' });
    expect(server.requests).toHaveLength(5);
  });

  it('case 48: the page budget ends what never ends', async () => {
    server.script('GET /a', [({ turn }) => json(rows(turn * 2, turn * 2 + 2))]);
    const { error } = await pull({ url: `${server.url}/a`, pages: { style: 'page', max: 7 } });
    expect(error).toMatchObject({ code: 'E_HTTP_PAGING' });
    expect(server.requests).toHaveLength(7);
  });

  it('case 48: a list that shifts while it is read gives no record twice, and the new total is told', async () => {
    // Two records come in at the top between the second and the third page.
    const all = [...range(10)].map((i) => ({ id: i }));
    server.script('GET /a', [
      ({ query, turn }) => {
        const now = turn < 2 ? all : [{ id: 100 }, { id: 101 }, ...all];
        const offset = Number(query.get('offset'));
        return json({ data: now.slice(offset, offset + 3), total: now.length });
      },
    ]);
    const { records, notes } = await pull({
      url: `${server.url}/a`,
      records: '$.data',
      pages: { style: 'offset', size: 3, total: '$.total' },
    });
    expect(ids(records)).toEqual(range(10));
    expect(notes.join('\n')).toContain('2 records stood on two pages');
    expect(notes.join('\n')).toContain('from 10 to 12 records');
  });

  it('case 48: equal records of one page all stay; with a key the first of a key stays', async () => {
    server.script('GET /a', [
      json([{ id: 1 }, { id: 1 }, { id: 2, v: 1 }]),
      json([{ id: 2, v: 2 }, { id: 3 }]),
      json([]),
    ]);
    expect(ids((await pull({ url: `${server.url}/a`, pages: { style: 'page' } })).records)).toEqual([1, 1, 2, 2, 3]);
    server.script('GET /a', [json([{ id: 1 }, { id: 2, v: 1 }]), json([{ id: 2, v: 2 }, { id: 3 }]), json([])]);
    expect(ids((await pull({ url: `${server.url}/a`, key: 'id', pages: { style: 'page' } })).records)).toEqual([
      1, 2, 3,
    ]);
  });

  it('case 48: a crash between pages goes on behind the last sealed one, and overlap with it is still found', async () => {
    const options = { url: `${server.url}/a`, pages: { style: 'page' } };
    server.script('GET /a', [json(rows(0, 3)), json(rows(3, 6)), { status: 400 }]);
    const first = await pull(options);
    expect(first.error?.code).toBe('E_SOURCE_QUERY');
    expect(ids(first.records)).toEqual(range(6));
    // The list has shifted by one meanwhile.
    server.script('GET /a', [({ query }) => json(query.get('page') === '3' ? rows(5, 8) : [])]);
    const second = await pull(options, { position: first.position });
    expect(ids(second.records)).toEqual([6, 7]);
    expect(targets().slice(3)[0]).toBe('/a?page=3');
  });
});

describe('options of pages', () => {
  it('are refused when they cannot work', () => {
    const problems = (pages: object, more = {}) => problemsOf({ url: 'http://a.example/x', pages, ...more });
    expect(problems({ style: 'cursor' })).toEqual([
      'pages.next: style: cursor needs next, the place of the next cursor',
    ]);
    expect(problems({ style: 'page', end: 'short' })).toEqual(['pages.end: end: short needs size']);
    expect(problems({ style: 'page', in: 'body' })).toEqual(['pages: in: body needs method: POST']);
    expect(problems({ style: 'page', total: 'total' })).toHaveLength(1);
    expect(problems({ style: 'page', total: '$.total' }, { format: 'csv' })).toHaveLength(1);
    expect(problemsOf({ url: 'ftp://a.example' })).toHaveLength(1);
    expect(problemsOf({ url: 'http://{host}/x' })).toHaveLength(1);
  });
});
