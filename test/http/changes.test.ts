import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { component } from '../../src/connectors/http/source.ts';
import { json, type Reply, type ScriptedHttp, type SeenRequest, scriptedHttp } from '../services/faults/http-server.ts';
import { pullContext } from '../services/held-landing.ts';
import { heldRaw, httpSource, problemsOf, pull } from './http-pull.ts';

/** What is asked for next time, what is added, and what is taken again from kept responses. */
let server: ScriptedHttp;
beforeEach(async () => {
  server = await scriptedHttp();
});
afterEach(() => server.close());

const NOW = Date.parse('2026-03-10T12:00:00Z');
const targets = () => server.requests.map(({ target }) => decodeURIComponent(target));

describe('bodies', () => {
  it('adds members from the response and from the item, with every digit', async () => {
    server.script('GET /v1', [
      ({ query }) => ({
        body: `{"current":{\n"t": 1.10 },"asked":"${query.get('city')}","at":12345678901234567890,"u":{"a":\n"°"}}`,
      }),
    ]);
    const { text } = await pull({
      url: `${server.url}/v1`,
      query: { city: '{city}', lat: '{lat}' },
      for_each: [
        { city: 'Paris', lat: 48.85 },
        { city: 'São Paulo', lat: -23.5 },
      ],
      records: '$.current',
      add: { city: '{city}', lat: '{lat}', at: '$.at', unit: '$.u.a', none: '$.x', label: '{city} now' },
    });
    expect(text).toBe(
      '{ "t": 1.10,"city":"Paris","lat":48.85,"at":12345678901234567890,"unit":"°","none":null,"label":"Paris now"}\n' +
        '{ "t": 1.10,"city":"São Paulo","lat":-23.5,"at":12345678901234567890,"unit":"°","none":null,"label":"São Paulo now"}\n',
    );
    expect(targets()[1]).toContain('city=São+Paulo&lat=-23.5');
  });

  it('turns arrays per column into records', async () => {
    server.script('GET /a', [json({ hourly: { time: ['0', '1'], t: [1.5, null], 'é"x': [{ a: 1 }, []] }, z: 1 })]);
    const { records } = await pull({ url: `${server.url}/a`, records: '$.hourly', columnar: true, add: { z: '$.z' } });
    expect(records).toEqual([
      { time: '0', t: 1.5, 'é"x': { a: 1 }, z: 1 },
      { time: '1', t: null, 'é"x': [], z: 1 },
    ]);
    server.script('GET /a', [json({ hourly: { time: ['0', '1'], t: [1.5] } })]);
    const { error } = await pull({ url: `${server.url}/a`, records: '$.hourly', columnar: true });
    expect(error?.message).toContain('differ in length: 2 and 1');
  });

  it('puts aside what is no record, and says what is not there', async () => {
    server.script('GET /a', [json({ data: [{ id: 1 }, 7, { id: 2 }, 'x'] })]);
    const { records, units } = await pull({ url: `${server.url}/a`, records: '$.data' });
    expect(records).toEqual([{ id: 1 }, { id: 2 }]);
    expect(units[0]?.unreadable.map(({ where, raw }) => [where, raw])).toEqual([
      ['page 1 stray 1', '7'],
      ['page 1 stray 2', '"x"'],
    ]);
    server.script('GET /a', [json({ error: 'quota', data: null })]);
    expect((await pull({ url: `${server.url}/a`, records: '$.data' })).units).toEqual([]);
    expect((await pull({ url: `${server.url}/a`, records: '$.items' })).error?.message).toContain('nothing at $.items');
    expect((await pull({ url: `${server.url}/a`, records: '$.error' })).error?.code).toBe('E_HTTP_BODY');
  });

  it('takes NDJSON and CSV as they are', async () => {
    server.script('GET /n', [{ body: '{"id":1}\r\n\n  {"id":2.0}\n3\n{"id":4}' }]);
    const lines = await pull({ url: `${server.url}/n`, format: 'ndjson', add: { x: '{x}' }, for_each: [{ x: 9 }] });
    expect(lines.text).toBe('{"id":1,"x":9}\n{"id":2.0,"x":9}\n{"id":4,"x":9}\n');
    server.script('GET /n', [{ body: '{"id":1}\n{"id":' }]);
    expect((await pull({ url: `${server.url}/n`, format: 'ndjson' })).error?.code).toBe('E_HTTP_BODY');

    server.script('GET /c', [
      { body: '\ufeffid;"na;me"\r\n1;"a\nb"\r\n2;007\r\n' },
      { body: 'id;"na;me"\n3;x' },
      { body: 'id;"na;me"\n' },
    ]);
    const csv = await pull({
      url: `${server.url}/c`,
      format: 'csv',
      delimiter: ';',
      pages: { style: 'page', empty_max: 1 },
    });
    expect(csv.text.replaceAll('\r', '')).toBe('1;"a\nb"\n2;007\n3;x\n');
    expect(csv.units.map(({ records, layout }) => [records, layout.format === 'csv' && layout.header])).toEqual([
      [3, ['id', 'na;me']],
    ]);
    server.script('GET /c', [{ body: 'id\n1\n"2' }]);
    expect((await pull({ url: `${server.url}/c`, format: 'csv' })).error?.message).toContain('inside a quoted field');
  });
});

describe('for_each', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'dataflow-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('reads a CSV file, and encodes what goes into the path', async () => {
    writeFileSync(join(root, 'c.csv'), 'city,n\n"a/b, ..",1\nx,2\n');
    server.script('*', [({ path }) => json([{ path }])]);
    const { records } = await pull({ url: `${server.url}/w/{city}`, for_each: { file: 'c.csv' } }, { root });
    expect(records).toEqual([{ path: '/w/a%2Fb%2C%20..' }, { path: '/w/x' }]);
    const wrong = await pull({ url: `${server.url}/w/{town}`, for_each: { file: 'c.csv' } }, { root });
    expect(wrong.error).toMatchObject({ code: 'E_CONFIG_INVALID', hint: 'for_each has city, n.' });
    expect((await pull({ url: server.url, for_each: { file: 'd.csv' } }, { root })).error?.code).toBe('E_SOURCE_IO');
  });

  it('goes on with the item at which a pull was stopped', async () => {
    server.script('*', [({ query }) => (query.get('c') === '3' ? { status: 400 } : json([{ c: query.get('c') }]))]);
    const options = { url: `${server.url}/a`, query: { c: '{c}' }, for_each: [1, 2, 3, 4].map((c) => ({ c })) };
    const first = await pull(options);
    expect(first.records).toEqual([{ c: '1' }, { c: '2' }]);
    server.script('*', [({ query }) => json([{ c: query.get('c') }])]);
    const second = await pull(options, { position: first.position });
    expect(second.records).toEqual([{ c: '3' }, { c: '4' }]);
    expect(second.result?.caught_up).toBe(true);
    // The next pull takes everything again.
    expect((await pull(options, { position: second.position })).records).toHaveLength(4);
  });

  it('stops at the limits of a pull, and goes on behind them', async () => {
    server.script('GET /a', [({ query }) => json(Number(query.get('page')) > 5 ? [] : [{ p: query.get('page') }])]);
    const options = { url: `${server.url}/a`, pages: { style: 'page', empty_max: 1 } };
    const limits = { records_max: 2, bytes_max: 1e9, wait_ms: 1 };
    const seen: unknown[] = [];
    let position: Parameters<typeof pullContext>[0];
    for (let turn = 0; turn < 3; turn++) {
      const one = await pull(options, { position, limits });
      seen.push(...one.records);
      position = one.position;
      expect(one.result?.caught_up).toBe(turn === 2);
    }
    expect(seen).toHaveLength(5);
    expect(server.requests).toHaveLength(6);
  });
});

describe('asking for what is new', () => {
  const at = (second: number) => `2026-03-01T00:00:${String(second).padStart(2, '0')}.123456Z`;
  let table: { id: number; at: string }[];
  const since = ({ query }: SeenRequest): Reply => {
    const from = query.get('since') ?? '';
    const found = table.filter((row) => row.at >= from).sort((a, b) => (a.at < b.at ? -1 : 1));
    const page = Number(query.get('page') ?? 1);
    return json(found.slice((page - 1) * 2, page * 2));
  };
  const options = () => ({
    url: `${server.url}/a`,
    pages: { style: 'page', empty_max: 1 },
    cursor: { param: 'since', field: 'at', overlap: '5s' },
  });

  it('asks from the highest value less the overlap, and takes late records but none twice', async () => {
    server.script('GET /a', [since]);
    table = [1, 10, 20].map((id) => ({ id, at: at(id) }));
    const first = await pull(options());
    expect(first.records).toHaveLength(3);
    expect(first.result?.caught_up).toBe(true);
    // One is late, one is new, one was too late even for the overlap.
    table.push({ id: 17, at: at(17) }, { id: 30, at: at(30) }, { id: 3, at: at(3) });
    const second = await pull(options(), { position: first.position });
    expect(second.records).toEqual([
      { id: 17, at: at(17) },
      { id: 30, at: at(30) },
    ]);
    expect(targets()[3]).toBe('/a?since=2026-03-01T00:00:15.123Z&page=1');
    const third = await pull(options(), { position: second.position });
    expect(third.records).toEqual([]);
    // A changed record comes again.
    table = table.map((row) => (row.id === 30 ? { ...row, x: 1 } : row));
    expect((await pull(options(), { position: third.position })).records).toHaveLength(1);
  });

  it('without overlap asks for the value itself, every digit of it, and leaves out what stands at the edge', async () => {
    server.script('GET /a', [{ body: '[{"id":9,"at":12345678901234567891}]' }]);
    const plain = { url: `${server.url}/a`, cursor: { param: 'since', field: 'at', start: '0' } };
    const first = await pull(plain);
    const second = await pull(plain, { position: first.position });
    expect([first.records.length, second.records.length]).toEqual([1, 0]);
    expect(targets()).toEqual(['/a?since=0', '/a?since=12345678901234567891']);
  });

  it('resumes in mid paging with what it knew', async () => {
    table = Array.from({ length: 8 }, (_, i) => ({ id: i, at: at(i) }));
    server.script('GET /a', [since, since, { status: 400 }]);
    const first = await pull(options());
    expect(first.records).toHaveLength(4);
    server.script('GET /a', [since]);
    const second = await pull(options(), { position: first.position });
    expect(second.records).toHaveLength(4);
    expect(targets()[3]).toBe('/a?page=3');
    expect((await pull(options(), { position: second.position })).records).toEqual([]);
  });

  it('refuses a field that no record has', async () => {
    server.script('GET /a', [json([{ id: 1 }])]);
    expect((await pull(options())).error?.code).toBe('E_SOURCE_CURSOR');
  });

  it('asks for one window of time after the other, each once, and for none that is not over', async () => {
    server.script('GET /a', [({ query }) => json([{ day: query.get('from'), end: query.get('to') }])]);
    const windows = {
      url: `${server.url}/a`,
      query: { city: '{city}' },
      for_each: [{ city: 'Paris' }, { city: 'Lyon' }],
      cursor: {
        param: 'from',
        until_param: 'to',
        window: '1d',
        start: '2026-03-05',
        lag: '2d',
        format: 'date',
        inclusive: true,
      },
      add: { city: '{city}' },
    };
    const first = await pull(windows, { now_ms: NOW });
    const days = ['05', '06', '07'].map((d) => ({ day: `2026-03-${d}`, end: `2026-03-${d}` }));
    expect(first.records).toEqual([
      ...days.map((day) => ({ ...day, city: 'Paris' })),
      ...days.map((day) => ({ ...day, city: 'Lyon' })),
    ]);
    const asked = server.requests.length;
    const second = await pull(windows, { now_ms: NOW + 3_600_000, position: first.position });
    expect([second.records.length, second.result?.unchanged]).toEqual([0, true]);
    expect(server.requests).toHaveLength(asked);
    // A day later one window more each; a new city begins at the start.
    const more = { ...windows, for_each: [...windows.for_each, { city: 'Nice' }] };
    const source = await httpSource(more);
    const outlook = await source.look(pullContext(first.position, { now_ms: NOW + 86_400_000 }));
    expect(outlook).toEqual({ pending: 'some', words: '6 windows of 1d to ask for' });
    await source.close();
    const third = await pull(more, { now_ms: NOW + 86_400_000, position: first.position });
    expect(third.records.map((one) => (one as { city: string }).city)).toEqual([
      'Paris',
      'Lyon',
      'Nice',
      'Nice',
      'Nice',
      'Nice',
    ]);
  });

  it('is said to need either field or window', () => {
    const cursor = (more: object) => problemsOf({ url: 'http://a.example', cursor: { param: 'p', ...more } });
    expect(cursor({})).toEqual(['cursor: needs either field or window']);
    expect(cursor({ window: '1d' })).toEqual(['cursor.start: with window, start must be a date or an instant']);
    expect(cursor({ field: 'a', until_param: 'b' })).toEqual(['cursor.until_param: needs window']);
    expect(problemsOf({ url: 'http://a.example', mode: 'snapshot', cursor: { param: 'p', field: 'f' } })).toHaveLength(
      1,
    );
  });
});

describe('what did not change', () => {
  const conditional = ({ headers }: SeenRequest): Reply =>
    headers['if-none-match'] === '"1"' ? { status: 304 } : json([{ id: 1 }], { headers: { etag: '"1"' } });

  it('status 304 lands nothing', async () => {
    server.script('GET /a', [conditional]);
    const options = { url: `${server.url}/a` };
    const first = await pull(options);
    const second = await pull(options, { position: first.position });
    expect(second.units).toEqual([]);
    expect(second.result).toEqual({ caught_up: true, unchanged: true, position: first.position });
    server.script('GET /a', [json([{ id: 2 }], { headers: { etag: '"2"' } })]);
    expect((await pull(options, { position: second.position })).records).toEqual([{ id: 2 }]);
  });

  it('the API is left alone for as long as `every` says', async () => {
    server.script('GET /a', [json([{ id: 1 }])]);
    const options = { url: `${server.url}/a`, mode: 'append', every: '5m' };
    const first = await pull(options, { now_ms: NOW });
    const soon = await pull(options, { now_ms: NOW + 299_000, position: first.position });
    expect([soon.units, soon.position]).toEqual([[], first.position]);
    expect(server.requests).toHaveLength(1);
    const source = await httpSource(options);
    const outlook = await source.look(pullContext(first.position, { now_ms: NOW + 1000 }));
    expect(outlook).toEqual({ pending: 'none', words: 'asked less than 5m ago' });
    await source.close();
    expect((await pull(options, { now_ms: NOW + 300_000, position: soon.position })).records).toHaveLength(1);
  });

  it('two polls with the same bytes are two positions', async () => {
    server.script('GET /a', [json([{ id: 1 }])]);
    const options = { url: `${server.url}/a`, mode: 'append' };
    const first = await pull(options);
    const second = await pull(options, { position: first.position });
    expect(second.text).toBe(first.text);
    expect(second.position).not.toEqual(first.position);
  });
});

describe('kept responses', () => {
  const pages = ({ query }: SeenRequest): Reply => {
    const page = Number(query.get('page'));
    return json(page > 3 ? [] : [{ id: page }], { headers: { etag: `"${page}"` } });
  };

  it('a snapshot is taken again from them, and nobody is asked', async () => {
    const raw = heldRaw();
    server.script('GET /a', [pages]);
    const options = { url: `${server.url}/a`, keep_raw: true, pages: { style: 'page' } };
    const first = await pull(options, { raw });
    expect(raw.kept).toHaveLength(5);
    const asked = server.requests.length;
    const again = await pull(options, { raw, from_raw: true });
    expect(again.text).toBe(first.text);
    expect(server.requests).toHaveLength(asked);
    expect((await pull(options, { raw: heldRaw(), from_raw: true })).error?.code).toBe('E_SOURCE_LOST');
  });

  it('an unchanged page is taken from them', async () => {
    const raw = heldRaw();
    server.script('GET /a', [
      (request) => (request.headers['if-none-match'] === undefined ? pages(request) : { status: 304 }),
    ]);
    const options = { url: `${server.url}/a`, keep_raw: true, pages: { style: 'page', empty_max: 1 } };
    const first = await pull(options, { raw });
    const second = await pull(options, { raw, position: first.position });
    expect(second.text).toBe(first.text);
    expect(raw.kept).toHaveLength(4);
  });

  it('a pass that was killed before its page was sealed does not ask for that page again', async () => {
    const raw = heldRaw();
    const options = { url: `${server.url}/a`, keep_raw: true, pages: { style: 'page', empty_max: 1 } };
    server.script('GET /a', [pages, { status: 400 }]);
    const { position } = await pull(options, { raw });
    server.script('GET /a', [pages]);
    const killed = await pull(options, { raw, position });
    expect(killed.records).toEqual([{ id: 2 }, { id: 3 }]);
    const asked = server.requests.length;
    expect((await pull(options, { raw, position })).records).toEqual([{ id: 2 }, { id: 3 }]);
    expect(server.requests).toHaveLength(asked);
  });

  it('all that was ever added is taken again, in order, and the position is the one the API left behind', async () => {
    const raw = heldRaw();
    server.script('GET /w', [({ turn, query }) => json({ at: turn, c: query.get('c'), pad: [1] })]);
    const options = {
      url: `${server.url}/w`,
      query: { c: '{c}' },
      for_each: [{ c: 'x' }, { c: 'y' }],
      mode: 'append',
      keep_raw: true,
      add: { city: '{c}' },
    };
    let live: Awaited<ReturnType<typeof pull>> | undefined;
    const texts: string[] = [];
    for (let poll = 0; poll < 3; poll++) {
      live = await pull(options, { raw, position: live?.position, now_ms: NOW + poll });
      texts.push(live.text);
    }
    const asked = server.requests.length;
    const again = await pull(options, { raw, from_raw: true });
    expect(again.text).toBe(texts.join(''));
    expect(again.position).toEqual(live?.position);
    expect(server.requests).toHaveLength(asked);
  });

  it('changes are taken again without the overlap', async () => {
    const raw = heldRaw();
    const table = [1, 2, 3].map((id) => ({ id, at: `2026-03-01T00:00:0${id}Z` }));
    server.script('GET /a', [({ query }) => json(table.filter((row) => row.at >= (query.get('since') ?? '')))]);
    const options = { url: `${server.url}/a`, keep_raw: true, cursor: { param: 'since', field: 'at', overlap: '2s' } };
    const first = await pull(options, { raw });
    table.push({ id: 4, at: '2026-03-01T00:00:04Z' });
    const second = await pull(options, { raw, position: first.position });
    const again = await pull(options, { raw, from_raw: true });
    expect(again.text).toBe(first.text + second.text);
    expect(again.position).toEqual({ ...second.position, polls: 2 });
  });
});

it('probes with one request', async () => {
  server.script('GET /a', [json([]), { status: 500 }]);
  const source = await httpSource({ url: `${server.url}/a` });
  const about = { signal: new AbortController().signal, root: '/' };
  expect(await source.probe(about)).toEqual({ ok: true, words: `${server.url}/a answers with status 200` });
  expect(await source.probe(about)).toMatchObject({ ok: false });
  await source.close();
  expect(component.type).toBe('http');
});
