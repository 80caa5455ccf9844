import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectDone, newPlace, type Place } from '../support/fault-project.ts';
import { type Served, serveFolder, serveProject } from './served-project.ts';

/** The built program at a port of its own, while runs publish. */
describe('a server at work', () => {
  let place: Place;
  let server: ReturnType<Place['start']>;
  let url = '';
  const rows = (from: number, count: number): string =>
    `id\n${Array.from({ length: count }, (_, i) => from + i).join('\n')}\n`;

  beforeAll(async () => {
    place = newPlace(`sources: { a: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint } } }
gold:
  x: { sql: select id from bronze.a, key: id }
  n: { sql: select count(*) as n from gold.x, key: n }
serve:
  limits: { concurrency: 1 }
  routes:
    /long: { sql: "select count(*) as n from range(1000000000000) as r, gold.x where r.range % 7 = id", answer: row }
    /both: { sql: "select (select count(*) from gold.x) as x, (select n from gold.n) as n", answer: row }
`);
    place.put({ 'in/a0.csv': rows(0, 200) });
    expectDone(place.dataflow(['run']));
    server = place.start(['serve', '--port', '0', '--drain-seconds', '1', '--log-level', 'debug']);
    url = await new Promise<string>((resolve) => {
      let text = '';
      server.child.stderr?.on('data', (piece: Buffer) => {
        text += piece.toString();
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(text);
        if (found !== null) resolve(found[0]);
      });
    });
  });
  afterAll(() => {
    server.child.kill('SIGKILL');
    place.remove();
  });

  const ask = async (path: string): Promise<{ body: Record<string, unknown>; release: string | null }> => {
    const response = await fetch(url + path);
    expect([path, response.status]).toEqual([path, 200]);
    return {
      body: (await response.json()) as Record<string, unknown>,
      release: response.headers.get('dataflow-release'),
    };
  };

  it('gives a walk one release, and every answer one state of all tables', async () => {
    const first = await ask('/api/v1/tables/gold/x?limit=20');
    const ids = (first.body['data'] as { id: number }[]).map((one) => one.id);
    const releases = new Set<string | null>();
    let { next } = first.body;
    for (let step = 1; next !== null; step++) {
      if (step <= 3) {
        place.put({ [`in/a${step}.csv`]: rows(step * 1000, 50) });
        const run = place.start(['run']);
        // Until the server answers from the release of that run: each page of the walk comes after another publish.
        for (let rows_seen: unknown; rows_seen !== 200 + step * 50; ) {
          await Promise.race([run.ended, new Promise((done) => setTimeout(done, 20))]);
          const { body, release } = await ask('/both');
          expect(body['x']).toBe(body['n']);
          rows_seen = body['x'];
          releases.add(release);
        }
        expect((await run.ended).status).toBe(0);
      }
      const page = await ask(`/api/v1/tables/gold/x?limit=20&cursor=${String(next)}`);
      expect(page.release).toBe(first.release);
      ids.push(...(page.body['data'] as { id: number }[]).map((one) => one.id));
      next = page.body['next'] as string | null;
    }
    expect([...ids].sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect(releases.size).toBeGreaterThanOrEqual(4);
  });

  it('ends when it is asked to, and lets go of the lake', async () => {
    expect(readdirSync(join(place.folder, 'lake/_dataflow/leases')).length).toBeGreaterThan(0);
    const cut = fetch(`${url}/long`).catch(() => 'cut off');
    await expect
      .poll(async () => await (await fetch(`${url}/metrics`)).text())
      .toMatch(/^dataflow_serve_questions_working\{[^}]*\} 1$/m);
    server.child.kill('SIGTERM');
    expect(await cut).toBe('cut off');
    const { status, stderr } = await server.ended;
    expect(status).toBe(143);
    const lines = stderr.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
    expect(lines[0]).toMatchObject({ level: 'info', msg: expect.stringContaining(url) });
    const asked = lines.find((line) => line.path === '/both');
    expect(asked).toMatchObject({
      level: 'info',
      status: 200,
      request_id: expect.stringMatching(/^req-/),
      time: expect.any(String),
    });
    expect(stderr).toContain('SIGTERM: answering the requests at work, taking no others; once more stops at once');
    const ends = lines.filter((line) => line.path === undefined).slice(-2);
    expect(ends).toMatchObject([{ level: 'warn', msg: expect.stringContaining('cut off') }, { msg: 'stopped' }]);
    expect(readdirSync(join(place.folder, 'lake/_dataflow/leases'))).toEqual([]);
  });
});

describe('questions that take long', () => {
  let served: Served;
  let url = '';
  beforeAll(async () => {
    served = await serveProject(
      `sources: { a: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint } } }
gold: { x: { sql: select id from bronze.a, key: id } }
serve:
  limits: { concurrency: 1, waiting_max: 1, seconds_max: 2, memory_bytes: 200MB }
  routes:
    /long: { sql: "select count(*) as n from range(1000000000000) as r, gold.x where r.range % 7 = id", answer: row }
    /large: { sql: "select range as n, repeat('x', 100) as w from range(10000)" }
    /too-large: { sql: "select range as n from range(10001)" }
`,
      { 'in/a.csv': 'id\n1\n' },
    );
    url = await served.app.listen({ port: 0, host: '127.0.0.1' });
  });
  afterAll(() => served.close());

  it('are stopped after their time; those that find no place are told to come again', async () => {
    const answers = await Promise.all(
      ['', 'current', 'HEAD'].map((as_of) => fetch(`${url}/long${as_of && `?as_of=${as_of}`}`)),
    );
    const codes = await Promise.all(answers.map(async (one) => ((await one.json()) as { code: string }).code));
    expect(codes.sort()).toEqual(['E_SERVE_BUSY', 'E_SERVE_TIME', 'E_SERVE_TIME']);
    expect(answers.find((one) => one.status === 429)?.headers.get('retry-after')).toBe('1');
    expect((await fetch(`${url}/api/v1/tables/gold/x`)).status).toBe(200);
  });

  it('are refused while the process does not come to what waits; whether it lives is told all the same', {
    timeout: 60_000,
  }, async () => {
    const pressed = await serveFolder(served.place, { event_loop_delay_max_ms: 1 });
    try {
      const asked = async (): Promise<unknown> => {
        // Nothing else is done meanwhile.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
        const { status, body, headers } = await pressed.get('/api/v1/tables');
        return [status, body.code, String(headers['retry-after'])];
      };
      await expect.poll(asked, { timeout: 30_000, interval: 1 }).toEqual([429, 'E_SERVE_BUSY', '1']);
      expect((await pressed.get('/health')).status).toBe(200);
    } finally {
      await pressed.app.close();
      await pressed.serving.close();
    }
  });

  it('end with the client that asked', async () => {
    const gone = new AbortController();
    const asked = fetch(`${url}/long`, { signal: gone.signal }).catch((error: Error) => error.name);
    await new Promise((done) => setTimeout(done, 200));
    gone.abort();
    expect(await asked).toBe('AbortError');
    expect((await fetch(`${url}/api/v1/tables/gold/x?limit=1`)).status).toBe(200);
  });

  it('are streamed when their answer is large, and refused when it would not be whole', async () => {
    const rows = (await (await fetch(`${url}/large`)).json()) as { n: number }[];
    expect([rows.length, rows.at(-1)?.n]).toEqual([10_000, 9_999]);
    expect((await fetch(`${url}/too-large`)).status).toBe(503);
  });
});

it('a server that ends while somebody reads, and while it looks for a newer release, pins no file any more', async () => {
  const config = 'sources: { a: { type: files, path: in/a.csv, settle_seconds: 0, columns: { id: bigint } } }\n';
  const served = await serveProject(`${config}gold: { x: { sql: select id from bronze.a, key: id } }\n`, {
    'in/a.csv': 'id\n1\n',
  });
  const leases = () => readdirSync(join(served.place.folder, 'lake/_dataflow/leases'));
  try {
    await served.serving.use();
    served.place.put({ 'in/a.csv': 'id\n1\n2\n' });
    expectDone(served.place.dataflow(['run']));
    expect(leases()).toHaveLength(1);
    const looked = served.serving.refresh();
    await served.app.close();
    await served.serving.close();
    await looked;
    expect(leases()).toEqual([]);
  } finally {
    served.place.remove();
  }
});
