import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { json, type Reply, type ScriptedHttp, type SeenRequest, scriptedHttp } from '../services/faults/http-server.ts';
import { shareWork } from '../support/asker.ts';
import { newPlace, type Outcome, type Place } from '../support/fault-project.ts';

shareWork();

/** An HTTP source through the built program: cases 47 and 48, kills, kept responses, secrets. */
let server: ScriptedHttp;
let place: Place | undefined;
beforeEach(async () => {
  server = await scriptedHttp();
});
afterEach(async () => {
  place?.remove();
  place = undefined;
  await server.close();
});

const SECRET = 's3cr3t-0f-the-api';
const project = (source: string): Place => {
  place = newPlace(
    `sources:\n  api:\n    type: http\n    url: ${server.url}/a\n    retry: { base_ms: 5, max_ms: 20 }\n${source}`,
  );
  return place;
};
/** The server lives in this process, so the program runs beside it. */
const run = (args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> => {
  if (place === undefined) throw new Error('no project');
  return place.start(args, env).ended;
};
const ids = (): readonly unknown[] =>
  place?.query('select id from bronze.api order by all').map(({ id }) => Number(id)) ?? [];
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** Ten records in pages of two. */
const pages = ({ query }: SeenRequest): Reply => {
  const page = Number(query.get('page'));
  return json(page > 5 ? [] : range(page * 2 - 2, page * 2).map((id) => ({ id, v: `v${id}` })), {
    headers: { etag: `"${page}"` },
  });
};
const PAGES = '    pages: { style: page, size: 2, empty_max: 1 }\n';

describe('an API as a source', { timeout: 120_000 }, () => {
  it('case 47: faults of every kind on the way, and each record is there once', async () => {
    project(PAGES);
    const faults: readonly Reply[] = [
      { status: 429, headers: { 'retry-after': '1' } },
      { status: 503 },
      { body: '[{"id":0' },
      { body: '<html>', headers: { 'content-type': 'text/html' } },
      { instead: 'reset' },
      { body: '[{"id":0}]', content_length: 99 },
    ];
    server.script('GET /a', [
      (request) => (request.turn % 2 === 0 ? (faults[request.turn / 2] ?? pages(request)) : pages(request)),
    ]);
    const done = await run(['run']);
    expect(done.status, done.stderr).toBe(0);
    expect(ids()).toEqual(range(0, 10));
    expect(done.stderr).toContain('status 429; waiting 1.0 s as it asks (Retry-After)');
  });

  it('case 47: an API that stays ill ends with status 4 or 5, a code and a remedy; the published table stays', async () => {
    project(PAGES);
    server.script('GET /a', [pages]);
    expect((await run(['run'])).status).toBe(0);
    server.script('GET /a', [pages, { body: '[{"id":0' }]);
    const ill = await run(['run']);
    expect(ill.status).toBe(5);
    expect(ill.stderr).toMatch(/error\[E_HTTP_BODY\].*its JSON is damaged/);
    expect(ill.stderr).toMatch(/next: /);
    expect(ids()).toEqual(range(0, 10));
    server.script('GET /a', [{ status: 429, headers: { 'retry-after': '86400' } }]);
    const limited = await run(['run']);
    expect([limited.status, limited.stderr.includes('E_HTTP_WAIT')]).toEqual([5, true]);
    // And the next run goes on behind the page that was sealed.
    server.script('GET /a', [pages]);
    const asked = server.requests.length;
    expect((await run(['run'])).status).toBe(0);
    expect(server.requests.slice(asked).map(({ query }) => query.get('page'))).not.toContain('1');
    expect(ids()).toEqual(range(0, 10));
  });

  it('case 48: a loop publishes nothing', async () => {
    project('    pages: { style: cursor, next: $.next }\n    records: $.data\n');
    server.script('GET /a', [json({ data: [{ id: 1 }], next: 'x' })]);
    const done = await run(['run']);
    expect(done.status).toBe(1);
    expect(done.stderr).toContain('error[E_HTTP_PAGING]');
    expect(existsSync(join(place?.folder ?? '', 'lake/bronze/api/_delta_log'))).toBe(false);
  });

  it.each([
    ['landing-after-seal', 1],
    ['after-pull', 1],
    ['after-table-commit', 1],
  ])('case 47: killed at %s (pass %i): the next run ends with each record once', async (point, nth) => {
    project(`${PAGES}    rate: { requests: 1, per_ms: 1100 }\n`);
    server.script('GET /a', [pages]);
    const died = await run(['run'], { DATAFLOW_FAULT: `${point}:kill@${nth}` });
    expect(died.signal).toBe('SIGKILL');
    const asked = server.requests.length;
    const done = await run(['run']);
    expect(done.status, done.stderr).toBe(0);
    expect(ids()).toEqual(range(0, 10));
    const again = server.requests.slice(asked).map(({ query }) => query.get('page'));
    if (point === 'landing-after-seal') expect(again).not.toContain('1');
    if (point === 'after-pull') expect(again).toEqual([]);
    expect(place?.dataflow(['verify']).status).toBe(0);
  });

  it('keeps each response once; --full-refresh --force asks nobody and gives the same rows', async () => {
    project(`    mode: append\n    keep_raw: true\n    add: { at: $.at }\n    records: $.data\n`);
    server.script('GET /a', [({ turn }) => json({ at: turn, data: [{ id: turn * 2 }, { id: turn * 2 + 1 }] })]);
    for (let poll = 0; poll < 3; poll++) expect((await run(['run'])).status).toBe(0);
    expect(ids()).toEqual(range(0, 6));
    const rows = place?.query('select * exclude (_file) from bronze.api order by all');
    const asked = server.requests.length;
    const refreshed = await run(['run', '--full-refresh', '--force']);
    expect(refreshed.status, refreshed.stderr).toBe(0);
    expect(server.requests).toHaveLength(asked);
    expect(place?.query('select * exclude (_file) from bronze.api order by all')).toEqual(rows);
    expect((await run(['run'])).status).toBe(0);
    expect(ids()).toEqual(range(0, 8));
    expect(place?.dataflow(['verify']).status).toBe(0);
  });

  it('an unchanged API is nothing to do', async () => {
    project('');
    server.script('GET /a', [
      ({ headers }) =>
        headers['if-none-match'] === '"1"' ? { status: 304 } : json([{ id: 1 }], { headers: { etag: '"1"' } }),
    ]);
    expect((await run(['run'])).status).toBe(0);
    const again = await run(['run']);
    expect(again.status).toBe(0);
    expect(server.requests.at(-1)?.headers['if-none-match']).toBe('"1"');
    expect(place?.status().get('bronze.api')?.version).toBe(0);
  });

  it('no secret is in the lake, the ledger, the output or the errors', async () => {
    project(
      `    auth: { type: api_key, name: appid, key: "\${API_KEY}", in: query }\n    keep_raw: true\n    mode: append\n`,
    );
    server.script('GET /a', [json([{ id: 1 }]), json({ error: `the key ${SECRET} is wrong` }, { status: 403 })]);
    const env = { API_KEY: SECRET };
    const good = await run(['run', '--verbose'], env);
    expect(good.status, good.stderr).toBe(0);
    expect(server.requests[0]?.query.get('appid')).toBe(SECRET);
    const bad = await run(['run', '--verbose'], env);
    expect(bad.status).toBe(1);
    expect(bad.stderr).toContain('error[E_SOURCE_DENIED]');
    expect(bad.stderr).toContain('the key *** is wrong');
    expect(good.stdout + good.stderr + bad.stdout + bad.stderr).not.toContain(SECRET);
    const lake = join(place?.folder ?? '', 'lake');
    expect(spawnSync('grep', ['-rlaF', SECRET, lake], { encoding: 'utf8' }).stdout).toBe('');
  });

  it('what is no record goes to quarantine with its text', async () => {
    project('    columns: { id: bigint }\n');
    server.script('GET /a', [{ body: '[{"id":1},7,{"id":"x"},{"id":2}]' }]);
    const done = await run(['run']);
    expect(done.status, done.stderr).toBe(0);
    expect(ids()).toEqual([1, 2]);
    const bad = place?.query('select rule, raw from quarantine.bronze_api order by raw') ?? [];
    expect(bad.map(({ raw }) => raw)).toEqual(['7', '{"id":"x"}']);
    expect(readdirSync(join(place?.folder ?? '', 'lake/_dataflow/landing'))).toEqual([]);
    expect(readFileSync(join(place?.folder ?? '', 'pipelines.yaml'), 'utf8')).toContain('type: http');
  });
});
