import pg from 'pg';
import { sourceContract } from '../../src/connectors/testing/source-contract.ts';
import { describeService, uniqueName } from './service.ts';

/** Extreme values of each type: what stands in SQL, and what the lake has. */
const TYPES: readonly (readonly [column: string, type: string, sql: string, expected: unknown])[] = [
  ['b', 'bool', 'true', true],
  ['i2', 'int2', '-32768', -32768],
  ['i4', 'int4', '2147483647', 2147483647],
  ['i8', 'int8', '9223372036854775807', '9223372036854775807'],
  ['n', 'numeric', '123456789012345678901234567890.1234567890', '123456789012345678901234567890.1234567890'],
  ['n2', 'numeric(12,2)', '9999999999.99', '9999999999.99'],
  ['nneg', 'numeric(5,-2)', '12345', '12300'],
  ['nmax', 'numeric(38,10)', "'-9999999999999999999999999999.9999999999'", '-9999999999999999999999999999.9999999999'],
  [
    'nbig',
    'numeric(50,4)',
    '12345678901234567890123456789012345678901234.5678',
    '12345678901234567890123456789012345678901234.5678',
  ],
  ['p', 'price', '1.10', '1.10'],
  ['f8', 'float8', '1.7976931348623157e308', 1.7976931348623157e308],
  ['f8s', 'float8', '5e-324', 5e-324],
  ['t', 'text', `E'a"b,c\\nd\\r\\n é\\t '`, 'a"b,c\nd\r\n é\t '],
  ['t0', 'text', "''", ''],
  ['tn', 'text', 'null', null],
  ['tb', 'text', `E'\\\\N'`, '\\N'],
  ['td', 'text', `E'\\\\.'`, '\\.'],
  ['v', 'varchar(5)', "'NULL'", 'NULL'],
  ['c', 'char(5)', "'ab'", 'ab   '],
  ['u', 'uuid', "'6f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0'", '6f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0'],
  ['j', 'json', `'{"a": 1.10, "a": 2}'`, '{"a": 1.10, "a": 2}'],
  ['jb', 'jsonb', `'{"b":[1,null,12345678901234567890.10]}'`, '{"b": [1, null, 12345678901234567890.10]}'],
  ['d', 'date', "'9999-12-31'", '9999-12-31'],
  ['d0', 'date', "'0001-01-01'", '0001-01-01'],
  ['ts', 'timestamp', "'9999-12-31 23:59:59.999999'", '9999-12-31T23:59:59.999999'],
  ['ts0', 'timestamp', "'1969-12-31 23:59:59.999999'", '1969-12-31T23:59:59.999999'],
  ['tz', 'timestamptz', "'2026-01-01 00:00:00.123456+02'", '2025-12-31T22:00:00.123456Z'],
  ['tm', 'time', "'24:00:00'", '24:00:00'],
  ['ttz', 'timetz', "'12:00:00+05:30'", '12:00:00+05:30'],
  ['iv', 'interval', "'1 year 2 days 03:04:05.678'", 'P1Y2DT3H4M5.678S'],
  ['by', 'bytea', "'\\xdeadbeef00'", '\\xDE\\xAD\\xBE\\xEF\\x00'],
  ['by0', 'bytea', "''", ''],
  ['m', 'mood', "'ok'", 'ok'],
  ['ia', 'int[]', "'{1,NULL,3}'", '[1,null,3]'],
  ['na', 'numeric[]', "'{1.10,12345678901234567890.5}'", '[1.10,12345678901234567890.5]'],
  ['ta', 'text[]', `ARRAY['a"b','',NULL]`, '["a\\"b","",null]'],
  ['row', 'pair', `row(1,'x')`, '{"a":1,"b":"x"}'],
  ['bits', 'bit(3)', "'101'", '101'],
  ['ip', 'inet', "'10.0.0.1/8'", '10.0.0.1/8'],
  ['rng', 'int4range', "'[1,5)'", '[1,5)'],
];

/** Values that the lake has no place for: each puts its row into quarantine. */
const REFUSED = [
  ['ts', "'infinity'"],
  ['ts', "'0044-03-15 10:00:00 BC'"],
  ['ts', "'294276-12-31 23:59:59.999999'"],
  ['tz', "'-infinity'"],
  ['d', "'infinity'"],
  ['d', "'4713-01-01 BC'"],
  ['n2', "'NaN'"],
] as const;

describeService('postgresql', ({ url }) => {
  for (const way of ['cursor', 'snapshot'] as const)
    sourceContract(`postgres by ${way}`, async () => {
      const place = uniqueName('contract');
      const who = uniqueName('reader');
      const password = 'Cl0sed-sesame-4711';
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      const columns = TYPES.map(([column, type]) => `${column} ${type}`).join(', ');
      await client.query(`create schema ${place}; set search_path to ${place};
        create type mood as enum ('sad', 'ok'); create domain price as numeric(12,2); create type pair as (a int, b text);
        create table t (id bigserial primary key, ${columns}, updated_at timestamptz not null default clock_timestamp());
        insert into t (${TYPES.map(([column]) => column).join(', ')}) values (${TYPES.map(([, , sql]) => sql).join(', ')});
        ${REFUSED.map(([column, sql]) => `insert into t (${column}) values (${sql});`).join('\n')}
        insert into t (t) select 'row ' || i from generate_series(1, 300) i;
        create table large as select i as id, repeat(md5(i::text), 10) as text from generate_series(1, 400000) i;
        create role ${who} login password '${password}'; grant usage on schema ${place} to ${who}; grant select on all tables in schema ${place} to ${who}`);
      const { hostname, port, pathname } = new URL(url);
      const connection = {
        type: 'postgres',
        host: hostname,
        port: Number(port),
        database: pathname.slice(1),
        user: who,
        password: '${PGSECRET}',
      };
      const source = { type: 'postgres', connection: 'erp', table: `${place}.t`, batch: { records: 90 } };
      return {
        source: way === 'cursor' ? { ...source, cursor: { column: 'updated_at', overlap: '5m' } } : source,
        connections: { erp: connection },
        env: { PGSECRET: password },
        key: 'id',
        records: async () => Number((await client.query('select count(*) as n from t')).rows[0].n),
        add: async (records) => {
          await client.query(`insert into t (t) select 'more ' || i from generate_series(1, ${records}) i`);
        },
        types: {
          sql: `select ${TYPES.map(([column]) => `"${column}"`).join(', ')} from bronze.s where id = 1`,
          expected: [Object.fromEntries(TYPES.map(([column, , , expected]) => [column, expected]))],
        },
        secrets: [password],
        broken: { source, connections: { erp: { ...connection, port: 9, connect_timeout_s: 2 } } },
        large: {
          source: { type: 'postgres', connection: 'erp', table: `${place}.large` },
          memory_bytes_max: 900_000_000,
        },
        close: async () => {
          await client.query(`drop schema ${place} cascade; drop role ${who}`);
          await client.end();
        },
      };
    });
});
