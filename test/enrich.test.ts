import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { json, type Reply, type ScriptedHttp, type SeenRequest, scriptedHttp } from './services/faults/http-server.ts';
import { shareWork } from './support/asker.ts';
import { newPlace, type Outcome, type Place } from './support/fault-project.ts';

shareWork();

/** `enrich:` with an API, through the built program: distinct keys, what is remembered, rows without an answer, outages, kills. */
let server: ScriptedHttp;
let place: Place;
beforeEach(async () => {
  server = await scriptedHttp();
});
afterEach(async () => {
  place.remove();
  await server.close();
});

const REGIONS: Readonly<Record<string, string>> = { France: 'EU', Maroc: 'AF', Canada: 'AM', 'Côte d’Ivoire': 'AF' };
const region = ({ path }: SeenRequest): Reply => {
  const found = REGIONS[decodeURIComponent(path.split('/').at(-1) ?? '')];
  return found === undefined ? json({ error: 'unknown' }, { status: 404 }) : json({ region: found, n: 12.5 });
};

const RETRY = 'retry: { attempts: 2, base_ms: 5 }';
const project = (lookup: string, rest = 'key: id'): Place => {
  place = newPlace(
    `sources:
  f: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, pays: varchar } }
silver:
  f:
    from: f
    select: { pays: trim(pays) }
    enrich:
      - { lookup: http, url: "\${API}/pays/{pays}", ${lookup} }
    ${rest}
`,
  );
  return place;
};
const rows = (from: number, pays: readonly string[]): string =>
  `id,pays\n${pays.map((one, i) => `${from + i},${one}`).join('\n')}\n`;
/** The server lives in this process, so the program runs beside it. */
const dataflow = (args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> =>
  place.start(args, { API: server.url, NO_COLOR: '1', ...env }).ended;
const query = async (sql: string): Promise<readonly unknown[]> =>
  JSON.parse((await dataflow(['query', sql, '--format', 'json'])).stdout) as readonly unknown[];
const table = async (): Promise<readonly unknown[]> => {
  const done = await dataflow(['query', 'select id, pays, region from silver.f order by id', '--format', 'json']);
  return (JSON.parse(done.stdout) as { id: string; pays: string; region: string }[]).map(
    ({ id, pays, region: found }) => [Number(id), pays, found],
  );
};
const asked = (): readonly string[] => server.requests.map(({ path }) => decodeURIComponent(path));
const done = async (args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> => {
  const outcome = await dataflow(args, env);
  expect(outcome.status, outcome.stdout + outcome.stderr).toBe(0);
  return outcome;
};

describe('enrich with an API', { timeout: 120_000 }, () => {
  it('asks once for each distinct key after select, and nobody when everything is remembered', async () => {
    project(`add: { region: $.region, n: { from: $.n, type: "decimal(6,2)" } }, ${RETRY}`);
    server.script('*', [region]);
    place.put({ 'in/a.csv': rows(1, ['France', ' France ', 'Maroc', '', 'Côte d’Ivoire', 'France']) });
    await done(['run']);
    expect([...asked()].sort()).toEqual(['/pays/Côte d’Ivoire', '/pays/France', '/pays/Maroc']);
    expect(await table()).toEqual([
      [1, 'France', 'EU'],
      [2, 'France', 'EU'],
      [3, 'Maroc', 'AF'],
      [4, null, null],
      [5, 'Côte d’Ivoire', 'AF'],
      [6, 'France', 'EU'],
    ]);
    const [typed] = await query('select typeof(n) as t, n from silver.f where id = 1');
    expect(typed).toEqual({ t: 'DECIMAL(6,2)', n: '12.50' });
    await server.close();
    await done(['run', '--full-refresh']);
    expect(await table()).toHaveLength(6);
    // New rows with known keys ask nobody either; the service need not even be there.
    place.put({ 'in/b.csv': rows(7, ['Maroc']) });
    await done(['run']);
    expect(await table()).toContainEqual([7, 'Maroc', 'AF']);
    expect(place.dataflow(['verify'], { API: server.url }).status).toBe(0);
  });

  it('a key without an answer puts its rows aside; when there is one, replay brings them home', async () => {
    project(`add: { region: $.region }, ${RETRY}`);
    server.script('*', [region]);
    place.put({ 'in/a.csv': rows(1, ['France', 'Narnia', 'Narnia']) });
    await done(['run']);
    expect(await table()).toEqual([[1, 'France', 'EU']]);
    const listed = await done(['quarantine', 'show', 'silver.f', '--format', 'json']);
    expect(JSON.parse(listed.stdout)).toMatchObject([
      {
        rule: 'enrich_region',
        column_name: 'pays',
        reason: expect.stringMatching(/^pays = Narnia: it answers with status 404/),
      },
      { rule: 'enrich_region' },
    ]);
    expect(asked().filter((path) => path === '/pays/Narnia')).toHaveLength(1);
    server.script('*', [json({ region: 'XX' })]);
    const before = server.requests.length;
    const trial = await done(['quarantine', 'replay', 'silver.f', '--dry-run']);
    expect(trial.stdout + trial.stderr).not.toContain('enrich_region refuses');
    expect(server.requests).toHaveLength(before);
    await done(['quarantine', 'replay', 'silver.f']);
    expect(await table()).toEqual([
      [1, 'France', 'EU'],
      [2, 'Narnia', 'XX'],
      [3, 'Narnia', 'XX'],
    ]);
    expect(asked().slice(before)).toEqual(['/pays/Narnia']);
    // Decisions stay in force; they ask for nothing again.
    place.put({ 'in/b.csv': rows(4, ['Narnia']) });
    await done(['run']);
    await done(['run', '--full-refresh']);
    expect(await table()).toHaveLength(4);
    expect(asked().slice(before)).toEqual(['/pays/Narnia']);
    expect(await query('select count(*)::int as n from quarantine.silver_f')).toEqual([{ n: 0 }]);
  });

  it('an answer that does not fit is none: no member, no single value, another type; nothing is rounded', async () => {
    project(`add: { region: { from: $.v, type: integer } }, ${RETRY}`);
    const answers: Record<string, unknown> = {
      a: { v: 7 },
      b: { w: 1 },
      c: { v: [1] },
      d: { v: 12.7 },
      e: { v: null },
    };
    server.script('*', [({ path }) => json(answers[path.at(-1) ?? ''] ?? {})]);
    place.put({ 'in/a.csv': rows(1, ['a', 'b', 'c', 'd', 'e', '..']) });
    await done(['run']);
    expect(await table()).toEqual([
      [1, 'a', 7],
      [5, 'e', null],
    ]);
    const listed = await done(['quarantine', 'show', 'silver.f', '--format', 'json']);
    expect((JSON.parse(listed.stdout) as { reason: string }[]).map(({ reason }) => reason).sort()).toEqual([
      'pays = ..: ".." cannot be asked for',
      'pays = b: its answer has nothing at $.v',
      'pays = c: what its answer has at $.v is no single value',
      'pays = d: 12.7 at $.v is no integer',
    ]);
    // A mended answer counts, whatever was remembered.
    answers['d'] = { v: 12 };
    const replayed = await dataflow(['quarantine', 'replay', 'silver.f']);
    expect([replayed.status, replayed.stdout]).toEqual([4, expect.stringContaining('3 were rejected again')]);
    expect(await table()).toContainEqual([4, 'd', 12]);
  });

  it('429 with Retry-After is obeyed by all that ask', async () => {
    project(`add: { region: $.region }, concurrency: 3, ${RETRY}`);
    server.script('*', [{ status: 429, headers: { 'retry-after': '1' } }, region]);
    place.put({ 'in/a.csv': rows(1, ['France', 'Maroc', 'Canada', 'Narnia']) });
    const ran = await done(['run']);
    expect(ran.stderr).toContain('as it asks (Retry-After)');
    const [first, ...rest] = server.requests.map(({ at_ms }) => at_ms);
    expect(rest.filter((at) => at > (first ?? 0) + 200 && at < (first ?? 0) + 950)).toEqual([]);
    expect(await table()).toHaveLength(3);
    expect(server.most_at_once).toBeLessThanOrEqual(3);
  });

  it('an outage fails the step, quarantines nothing and costs no answer; the published version stays', async () => {
    project(`add: { region: $.region }, ${RETRY}`);
    server.script('*', [region]);
    place.put({ 'in/a.csv': rows(1, ['France', 'Maroc']) });
    await done(['run']);
    place.put({ 'in/b.csv': rows(3, ['Canada', 'Côte d’Ivoire', 'Narnia']) });
    server.script('*', [{ status: 503 }]);
    const out = await dataflow(['run']);
    expect([out.status, out.stderr]).toEqual([4, expect.stringContaining('E_SOURCE_UNREACHABLE')]);
    expect(out.stderr).toContain('the service is taken to be down');
    expect(await table()).toHaveLength(2);
    expect((await dataflow(['quarantine', 'list'])).stdout).not.toContain('enrich_region');
    server.script('*', [region]);
    await done(['retry']);
    expect(await table()).toHaveLength(4);
  });

  it('one key that never gets an answer is the fault of that key, when others do', async () => {
    project(`add: { region: $.region }, ${RETRY}`);
    server.script('*', [(request) => (request.path.endsWith('/Poison') ? { instead: 'reset' } : region(request))]);
    place.put({ 'in/a.csv': rows(1, ['Poison', 'France', 'Maroc']) });
    await done(['run']);
    expect(await table()).toHaveLength(2);
    // Alone it is told from an outage by asking for a key that had an answer before.
    place.put({ 'in/b.csv': rows(9, ['Canada']) });
    await done(['run']);
    expect(await table()).toHaveLength(3);
  });

  it('killed while it asks: what was answered is not asked for again', async () => {
    const names = Array.from({ length: 40 }, (_, i) => `p${i}`);
    project(`add: { region: $.region }, concurrency: 1, ${RETRY}`);
    server.script('*', [({ path }) => json({ region: path.at(-1) })]);
    place.put({ 'in/a.csv': rows(1, names) });
    const died = await dataflow(['run'], { DATAFLOW_FAULT: 'after-lookup:kill@15' });
    expect(died.signal).toBe('SIGKILL');
    await done(['run']);
    expect(server.requests).toHaveLength(40);
    expect(await table()).toHaveLength(40);
    // A ledger made anew has forgotten the answers and nothing else: the tables are right, new rows ask again.
    await done(['ledger', 'rebuild']);
    await done(['run']);
    expect(server.requests).toHaveLength(40);
    place.put({ 'in/b.csv': rows(99, ['p0', 'p1']) });
    await done(['run']);
    expect(server.requests).toHaveLength(42);
    expect(place.dataflow(['verify'], { API: server.url }).status).toBe(0);
  });

  it('a wrong address does not empty the table: when most keys have no answer the step fails', async () => {
    project(`add: { region: $.region }, ${RETRY}`);
    server.script('*', [{ status: 404 }]);
    place.put({
      'in/a.csv': rows(
        1,
        Array.from({ length: 30 }, (_, i) => `p${i}`),
      ),
    });
    const out = await dataflow(['run']);
    expect(out.stderr).toMatch(/E_LOOKUP_FAILED.*30 of 30 keys have no answer/s);
    expect(out.status).toBe(4);
  });

  it('if so many really have none, failed_max_pct says so; a trace asks nobody', async () => {
    project(`add: { region: $.region }, failed_max_pct: 100, ${RETRY}`);
    server.script('*', [region]);
    place.put({ 'in/a.csv': rows(1, ['France', ...Array.from({ length: 30 }, (_, i) => `p${i}`)]) });
    await done(['run']);
    expect(await table()).toHaveLength(1);
    const before = server.requests.length;
    const traced = await done(['trace', 'silver.f']);
    expect(traced.stdout).toContain('pays = France gave region = EU');
    expect((await done(['trace', 'in/a.csv:3'])).stdout).toContain('quarantined by enrich_region');
    expect(server.requests).toHaveLength(before);
  });

  it('keep: rows without an answer go on with NULLs, and are told of', async () => {
    project(`add: { region: $.region }, on_failure: keep, on_null: quarantine, ${RETRY}`);
    server.script('*', [region]);
    place.put({ 'in/a.csv': rows(1, ['France', 'Narnia', '']) });
    await done(['run']);
    expect(await table()).toEqual([
      [1, 'France', 'EU'],
      [2, 'Narnia', null],
    ]);
    const why = await done(['why', 'silver.f']);
    expect(why.stdout).toContain('2 keys, 2 asked');
    expect(why.stdout).toContain('1 without an answer');
  });
});
