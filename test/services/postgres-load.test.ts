import pg from 'pg';
import { sinkContract } from '../../src/connectors/testing/sink-contract.ts';
import { describeService, uniqueName } from './service.ts';

describeService('postgresql', ({ url }) => {
  sinkContract('postgres', async () => {
    const schema = uniqueName('sink');
    const password = 'L0ad-sesame-4711';
    const who = uniqueName('loader');
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const { hostname, port, pathname } = new URL(url);
    const database = pathname.slice(1);
    await client.query(
      `create role ${who} login password '${password}'; grant create on database ${database} to ${who}`,
    );
    const connection = {
      type: 'postgres',
      host: hostname,
      port: Number(port),
      database,
      user: who,
      password: '${PGSECRET}',
    };
    return {
      connection,
      load: { schema },
      env: { PGSECRET: password },
      whole_release: true,
      modes: ['upsert', 'append', 'replace'],
      rows: async (table) => {
        const { rows: columns } = await client.query(
          'select column_name as name, data_type as type from information_schema.columns where table_schema = $1 and table_name = $2',
          [schema, table],
        );
        if (columns.length === 0) return undefined;
        const text = ({ name, type }: { readonly name: string; readonly type: string }): string =>
          type.startsWith('timestamp')
            ? `to_char("${name}" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "${name}"`
            : `"${name}"::text`;
        return (await client.query(`select ${columns.map(text).join(', ')} from ${schema}.${table}`)).rows;
      },
      tamper: async (table) => {
        await client.query(
          `with gone as (delete from ${schema}.${table} where id = 1) insert into ${schema}.${table} (id) values (999999); update ${schema}.${table} set name = 'x' where id = 2`,
        );
      },
      drop: async (table) => {
        await client.query(`drop table ${schema}.${table}`);
      },
      reset: async () => {
        await client.query(`drop schema if exists ${schema} cascade`);
      },
      secrets: [password],
      broken: { ...connection, port: 9, connect_timeout_s: 2 },
      close: async () => {
        await client.query(`drop schema if exists ${schema} cascade; drop owned by ${who}; drop role ${who}`);
        await client.end();
      },
    };
  });
});
