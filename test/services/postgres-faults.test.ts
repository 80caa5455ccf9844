import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'zod/mini';
import { component } from '../../src/connectors/postgres/source.ts';
import type { FormatInspectors } from '../../src/core/ports/format.ts';
import type { PulledSource } from '../../src/core/ports/pulled-source.ts';
import { tcpProxy } from './faults/tcp-proxy.ts';
import { heldLanding, pullContext } from './held-landing.ts';
import { describeService, uniqueName } from './service.ts';

describeService('postgresql', ({ url, settings }) => {
  let client: pg.Client;
  const place = uniqueName('faults');

  beforeAll(async () => {
    client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(`create schema ${place}; set search_path to ${place}`);
    await client.query(
      `create table many as select i as id, repeat(md5(i::text), 20) as text, now() as at from generate_series(1, 100000) i`,
    );
  });
  afterAll(async () => {
    await client.query(`drop schema ${place} cascade`);
    await client.end();
  });

  const open = (options: Record<string, unknown>, address = url, more: Record<string, unknown> = {}): PulledSource => {
    const connection = {
      name: 'erp',
      type: 'postgres',
      options: { url: address, ssl: 'off', connect_timeout_s: 5, ...more },
    };
    const parts = { inspectors: {} as FormatInspectors, connection };
    return component.open(parse(component.schema as never, options), parts) as PulledSource;
  };
  const pull = (source: PulledSource, signal?: AbortSignal) => {
    const { landing, units } = heldLanding();
    const context = pullContext(undefined, signal === undefined ? {} : { signal });
    return source.pull(landing, context).then(
      () => ({ units, error: undefined }),
      (error: unknown) => ({ units, error }),
    );
  };
  const at = (change: (address: URL) => void): string => {
    const address = new URL(url);
    change(address);
    return address.href;
  };

  it('names what is missing or not allowed', async () => {
    const cases = [
      [{ table: 'nowhere.nothing' }, url, 'E_SOURCE_QUERY'],
      [{ query: 'select nothing from (select 1 as a) q' }, url, 'E_SOURCE_QUERY'],
      [{ query: 'drop table x' }, url, 'E_SOURCE_QUERY'],
      [{ query: `select 1 as a); drop table ${place}.many; --` }, url, 'E_SOURCE_QUERY'],
      [
        { query: `select 1 as a) as t; commit; drop table ${place}.many; select * from (select 1 as a` },
        url,
        'E_SOURCE_QUERY',
      ],
      [{ table: `${place}.many`, cursor: { column: 'changed' }, key: 'id' }, url, 'E_SOURCE_CURSOR'],
      [{ table: `${place}.many`, cursor: { column: 'at' } }, url, 'E_SOURCE_CURSOR'], // no primary key
      [{ table: `${place}.many`, cursor: { column: 'at', overlap: 5 }, key: 'id' }, url, 'E_SOURCE_CURSOR'],
      [
        { table: `${place}.many` },
        at((one) => {
          one.pathname = '/nowhere';
        }),
        'E_SOURCE_QUERY',
      ],
      [
        { table: `${place}.many` },
        at((one) => {
          one.port = '9';
        }),
        'E_SOURCE_UNREACHABLE',
      ],
    ] as const;
    for (const [options, address, code] of cases) {
      const { error, units } = await pull(open(options, address));
      expect(error, JSON.stringify(options)).toMatchObject({ code, retryable: code === 'E_SOURCE_UNREACHABLE' });
      expect(units).toEqual([]);
    }
    expect((await client.query(`select count(*)::int as n from ${place}.many`)).rows[0].n).toBe(100_000);
    expect(await open({ table: 'nowhere.nothing' }).probe(pullContext(undefined))).toMatchObject({ ok: false });
    expect((await open({ table: `${place}.many` }).probe(pullContext(undefined))).words).toMatch(
      /can be read, 3 columns/,
    );
  });

  it('says who may not read, and never shows a password', async () => {
    const who = uniqueName('reader');
    await client.query(`create role ${who} login password 'open-sesame-17'`);
    try {
      const address = at((one) => {
        one.username = who;
        one.password = 'open-sesame-17';
      });
      const { error } = await pull(open({ table: `${place}.many` }, address));
      expect(error).toMatchObject({ code: 'E_SOURCE_DENIED', exit_code: 1 });
      expect(JSON.stringify([String(error), { ...(error as object) }])).not.toContain('open-sesame-17');
    } finally {
      await client.query(`drop role ${who}`);
    }
  });

  it('refuses a wrong password, and a certificate that nobody vouches for', async () => {
    const wrong = at((one) => {
      one.password = 'not-this-one';
    });
    expect((await pull(open({ table: `${place}.many` }, wrong))).error).toMatchObject({ code: 'E_SOURCE_DENIED' });
    const encrypted = { query: 'select ssl::text as encrypted from pg_stat_ssl where pid = pg_backend_pid()' };
    const ca_file = settings['DATAFLOW_TEST_POSTGRESQL_CA'];
    const answer = async (more: Record<string, unknown>, address = url) => {
      const { units, error } = await pull(open(encrypted, address, more));
      return units[0]?.bytes.toString() ?? (error as { code?: string }).code;
    };
    expect(await answer({ ssl: 'off' })).toBe('"false"\n');
    expect(await answer({ ssl: 'require' })).toBe('"true"\n');
    expect(await answer({ ssl: 'verify', ca_file })).toBe('"true"\n');
    expect(await answer({ ssl: 'verify' })).toBe('E_SOURCE_UNREACHABLE');
    expect(await answer({}, `${url}?sslmode=require`)).toBe('"true"\n');
    expect(await answer({}, `${url}?sslmode=verify-full`)).toBe('E_SOURCE_UNREACHABLE');
  });

  it('lets no statement change anything', async () => {
    await client.query(
      `create function ${place}.grab() returns int language sql as $$ insert into ${place}.many values (0) returning 1 $$`,
    );
    const { error } = await pull(open({ query: `select ${place}.grab() as n` }));
    expect(error).toMatchObject({ code: 'E_SOURCE_QUERY' });
    expect(String(error)).toContain('read-only');
  });

  it('ends a statement that takes too long, and one that nobody waits for', async () => {
    const slow = { query: 'select 1 as n, pg_sleep(30)::text as s where pg_sleep(30) is not null' };
    const late = await pull(open({ ...slow, statement_timeout_s: 1 }));
    expect(late.error).toMatchObject({ code: 'E_SOURCE_TIMEOUT', exit_code: 5 });
    const abort = new AbortController();
    const begun = Date.now();
    const stopped = pull(
      open({ query: 'select 2 as n, pg_sleep(30)::text as s where pg_sleep(30) is not null' }),
      abort.signal,
    );
    await sleep(700);
    abort.abort();
    expect((await stopped).error).toMatchObject({ code: 'E_INTERRUPTED' });
    expect(Date.now() - begun).toBeLessThan(8000);
    await sleep(200);
    const { rows } = await client.query(
      `select count(*)::int as n from pg_stat_activity where state = 'active' and query like '%select 2 as n, pg_sleep%' and pid <> pg_backend_pid()`,
    );
    expect(rows[0].n).toBe(0);
  });

  it('takes nothing from a connection that breaks in the middle of a COPY, and everything the next time', async () => {
    const server = new URL(url);
    const proxy = await tcpProxy(`${server.hostname}:${server.port}`);
    try {
      const address = at((one) => {
        one.port = String(proxy.port);
      });
      for (const options of [
        { table: `${place}.many`, parallel: 2 },
        { table: `${place}.many`, cursor: { column: 'at', overlap: 0 }, key: 'id' },
      ]) {
        proxy.resetAfter('down', 20_000_000);
        const source = open(options, address);
        const cut = await pull(source);
        expect(cut.error).toMatchObject({ code: 'E_SOURCE_UNREACHABLE', exit_code: 5 });
        const lines = (units: typeof cut.units) =>
          units.flatMap((unit) => unit.bytes.toString().split('\n').slice(0, -1));
        const { landing, units } = heldLanding();
        const kept = source.pulls === 'snapshot' ? [] : lines(cut.units);
        await source.pull(landing, pullContext(kept.length === 0 ? undefined : cut.units.at(-1)?.position));
        expect(new Set([...kept, ...lines(units)]).size).toBe(100_000);
        expect(kept.length + lines(units).length).toBe(100_000);
      }
    } finally {
      await proxy.close();
    }
  });
});
