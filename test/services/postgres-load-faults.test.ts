import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { SourceProject } from '../../src/connectors/testing/source-project.ts';
import { tcpProxy } from './faults/tcp-proxy.ts';
import { describeService, uniqueName } from './service.ts';

const ROWS = 60_000;

describeService('postgresql', ({ url }) => {
  let client: pg.Client;
  let project: SourceProject;
  let proxy: Awaited<ReturnType<typeof tcpProxy>>;
  const schema = uniqueName('faults');

  beforeAll(async () => {
    client = new pg.Client({ connectionString: url });
    await client.connect();
    proxy = await tcpProxy(new URL(url).host);
    const through = new URL(url);
    through.host = proxy.address;
    project = new SourceProject(
      {
        source: {
          type: 'files',
          path: 'in/*.csv',
          settle_seconds: 0,
          on_rewrite: 'replace',
          columns: { id: 'bigint', v: 'bigint' },
        },
        connections: { target: { type: 'postgres', url: through.href } },
        more: {
          silver: { t: { from: 't', key: 'id' } },
          gold: {
            many: {
              sql: "select id, v, repeat('x', 40) || id || case when v = 9 and id = 17 then chr(0) else '' end as text from silver.t",
              key: 'id',
            },
          },
          loads: { out: { connection: 'target', schema, tables: ['gold.many'] } },
        },
      },
      {},
      't',
    );
    await publish(1);
  }, 120_000);
  beforeEach(async () => {
    await client.query(`drop schema if exists ${schema} cascade`);
  });
  afterEach(async () => proxy.accept().catch(() => undefined));
  afterAll(async () => {
    project.remove();
    await proxy.close();
    await client.query(`drop schema if exists ${schema} cascade`);
    await client.end();
  });

  /** A release in which every row has this value. */
  const publish = async (v: number): Promise<void> => {
    mkdirSync(join(project.root, 'in'), { recursive: true });
    const lines = Array.from({ length: ROWS }, (_, i) => `${i},${v}`);
    writeFileSync(join(project.root, 'in', 't.csv'), `id,v\n${lines.join('\n')}\n`);
    await project.ok(['run']);
  };
  const holds = async (): Promise<readonly unknown[]> =>
    (await client.query(`select v::int, count(*)::int as n from ${schema}.many group by v`)).rows;
  const all = (v: number) => [{ v, n: ROWS }];
  const load = async () => {
    const { status, stdout, stderr } = await project.run(['load', '--format', 'json']);
    const report = status === 0 ? JSON.parse(stdout).loads[0] : JSON.parse(stdout || '{}').errors?.[0];
    return { status, report, stderr };
  };
  /** Before each row of the state table is written the server does this, in the transaction of the load. */
  const trap = (body: string, when = 'before', how = '') =>
    client.query(`create function ${schema}.trap() returns trigger language plpgsql as $$ begin ${body} return new; end $$;
      create ${how === '' ? '' : 'constraint'} trigger trap ${when} insert or update on ${schema}._dataflow_loads ${how} for each row execute function ${schema}.trap()`);

  /** Waits until the server sleeps in the middle of a statement that begins like this. */
  const asleep = async (statement: string): Promise<string> => {
    for (;;) {
      const { rows } = await client.query(
        `select pid from pg_stat_activity where query like $1 and state = 'active' and wait_event = 'PgSleep'`,
        [`${statement}%`],
      );
      if (rows.length > 0) return rows[0].pid;
      await sleep(10);
    }
  };

  it('case 46: a connection cut in the middle of a COPY, a deadlock, a serialization failure: tried again, loaded once', async () => {
    proxy.resetAfter('up', 1_000_000);
    expect(await load()).toMatchObject({ status: 0, report: { attempts: 2, inserts: ROWS, updates: 0 } });
    expect(await holds()).toEqual(all(1));
    await client.query(`create sequence ${schema}.passes`);
    await trap(`if nextval('${schema}.passes') = 1 then raise 'one of two has to give way' using errcode = '40P01'; end if;
      if nextval('${schema}.passes') < 4 then raise 'not as if one after the other' using errcode = '40001'; end if;`);
    await publish(2);
    expect(await load()).toMatchObject({ status: 0, report: { attempts: 3, inserts: 0, updates: ROWS } });
    expect(await holds()).toEqual(all(2));
  }, 120_000);

  it('nobody listens any more: what was there is there, and the next load goes on', async () => {
    await load();
    await publish(3);
    proxy.resetAfter('up', 1_000_000);
    const running = load();
    while (proxy.bytes.up < 1_000_000) await sleep(5);
    await proxy.refuse();
    expect(await running).toMatchObject({ status: 5 });
    expect(await holds()).toHaveLength(1);
    await proxy.accept();
    expect(await load()).toMatchObject({ status: 0, report: { updates: ROWS } });
    expect(await holds()).toEqual(all(3));
  }, 120_000);

  it('case 46: a connection lost at COMMIT: the outcome is looked up, whichever it was', async () => {
    await load();
    await trap('perform pg_sleep(1.5);', 'after', 'deferrable initially deferred');
    await publish(4);
    const cut = load();
    await asleep('commit');
    proxy.cut();
    expect(await cut).toMatchObject({ status: 0, report: { attempts: 1, updates: ROWS } });
    expect(await holds()).toEqual(all(4));
    await publish(5);
    const ended = load();
    await client.query('select pg_terminate_backend($1)', [await asleep('commit')]);
    expect(await ended).toMatchObject({ status: 0, report: { attempts: 2, updates: ROWS } });
    expect(await holds()).toEqual(all(5));
  }, 120_000);

  it('case 46: no space, a row that a constraint or a type refuses, a file of the lake that is gone: all or nothing, and why', async () => {
    await publish(6);
    await load();
    await trap(`raise 'could not extend file: No space left on device' using errcode = '53100';`);
    await publish(7);
    expect(await load()).toMatchObject({ status: 1, stderr: expect.stringContaining('No space left') });
    await client.query(`drop trigger trap on ${schema}._dataflow_loads;
      alter table ${schema}.many add constraint small check (id <> 4711 or v < 7)`);
    const refused = await load();
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('E_LOAD_REFUSED') });
    expect(refused.stderr).toMatch(/gold\.many: .*small.*Failing row contains \(4711, 7/);
    await client.query(`alter table ${schema}.many drop constraint small`);
    await publish(9);
    expect((await load()).stderr).toMatch(/column text of the row with id = 17 holds the character NUL/);
    await client.query(`alter table ${schema}.many alter column v type text`);
    expect((await load()).stderr).toMatch(/E_LOAD_CHANGED|E_LOAD_SCHEMA/);
    await client.query(`alter table ${schema}.many alter column v type bigint using v::bigint`);
    expect(await holds()).toEqual(all(6));
    for (const name of readdirSync(join(project.root, 'lake/gold/many')))
      if (name.endsWith('.parquet')) rmSync(join(project.root, 'lake/gold/many', name));
    expect((await project.run(['load', '--full-refresh'])).status).not.toBe(0);
    expect(await holds()).toEqual(all(6));
  }, 120_000);

  it('case 46: a load that was killed lets go of its locks, in the middle of a long statement too', async () => {
    await publish(10);
    expect(await load()).toMatchObject({ status: 0 });
    await trap('perform pg_sleep(100);');
    await publish(8);
    const { child, ended } = project.start(['load']);
    await asleep('insert');
    child.kill('SIGKILL');
    await ended;
    await client.query(`set lock_timeout = '30s'; drop trigger trap on ${schema}._dataflow_loads; reset lock_timeout`);
    expect(await load()).toMatchObject({ status: 0 });
    expect(await holds()).toEqual(all(8));
  }, 120_000);
});
