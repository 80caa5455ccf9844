import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { parseConnectUrl } from '../../src/engines/spark/connect-url.ts';
import { Link } from '../../src/engines/spark/link.ts';
import { ANY_RESPONSE, RELEASE_SESSION_REQUEST } from '../../src/engines/spark/messages.ts';
import {
  copyInto,
  expectDone,
  expectError,
  filesBelow,
  newPlace,
  type Outcome,
  type Place,
} from '../support/fault-project.ts';
import { stopped } from '../support/stopped.ts';
import { tcpProxy } from './faults/tcp-proxy.ts';
import { describeService, ownServer } from './service.ts';

const CONFIG = `sources:
  a: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, pays: varchar, montant: "decimal(12,2)" } }
silver:
  a:
    from: a
    rules: [{ not_null: [pays], name: pays_present }]
    key: id
    tests: [{ unique: id }, { not_null: [id, pays] }]
gold:
  par_pays:
    sql: select pays, sum(montant) as total, count(*) as n from silver.a group by pays
    key: pays
`;
const FIRST = 'id,pays,montant\n1,FR,10.50\n2,BE,-0.05\n3,,1\n';
/** A new row, one that comes again with another amount, and one that is rejected. */
const SECOND = 'id,pays,montant\n4,FR,0.10\n2,BE,7\n5,,1\n';
/** What a second writer has. */
const THIRD = 'id,pays,montant\n6,CH,3\n1,FR,11\n';
const FOURTH = 'id,pays,montant\n7,FR,4\n4,CH,0.20\n';
const TABLES = ['silver.a', 'gold.par_pays'];

// A server that has just started takes long for its first answers of each kind where other tests keep the cores busy.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

describeService('spark', ({ url }) => {
  const places: Place[] = [];
  let first: Place;
  /** A server of our own, to be killed; it gets ready meanwhile. */
  let doomed: ReturnType<typeof ownServer>;
  beforeAll(() => {
    doomed = ownServer('spark');
    doomed.catch(() => undefined);
    first = place();
    first.put({ 'in/1.csv': FIRST });
    expectDone(first.dataflow(['run']));
  });
  afterAll(async () => {
    await (await doomed).stop();
    for (const one of places) one.remove();
  });

  /** A pipeline at DuckDB. */
  function place(lake?: string, name?: string): Place {
    const made = newPlace(CONFIG, { ...(lake === undefined ? {} : { lake }), ...(name === undefined ? {} : { name }) });
    places.push(made);
    return made;
  }

  /** A project at Spark whose tables have their first versions, and its twin at DuckDB; both have new rows to take. */
  function twins(): { readonly there: Place; readonly here: Place } {
    const [there, here] = [place(), place()] as const;
    for (const one of [there, here]) {
      copyInto(one, first);
      one.put({ 'in/2.csv': SECOND });
    }
    const file = join(there.folder, 'pipelines.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^engine: .*$/m, 'engine: { type: spark }'));
    return { there, here };
  }
  const server = (address = url) => ({ SPARK_REMOTE: address });
  const versionsOf = (at: Place, table: string): readonly string[] =>
    filesBelow(join(at.folder, 'lake', table.replace('.', '/'), '_delta_log'), '.json');
  const rowsOf = (at: Place): readonly unknown[] =>
    TABLES.map((table) => {
      const asked = at.dataflow([
        'query',
        '--engine',
        'duckdb',
        `select * from ${table} order by all`,
        '--format',
        'json',
      ]);
      expectDone(asked);
      return JSON.parse(asked.stdout);
    });
  const left = (at: Place): readonly string[] =>
    ['staging', 'tmp'].flatMap((name) =>
      filesBelow(join(at.folder, 'lake/_dataflow', name), '').filter((path) =>
        statSync(join(at.folder, 'lake/_dataflow', name, path)).isFile(),
      ),
    );
  /** Whether Spark has begun to write a table's files. */
  const isWriting = (at: Place): boolean => {
    try {
      return filesBelow(join(at.folder, 'lake/_dataflow/staging'), '_temporary').length > 0;
    } catch {
      // A folder was gone when it was to be read: the next look tells.
      return false;
    }
  };
  /** The next run gives what the embedded engine gives, and leaves no file behind. */
  function expectMended({ there, here }: ReturnType<typeof twins>, command = 'run'): void {
    expectDone(there.dataflow([command], server()));
    expectDone(here.dataflow(['run']));
    expect(rowsOf(there)).toEqual(rowsOf(here));
    expect(left(there)).toEqual([]);
    expectDone(there.dataflow(['verify']));
  }
  /** Waits for something that happens while a run is going on. */
  async function until(seen: () => boolean, run: Promise<Outcome>): Promise<void> {
    let ended = false;
    const end = () => {
      ended = true;
    };
    run.then(end, end);
    while (!seen() && !ended) await sleep(2);
    expect(ended).toBe(false);
  }

  it('what a killed run staged is removed by the next one; the server is killed while that writes: nothing is published, retry at another gives every row', async () => {
    const both = twins();
    const own = await doomed;
    const there = server(own.settings['DATAFLOW_TEST_SPARK']);
    // Bronze comes first.
    const killed = both.there.dataflow(['run'], { ...there, DATAFLOW_FAULT: 'after-stage:kill@2' });
    expect(killed.signal, killed.stderr).toBe('SIGKILL');
    const staged = left(both.there);
    expect(staged.filter((name) => name.endsWith('.parquet'))).not.toEqual([]);

    for (const one of [both.there, both.here]) one.put({ 'in/3.csv': THIRD });
    const { ended } = both.there.start(['run'], there);
    await until(() => versionsOf(both.there, 'bronze.a').length === 3 && isWriting(both.there), ended);
    await own.halt('SIGKILL');
    expectError(await ended, 'E_ENGINE_LOST', 4);
    expect(left(both.there).filter((name) => staged.includes(name))).toEqual([]);
    for (const table of TABLES) expect(versionsOf(both.there, table), table).toHaveLength(1);
    expect(rowsOf(both.there)).toEqual(rowsOf(first));
    expectMended(both, 'retry');
  });

  /** The server forgets a session, as it does with those that were idle for long. */
  async function forget(session_id: string): Promise<void> {
    const link = new Link(parseConnectUrl(url));
    const release = { name: 'ReleaseSession', request: RELEASE_SESSION_REQUEST, response: ANY_RESPONSE };
    await link.ask(release, { session_id, user_context: link.identity.user_context });
    await link.close();
  }

  it('another pipeline publishes the table meanwhile: the late one is refused, no row is there twice; the next one loses its session, and retry does it', async () => {
    const both = twins();
    expectDone(both.there.dataflow(['run', 'bronze']));
    const rival = place(join(both.there.folder, 'lake'), 'rival');
    rival.put({ 'in/3.csv': THIRD });
    const { child, ended } = both.there.start(['run'], { ...server(), DATAFLOW_FAULT: 'after-stage:stop' });
    await stopped(child.pid);
    expectDone(rival.dataflow(['run']));
    child.kill('SIGCONT');
    expectError(await ended, 'E_LAKE_CONFLICT', 5);
    expect(versionsOf(both.there, 'silver.a')).toHaveLength(2);

    const [address = '', parameters = ''] = url.replace('sc://', '').split('/');
    let session = '';
    // Each request begins with it.
    const proxy = await tcpProxy(address, {
      sent: (bytes) => {
        session ||= /\n\$([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})/.exec(bytes.toString('latin1'))?.[1] ?? '';
      },
    });
    both.there.put({ 'in/4.csv': FOURTH });
    const next = both.there.start(['run'], {
      ...server(`sc://${proxy.address}/${parameters}`),
      DATAFLOW_FAULT: 'after-stage:stop@2', // bronze comes first
    });
    await stopped(next.child.pid);
    await forget(session);
    next.child.kill('SIGCONT');
    expectError(await next.ended, 'E_ENGINE_SESSION', 4);
    await proxy.close();
    expect(versionsOf(both.there, 'silver.a')).toHaveLength(2);
    both.here.put({ 'in/3.csv': THIRD, 'in/4.csv': FOURTH });
    expectMended(both, 'retry');
  });
});
