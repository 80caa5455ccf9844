import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newPlace, type Outcome, type Place } from '../support/fault-project.ts';

const CONFIG = `sources: { a: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, w: varchar } } }
silver: { s: { from: a, rules: [ { not_null: [w] } ], key: id } }
gold: { g: { sql: select count(*) as n from silver.s, key: n, tests: [ { sql: "select * from this where n > 4", name: few } ] } }
`;

interface Told {
  readonly alert?: string;
  readonly state?: string;
  readonly subject?: string;
  readonly text: string;
  readonly code?: string;
}

describe('alerts', () => {
  let place: Place;
  let server: Server;
  let told: { readonly path: string; readonly token: string | undefined; readonly body: Told }[] = [];
  let answer = 200;
  let url = '';

  beforeAll(async () => {
    server = createServer((request, response) => {
      let text = '';
      request.on('data', (piece: Buffer) => {
        text += piece.toString();
      });
      request.on('end', () => {
        const { authorization } = request.headers;
        told.push({ path: request.url ?? '', token: authorization, body: JSON.parse(text) as Told });
        response.writeHead(answer, answer === 302 ? { location: '/elsewhere' } : {}).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    place = newPlace(
      `${CONFIG}alerts:
  - { when: run_failed, post: "\${HOOK_TOKEN_URL}", headers: { authorization: "Bearer \${HOOK_TOKEN}" } }
  - { when: run_recovered, post: "${url}/slack", shape: slack }
  - { when: quarantine_growing, command: [sh, -c, "cat >> told.txt"] }
`,
      { name: 'watched' },
    );
  });
  beforeEach(() => {
    told = [];
  });
  afterAll(() => {
    server.close();
    place.remove();
  });

  const does = async (...args: readonly string[]): Promise<Outcome> => {
    const env = { HOOK_TOKEN: 'not-to-be-shown', HOOK_TOKEN_URL: `${url}/hook-not-to-be-shown` };
    const outcome = await place.start(args, env).ended;
    expect(outcome.stdout + outcome.stderr).not.toContain('not-to-be-shown');
    return outcome;
  };
  const heard = (): readonly unknown[] => told.map(({ path, body }) => [path, body.state, body.subject]);

  it('tell of a failed run once, however often it fails, and that it is over', async () => {
    place.put({ 'in/a.csv': 'id,w\n1,x\n2,x\n3,x\n4,x\n5,x\n' });
    expect((await does('run')).status).toBe(3);
    expect(heard()).toEqual([['/hook-not-to-be-shown', 'open', 'runs']]);
    expect(told[0]).toMatchObject({
      token: 'Bearer not-to-be-shown',
      body: { alert: 'run_failed', code: 'E_TESTS_FAILED' },
    });
    expect((await does('run')).status).toBe(3);
    expect((await does('alerts', 'check')).stdout).toContain('known');
    expect(heard()).toHaveLength(1);
    place.put({ 'in/a.csv': 'id,w\n1,x\n' });
    place.put({
      'pipelines.yaml': readFileSync(join(place.folder, 'pipelines.yaml'), 'utf8').replace('n > 4', 'n > 400'),
    });
    await does('run');
    expect(heard().slice(1)).toEqual([
      ['/hook-not-to-be-shown', 'recovered', 'runs'],
      ['/slack', undefined, undefined],
    ]);
    expect(told[2]?.body.text).toMatch(/^:large_green_circle: recovered: watched: run \w+ succeeded/);
  });

  it('that cannot be handed over are said, stay to be told, and change no exit status', async () => {
    place.put({ 'in/b.csv': 'id,w\n7,x\n' });
    const config = readFileSync(join(place.folder, 'pipelines.yaml'), 'utf8');
    place.put({ 'pipelines.yaml': config.replace('n > 400', 'n > 0') });
    answer = 302;
    const run = await does('run');
    expect([run.status, run.stderr]).toEqual([
      3,
      expect.stringMatching(/warning .*could not be told: run_failed: 127\.0\.0\.1:\d+ answered 302/),
    ]);
    expect(told.map(({ path }) => path)).toEqual(['/hook-not-to-be-shown']);
    expect((await does('alerts', 'check')).status).toBe(1);
    answer = 200;
    expect((await does('alerts', 'check')).status).toBe(0);
    expect(heard().at(-1)).toEqual(['/hook-not-to-be-shown', 'open', 'runs']);
    place.put({ 'pipelines.yaml': config });
  });

  it('hand the message of a growing quarantine to a command, once', async () => {
    place.put({ 'in/c.csv': 'id,w\n8,\n9,\n' });
    await does('run');
    await does('alerts', 'check');
    const lines = readFileSync(join(place.folder, 'told.txt'), 'utf8').trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as Told).text)).toEqual(['silver.s: 2 rows in quarantine, 0 before']);
  });

  it('are tried by hand, each with its outcome', async () => {
    const test = await does('alerts', 'test');
    expect([test.status, test.stdout]).toEqual([0, expect.stringMatching(/run_failed .*arrived/)]);
    expect(heard()).toEqual([
      ['/hook-not-to-be-shown', 'test', 'test'],
      ['/slack', undefined, undefined],
    ]);
  });
});

describe('an alert about a destination', () => {
  it('goes by the release that it misses, and ends with the load', async () => {
    const place = newPlace(`${CONFIG}connections: { out: { type: sqlite, path: out.sqlite } }
loads: { warehouse: { connection: out, tables: [gold.g], mode: replace } }
alerts: [ { when: destination_behind, after: 1s, command: [sh, -c, "cat >> told.txt"] } ]
`);
    try {
      const does = async (...args: readonly string[]): Promise<Outcome> => place.start(args).ended;
      const told = (): readonly unknown[] =>
        readFileSync(join(place.folder, 'told.txt'), 'utf8')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as Told)
          .map(({ subject, state, text }) => [subject, state, text]);
      place.put({ 'in/a.csv': 'id,w\n1,x\n' });
      expect((await does('run')).status).toBe(0);
      await expect
        .poll(async () => (await does('alerts', 'check')).stdout, { timeout: 20_000 })
        .toContain('load warehouse');
      expect((await does('load')).status).toBe(0);
      expect((await does('alerts', 'check')).stdout).toContain('recovered');
      expect(told()).toEqual([
        ['load warehouse', 'open', expect.stringContaining('the load warehouse misses a release since')],
        ['load warehouse', 'recovered', expect.stringContaining('holds the newest release')],
      ]);
    } finally {
      place.remove();
    }
  });
});

describe('an alert about freshness', () => {
  it('goes by the age of the newest publish, and ends with the next one', async () => {
    const place = newPlace(
      `${CONFIG}alerts: [ { when: table_stale, tables: [gold.*], after: 1s, command: [sh, -c, "cat >> told.txt"] } ]\n`,
    );
    try {
      place.put({ 'in/a.csv': 'id,w\n1,x\n' });
      expect(place.dataflow(['run']).status).toBe(0);
      const stale = (): boolean => place.dataflow(['alerts', 'check']).stdout.includes('gold.g was published');
      await expect.poll(stale, { timeout: 10_000 }).toBe(true);
      place.put({ 'in/b.csv': 'id,w\n2,x\n' });
      expect(place.dataflow(['run']).status).toBe(0);
      const lines = readFileSync(join(place.folder, 'told.txt'), 'utf8').trim().split('\n');
      const states = lines.map((line) => JSON.parse(line) as Told).map(({ state, subject }) => `${state} ${subject}`);
      expect(states.slice(0, 2)).toEqual(['open gold.g', 'recovered gold.g']);
    } finally {
      place.remove();
    }
  });
});
