import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SourceProject } from '../../src/connectors/testing/source-project.ts';
import { describeService, uniqueName } from './service.ts';

/** Extreme values of each type: SQL of the lake, the type at PostgreSQL, and the text of the value there. */
const TYPES: readonly (readonly [column: string, sql: string, type: string, text: string | null])[] = [
  ['b', 'true', 'boolean', 'true'],
  ['i1', '(-128)::tinyint', 'smallint', '-128'],
  ['u8', '18446744073709551615::ubigint', 'numeric(20,0)', '18446744073709551615'],
  ['i8', '(-9223372036854775808)::bigint', 'bigint', '-9223372036854775808'],
  [
    'huge',
    '12345678901234567890123456789012345678::hugeint',
    'numeric(38,0)',
    '12345678901234567890123456789012345678',
  ],
  [
    'dec',
    "'-9999999999999999999999999999.9999999999'::decimal(38,10)",
    'numeric(38,10)',
    '-9999999999999999999999999999.9999999999',
  ],
  ['f8', '1.7976931348623157e308::double', 'double precision', '1.7976931348623157e+308'],
  ['f8s', '5e-324::double', 'double precision', '5e-324'],
  ['f8n', "'nan'::double", 'double precision', 'NaN'],
  ['f8i', "'-inf'::double", 'double precision', '-Infinity'],
  ['f4', '0.1::float', 'real', '0.1'],
  ['t', "'a\"b,c' || chr(10) || 'd' || chr(13) || chr(9) || ' é 漢 🙂 '", 'text', 'a"b,c\nd\r\t é 漢 🙂 '],
  ['t0', "''", 'text', ''],
  ['tn', "case when random() > 2 then 'x' end", 'text', null],
  ['tb', "'\\N'", 'text', '\\N'],
  ['td', "'\\.' || chr(10) || '\\.'", 'text', '\\.\n\\.'],
  ['tt', "'\\t\\\\'", 'text', '\\t\\\\'],
  ['u', "'6f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0'::uuid", 'uuid', '6f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0'],
  ['d', "'9999-12-31'::date", 'date', '9999-12-31'],
  ['dbc', "'0044-03-15 (BC)'::date", 'date', '0044-03-15 BC'],
  ['ts', "'9999-12-31 23:59:59.999999'::timestamp", 'timestamp without time zone', '9999-12-31 23:59:59.999999'],
  ['tz', "'1969-12-31 23:59:59.999999+00'::timestamptz", 'timestamp with time zone', '1969-12-31 23:59:59.999999+00'],
  ['tzbc', "'0044-03-15 (BC) 10:00:00+00'::timestamptz", 'timestamp with time zone', '0044-03-15 10:00:00+00 BC'],
  ['tm', "'23:59:59.999999'::time", 'time without time zone', '23:59:59.999999'],
  ['by', "'\\xDE\\xAD\\x00'::blob", 'bytea', '\\xdead00'],
  ['l', '[1.10::decimal(20,2), null]', 'jsonb', '[1.10, null]'],
  ['s', `{'a': 1, 'b': 'x"y'}`, 'jsonb', '{"a": 1, "b": "x\\"y"}'],
  ['j', `to_json({'a': 1, 'b': [true, null]})`, 'jsonb', '{"a": 1, "b": [true, null]}'],
  ['Ünï "cödé" x', "'odd'", 'text', 'odd'],
];

describeService('postgresql', ({ url }) => {
  let client: pg.Client;
  let project: SourceProject;
  const schema = uniqueName('tables');

  beforeAll(async () => {
    client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query("set timezone = 'UTC'");
    project = new SourceProject({ source: {} });
    writeFileSync(join(project.root, 's.csv'), 'id,v\n1,10\n2,20\n3,30\n');
  });
  afterAll(async () => {
    project.remove();
    await client.query(`drop schema if exists ${schema} cascade`);
    await client.end();
  });

  const say = (gold: object, load: object = {}): void =>
    project.configure(
      {
        source: { type: 'files', path: 's.csv', settle_seconds: 0, columns: { id: 'bigint', v: 'integer' } },
        connections: { target: { type: 'postgres', url } },
        more: { gold, loads: { out: { connection: 'target', schema, tables: ['gold.*'], ...load } } },
      },
      's',
    );
  const load = async (...flags: readonly string[]) =>
    JSON.parse((await project.ok(['load', '--format', 'json', ...flags])).stdout).loads[0];
  const rows = async (sql: string): Promise<unknown> => (await client.query(sql)).rows;

  it('every type arrives as it is', async () => {
    const list = TYPES.map(([column, sql]) => `${sql} as "${column.replaceAll('"', '""')}"`).join(', ');
    say({ types: { sql: `select 1 as id, ${list}`, key: 'id' } });
    await project.ok(['run']);
    await load();
    const quoted = TYPES.map(([column]) => `"${column.replaceAll('"', '""')}"::text`).join(', ');
    expect(await rows(`select ${quoted} from ${schema}.types`)).toEqual([
      Object.fromEntries(TYPES.map(([column, , , text]) => [column, text])),
    ]);
    const types = (
      await client.query(
        `select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute where attrelid = '${schema}.types'::regclass and attnum > 1`,
      )
    ).rows;
    expect(types).toEqual(TYPES.map(([column, , type]) => ({ name: column, type })));
  });

  it('tables grow wider, get indexes, comments and views; nothing is dropped without being asked', async () => {
    say({ t: { sql: 'select id, v from bronze.s', key: 'id' } });
    await project.ok(['run']);
    await load();
    say(
      {
        t: {
          sql: "select id, v::bigint * 1000000000000 as v, 'n' || id as name from bronze.s",
          key: 'id',
          description: "It's t.",
        },
      },
      { overrides: { 'gold.t': { indexes: ['name'] } }, views: { v_sum: `select sum(v) as v from ${schema}.t` } },
    );
    await project.ok(['run']);
    const planned = await load('--dry-run');
    const statements = [
      `alter table "${schema}"."t" alter column "v" type bigint`,
      `alter table "${schema}"."t" add column "name" text`,
      `create index on "${schema}"."t" ("name")`,
      `comment on table "${schema}"."t" is 'It''s t.'`,
    ];
    expect(planned.tables[0].statements).toEqual(statements);
    expect(planned.view_statements).toEqual([expect.stringContaining(`create view "${schema}"."v_sum"`)]);
    expect(await rows(`select sum(v)::int as v from ${schema}.t`)).toEqual([{ v: 60 }]);
    await load();
    expect(await rows(`select v::text from ${schema}.v_sum`)).toEqual([{ v: '60000000000000' }]);
    expect(await rows(`select name from ${schema}.t order by id`)).toEqual([
      { name: 'n1' },
      { name: 'n2' },
      { name: 'n3' },
    ]);
    expect((await load()).status).toBe('up_to_date');

    say({ t: { sql: "select id, 'text' as v from bronze.s", key: 'id' } });
    await project.ok(['run']);
    const refused = await project.run(['load']);
    expect([refused.status, refused.stderr]).toEqual([
      1,
      expect.stringContaining('column v is bigint there, and would have to be text'),
    ]);
    const kept = await project.run(['load', '--full-refresh']);
    // The view stands in the way, and it is not dropped behind anybody's back.
    expect([kept.status, kept.stderr]).toEqual([1, expect.stringContaining('v_sum')]);
    await client.query(`drop view ${schema}.v_sum`);
    await load('--full-refresh');
    expect(await rows(`select distinct v from ${schema}.t`)).toEqual([{ v: 'text' }]);
  });

  it('a column that went and comes back holds what the lake says, not what it held before', async () => {
    const t = (more: string): object => ({ back: { sql: `select id, v${more} from bronze.s`, key: 'id' } });
    for (const more of [", 'x' as more", '', ", case when id = 1 then 'y' end as more"]) {
      say(t(more), { tables: ['gold.back'] });
      await project.ok(['run']);
      await load();
    }
    expect(await rows(`select id::int, more from ${schema}.back order by id`)).toEqual([
      { id: 1, more: 'y' },
      { id: 2, more: null },
      { id: 3, more: null },
    ]);
  });

  it('what others wrote to a large table is found under the lock, where it is looked at for the first time', async () => {
    const publish = async (more: number): Promise<void> => {
      say(
        { large: { sql: `select id, v + ${more} as v, 'x' as text from bronze.s`, key: 'id' } },
        { tables: ['gold.large'] },
      );
      await project.ok(['run']);
    };
    await publish(0);
    await load();
    // Rows that were rolled back take up room, and nothing else.
    await client.query(
      `begin; insert into ${schema}.large select 1000 + i, 1, repeat('x', 1900) from generate_series(1, 20000) i; rollback`,
    );
    await publish(1);
    expect(await load()).toMatchObject({ attempts: 1, updates: 3 });
    await publish(2);
    await client.query(`update ${schema}.large set v = 0 where id = 1`);
    const refused = await project.run(['load']);
    const words = 'large was changed by somebody else: rows were updated';
    expect([refused.status, refused.stderr.replaceAll(/\s+/g, ' ')]).toEqual([1, expect.stringContaining(words)]);
    expect(await rows(`select v from ${schema}.large order by id`)).toEqual([{ v: 0 }, { v: 21 }, { v: 31 }]);
  });

  it('a table of others is left alone; tables one by one', async () => {
    await client.query(`create table ${schema}.foreign_one (id bigint); insert into ${schema}.foreign_one values (7)`);
    say(
      {
        t: { sql: "select id, 'text' as v from bronze.s", key: 'id' },
        foreign_one: { sql: 'select id from bronze.s', key: 'id' },
      },
      { transaction: 'per_table' },
    );
    await project.ok(['run']);
    const refused = await project.run(['load']);
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('foreign_one is there already')]);
    expect(await rows(`select id::int from ${schema}.foreign_one`)).toEqual([{ id: 7 }]);
    await client.query(`delete from ${schema}.foreign_one`);
    await load();
    expect(await rows(`select count(*)::int as n from ${schema}.foreign_one`)).toEqual([{ n: 3 }]);
    const held = await rows(
      `select count(distinct release_id)::int as n from ${schema}._dataflow_loads where table_name in ('t', 'foreign_one')`,
    );
    expect(held).toEqual([{ n: 1 }]);
  });
});
