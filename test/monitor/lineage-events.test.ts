import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newPlace, type Outcome, type Place } from '../support/fault-project.ts';
import { complaints, facetsOf, readSchemas } from '../support/json-schema.ts';

/** Events of runs as a service or a file gets them, by the built program. */
const CONFIG = `sources: { a: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, w: varchar } } }
silver: { s: { from: a, rules: [ { not_null: [w] } ], key: id } }
gold: { g: { sql: "select w, count(*) as n from silver.s where w <> 'word-not-to-be-shown' group by w", key: w } }
`;
const EVENT = 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent';
const PARENT = '0196eccd-8aa4-7274-9116-824575596aaf';

interface Event {
  readonly eventType: string;
  readonly eventTime: string;
  readonly run: {
    readonly runId: string;
    readonly facets: { readonly parent?: { readonly run: { readonly runId: string } } };
  };
  readonly job: { readonly namespace: string; readonly name: string };
}
interface Asked {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly event: Event;
}

const schemas = readSchemas('fixtures/openlineage');
const idOf = ({ run, eventType, eventTime }: Event): string => `${run.runId} ${eventType} ${eventTime}`;
const wordsOf = ({ job, eventType }: Event): string => `${job.name} ${eventType}`;
const linesOf = (file: string): readonly Event[] =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);

describe('events of runs', () => {
  let server: Server;
  let url = '';
  const asked: Asked[] = [];
  const places: Place[] = [];
  /** What a path answers; undefined: 201. */
  const answers = new Map<string, (response: ServerResponse) => void>();

  beforeAll(async () => {
    server = createServer((request, response) => {
      let text = '';
      request.on('data', (piece: Buffer) => {
        text += piece.toString();
      });
      request.on('end', () => {
        const path = request.url ?? '';
        asked.push({ path, headers: request.headers, event: JSON.parse(text) as Event });
        const answer = answers.get(path.split('/')[1] ?? '');
        if (answer === undefined) response.writeHead(201).end();
        else answer(response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
    for (const place of places) place.remove();
  });

  const newProject = (openlineage: string): Place => {
    const place = newPlace(openlineage === '' ? CONFIG : `${CONFIG}openlineage: ${openlineage}\n`, { name: 'told' });
    place.put({ 'in/a.csv': 'id,w\n1,x\n2,y\n3,\n' });
    places.push(place);
    return place;
  };
  const does = async (place: Place, args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> => {
    const outcome = await place.start(args, {
      LINEAGE_KEY: 'key-not-to-be-shown',
      WORD: 'word-not-to-be-shown',
      ...env,
    }).ended;
    expect(outcome.stdout + outcome.stderr).not.toContain('key-not-to-be-shown');
    return outcome;
  };
  const saidOf = (left: string, words: string) =>
    expect.stringMatching(
      new RegExp(
        `^warning E_LINEAGE_SEND: ${left} lineage events were not taken: ${new URL(url).host}${words}; later: dataflow lineage --openlineage --run \\w+ --send\n$`,
      ),
    );
  const got = (name: string): readonly Asked[] => asked.filter(({ path }) => path.startsWith(`/${name}/`));

  it('reach a service: the run and each step, by the schemas of the standard, secrets masked', async () => {
    const place = newProject(
      `{ url: "${url}/good", api_key: "\${LINEAGE_KEY}", headers: { x-word: "\${WORD}" }, namespace: shop }`,
    );
    const run = await does(place, ['run'], { OPENLINEAGE_PARENT_ID: `airflow/dag.task/${PARENT}` });
    expect([run.status, run.stderr]).toEqual([0, '']);
    const events = got('good').map(({ event }) => event);
    for (const event of events) {
      expect(complaints(schemas, EVENT, event)).toEqual([]);
      for (const facet of facetsOf(event)) expect(complaints(schemas, facet._schemaURL, facet)).toEqual([]);
    }
    expect(events.map(wordsOf)).toEqual([
      'run START',
      ...['bronze.a', 'silver.s', 'gold.g'].flatMap((step) => [`${step} START`, `${step} COMPLETE`]),
      'run COMPLETE',
    ]);
    const [first] = events;
    expect(first?.run.facets.parent?.run.runId).toBe(PARENT);
    expect(events.slice(1, -1).map(({ run: { facets } }) => facets.parent?.run.runId)).toEqual(
      Array(6).fill(first?.run.runId),
    );
    expect(new Set(events.map(({ job }) => job.namespace))).toEqual(new Set(['shop']));
    expect(new Set(events.map(idOf)).size).toBe(8);
    const told = JSON.stringify(events);
    for (const facet of ['schema', 'dataSource', 'columnLineage', 'outputStatistics'])
      expect(told).toContain(`"${facet}":{`);
    expect(told).toContain("where w <> '***'");
    expect(told).not.toContain('not-to-be-shown');
    expect(got('good').map(({ path, headers }) => [path, headers.authorization, headers['x-word']])[0]).toEqual([
      '/good/api/v1/lineage',
      'Bearer key-not-to-be-shown',
      'word-not-to-be-shown',
    ]);
    expect((await does(place, ['run'])).stdout).toContain('nothing to do');
    expect(got('good')).toHaveLength(8);
    const again = await does(place, ['lineage', '--openlineage', '--send'], { OPENLINEAGE_PARENT_ID: '' });
    expect(again.stderr).toBe('8 events sent\n');
    expect(new Set(got('good').map(({ event }) => idOf(event))).size).toBe(8);
  });

  it('are added to a file, also of a run that failed', async () => {
    const place = newProject('{ file: lineage.ndjson }');
    place.put({
      'pipelines.yaml': readFileSync(join(place.folder, 'pipelines.yaml'), 'utf8').replace('count(*)', 'error(w)'),
    });
    expect((await does(place, ['run'])).status).toBe(4);
    const file = join(place.folder, 'lineage.ndjson');
    expect(linesOf(file).map(wordsOf).slice(-3)).toEqual(['gold.g START', 'gold.g FAIL', 'run FAIL']);
    expect(JSON.stringify(linesOf(file).at(-1))).toContain('"errorMessage":{');
  });

  it('go by the standard variables where the project says nothing, and nowhere when these say so', async () => {
    const place = newProject('');
    const env = {
      OPENLINEAGE_URL: url,
      OPENLINEAGE_ENDPOINT: 'variables/x',
      OPENLINEAGE_API_KEY: 'key-not-to-be-shown',
    };
    await does(place, ['run'], { ...env, OPENLINEAGE_DISABLED: 'true' });
    expect(got('variables')).toEqual([]);
    place.put({ 'in/b.csv': 'id,w\n7,x\n' });
    expect((await does(place, ['run'], env)).stderr).toBe('');
    expect(got('variables')[0]?.headers.authorization).toBe('Bearer key-not-to-be-shown');
    expect(got('variables').at(-1)?.event.eventType).toBe('COMPLETE');
    const wrong = await does(place, ['backfill', 'gold.g', '--from', '1', '--to', '2', '--by', 'n'], {
      OPENLINEAGE_URL: 'nowhere',
    });
    expect(wrong.stderr).toContain('warning OPENLINEAGE_URL is no address');
  });

  it('that a service fails to take are asked of it again, refused ones and those without an answer not; each is said once', async () => {
    let failing = 3;
    answers.set('failing', (response) => response.writeHead(failing-- > 0 ? 503 : 200).end());
    answers.set('refusing', (response) => response.writeHead(403).end());
    answers.set('leading', (response) => response.writeHead(302, { location: '/good/api/v1/lineage' }).end());
    answers.set('silent', () => undefined);
    const good = got('good').length;
    const names = ['failing', 'refusing', 'leading', 'silent'];
    const runs = await Promise.all(names.map((name) => does(newProject(`{ url: "${url}/${name}" }`), ['run'])));
    const said = (words: string) => saidOf('8 of 8', words);
    expect(runs.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
    expect(runs.map(({ stderr }) => stderr)).toEqual([
      '',
      said(' answered 403'),
      said(' answered 302'),
      said(': no answer within 3 s'),
    ]);
    expect(
      got('failing')
        .map(({ event }) => wordsOf(event))
        .slice(0, 5),
    ).toEqual([...Array(4).fill('run START'), 'bronze.a START']);
    expect(names.slice(1).map((name) => got(name).length)).toEqual([2, 2, 2]);
    expect(got('good')).toHaveLength(good);
  });

  it('do not hold a run longer than they may, whatever the service does', async () => {
    answers.set('dead', () => undefined);
    answers.set('stuck', (response) => response.writeHead(201, { 'content-length': 10 }).write('{'));
    answers.set('slow', (response) => setTimeout(() => response.writeHead(201).end(), 300));
    const names = ['dead', 'stuck', 'slow'];
    const runs = await Promise.all(
      names.map((name) => does(newProject(`{ url: "${url}/${name}", seconds_max: 1 }`), ['run'])),
    );
    expect(runs.map(({ status }) => status)).toEqual([0, 0, 0]);
    const words = ': no answer in time \\(openlineage.seconds_max: 1\\)';
    expect(runs.map(({ stderr }) => stderr)).toEqual([
      saidOf('8 of 8', words),
      saidOf('8 of 8', words),
      saidOf('[1-8] of [78]', words),
    ]);
    // Each event of the slow one would have been taken: it is all of them together that take too long.
    expect(got('slow').length).toBeLessThan(8);
    answers.delete('slow');
    const later = await does(places.at(-1) as Place, ['lineage', '--openlineage', '--send']);
    expect([later.status, later.stderr]).toEqual([0, '8 events sent\n']);
  });

  it('end with ABORT when the run is stopped', async () => {
    const place = newProject('{ file: lineage.ndjson }');
    place.put({
      'pipelines.yaml': readFileSync(join(place.folder, 'pipelines.yaml'), 'utf8').replace(
        'count(*)',
        '(select count(*) from range(100000000000) where range % 7 = 3)',
      ),
    });
    const { child, ended } = place.start(['run']);
    const file = join(place.folder, 'lineage.ndjson');
    await expect
      .poll(() => existsSync(file) && existsSync(join(place.folder, 'lake/silver/s/_delta_log')), { timeout: 20_000 })
      .toBe(true);
    child.kill('SIGTERM');
    expect((await ended).status).toBe(143);
    const words = linesOf(file).map(wordsOf);
    expect(words[0]).toBe('run START');
    expect(words.at(-1)).toBe('run ABORT');
  });
});
