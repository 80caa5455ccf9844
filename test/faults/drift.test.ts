import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, describe, expect, it } from 'vitest';
import { PYTHON } from '../soak/lake-reader.ts';
import { shareWork } from '../support/asker.ts';
import { expectDone, newPlace, type Place, type Row } from '../support/fault-project.ts';

shareWork();

/** Case 31 through the binary: what becomes of columns that change, by format and by what `schema_change` says. */
let places: Place[] = [];
afterEach(() => {
  for (const place of places) place.remove();
  places = [];
});

function project(options: string, more = ''): Place {
  const place = newPlace(`sources:\n  t: { type: files, path: "in/*", settle_seconds: 0${options} }\n${more}`);
  places.push(place);
  return place;
}

const DECLARED = ', columns: { id: bigint, v: varchar }';
const READERS = `silver:\n  s: { from: t, select: { v: "upper(v)" } }\ngold:\n  g: { sql: "select id from silver.s" }\n`;

interface Drift {
  readonly what: string;
  readonly action: string;
  readonly [name: string]: unknown;
}

/** Newest first. */
function drift(place: Place): readonly Drift[] {
  const outcome = place.dataflow(['status', '--drift', '--format', 'json']);
  expect(outcome, outcome.stderr).toMatchObject({ status: 0 });
  return JSON.parse(outcome.stdout) as Drift[];
}

async function parquet(place: Place, name: string, sql: string): Promise<void> {
  place.put({ [name]: '' });
  const db = await (await DuckDBInstance.create(':memory:')).connect();
  await db.run(`copy (${sql}) to '${join(place.folder, name)}' (format parquet)`);
  db.closeSync();
}

const rows = (place: Place, sql = 'select id, v from bronze.t order by id'): readonly Row[] => place.query(sql);

describe.each([
  ['ndjson', '{"id":1,"v":"x"}\n', '{"id":2,"v":"y","w":7}\n{"id":3,"v":"z"}\n{"id":4,"v":"u","w":null}\n'],
  ['json', '[{"id":1,"v":"x"}]', '[{"id":2,"v":"y","w":7},{"id":3,"v":"z"},{"id":4,"v":"u","w":null}]'],
  ['csv', 'id,v\n1,x\n', 'id,w,v\n2,7,y\n3,,z\n4,,u\n'],
])('case 31: a column more, %s', (ending, first, second) => {
  const carried = ending === 'csv' ? 3 : 2;
  it.each([
    ['freeze', [1], 'file_quarantined', 4],
    ['evolve', [1, 2, 3, 4], 'added', 0],
    ['discard_row', [1, 3, 4], 'rows_quarantined', 0],
    ['discard_value', [1, 2, 3, 4], 'left_out', 0],
  ])('%s', (mode, ids, action, status) => {
    const place = project(`${DECLARED}, schema_change: ${mode}`, READERS);
    place.put({ [`in/a.${ending}`]: first });
    expectDone(place.dataflow(['run']));
    place.put({ [`in/b.${ending}`]: second });
    const planned = place.dataflow(['plan']);
    expect(planned.stdout.replace(/\s+/g, ' ')).toMatch(/column w .*read by silver\.s, gold\.g/);
    expect(place.dataflow(['plan']).stdout).toBe(planned.stdout);
    const again = place.dataflow(['run']);
    expect(again.status, again.stderr).toBe(status);
    expect(again.stderr).toMatch(/column w .*read by silver\.s, gold\.g/);
    expect(rows(place).map((row) => row['id'])).toEqual(ids);
    expect(drift(place)).toMatchObject([
      {
        source: 't',
        what: 'column_added',
        column: 'w',
        action,
        file: `in/b.${ending}`,
        rows: carried,
        affected: ['silver.s', 'gold.g'],
      },
    ]);
    if (mode === 'evolve') expect(rows(place, 'select w from bronze.t where id = 2')).toEqual([{ w: 7 }]);
    if (mode === 'discard_row')
      expect(rows(place, 'select line, column_name, reason, raw from quarantine.bronze_t')).toMatchObject([
        {
          line: ending === 'csv' ? 2 : 1,
          column_name: 'w',
          reason: expect.stringContaining('not declared'),
          raw: expect.stringContaining('7'),
        },
      ]);
  });
});

describe('case 31: columns that go, change places or names', () => {
  it.each([
    ['freeze', 1],
    ['discard_row', 1],
    ['discard_value', 2],
    ['evolve', 2],
  ])('parquet, %s: a column more, and then one that is missing', async (mode, expected) => {
    const place = project(`${DECLARED}, schema_change: ${mode}`);
    await parquet(place, 'in/a.parquet', "select 1::bigint as id, 'x' as v");
    expectDone(place.dataflow(['run']));
    await parquet(place, 'in/b.parquet', "select 7 as w, 'y' as v, 2::bigint as id");
    expect(place.dataflow(['run']).status).toBe(mode === 'freeze' ? 4 : 0);
    expect(rows(place)).toHaveLength(expected);
    await parquet(
      place,
      'in/c.parquet',
      mode === 'evolve' ? 'select 3::bigint as id, 1 as w' : 'select 3::bigint as id',
    );
    expect(place.dataflow(['run']).status).toBe(4);
    expect(drift(place)[0]).toMatchObject({ what: 'column_removed', column: 'v', action: 'file_quarantined' });
  });

  it('a name that changed is told as such, and what is behind it is refused or kept beside it', () => {
    const frozen = project(DECLARED);
    frozen.put({ 'in/a.csv': 'id,v\n1,x\n' });
    expectDone(frozen.dataflow(['run']));
    frozen.put({ 'in/b.csv': 'id,value\n2,y\n' });
    const refused = frozen.dataflow(['run']);
    expect([refused.status, refused.stderr]).toEqual([
      4,
      expect.stringMatching(/v is missing in in\/b\.csv, which has value instead/),
    ]);
    expect(drift(frozen)).toMatchObject([
      { what: 'column_renamed', from: 'v', to: 'value', action: 'file_quarantined' },
    ]);
    const evolving = project(', schema_change: evolve');
    evolving.put({ 'in/a.csv': 'id,v\n1,x\n' });
    expectDone(evolving.dataflow(['run']));
    evolving.put({ 'in/b.csv': 'id,value\n2,y\n' });
    expect(evolving.dataflow(['run']).status).toBe(0);
    expect(rows(evolving, 'select id, v, value from bronze.t order by id')).toEqual([
      { id: 1, v: 'x', value: null },
      { id: 2, v: null, value: 'y' },
    ]);
    expect(drift(evolving).map((event) => [event.what, event.action])).toEqual([
      ['column_added', 'added'],
      ['column_renamed', 'reads_null'],
    ]);
  });

  it('another order is read by name and only recorded', () => {
    const place = project(DECLARED);
    place.put({ 'in/a.csv': 'id,v\n1,x\n' });
    expectDone(place.dataflow(['run']));
    place.put({ 'in/b.csv': 'v,id\ny,2\n' });
    expect(place.dataflow(['run']).stderr).not.toMatch(/order/);
    expect(rows(place)).toEqual([
      { id: 1, v: 'x' },
      { id: 2, v: 'y' },
    ]);
    expect(drift(place)).toMatchObject([{ what: 'columns_reordered', to: 'v, id', action: 'by_name' }]);
  });
});

/** The widened table and the version before it, as delta-rs and Polars read them. */
function readByOthers(place: Place): void {
  if (PYTHON === undefined) {
    console.log('skipped reading by delta-rs and Polars: DATAFLOW_PYTHON is not set');
    return;
  }
  const read = spawnSync(PYTHON, [resolve('test/oracle/read_versions.py'), join(place.folder, 'lake/bronze/t')], {
    encoding: 'utf8',
  });
  expect(read.status, read.stderr).toBe(0);
  const old = { id: ['int32', [0, 1, 2, 3, 4]], v: ['decimal(6, 2)', ['0.00', '1.25', '2.50', '3.75', '5.00']] };
  const now = {
    id: ['int64', [0, 1, 2, 3, 4, 3000000000]],
    v: ['decimal(8, 3)', ['0.000', '1.250', '2.500', '3.750', '5.000', '12345.678']],
  };
  for (const reader of ['deltalake', 'polars'])
    expect(JSON.parse(read.stdout)[reader], reader).toEqual({ 0: old, 1: now });
}

describe('case 31: types', () => {
  it('evolve widens an inferred column; history and every row keep their values and their order', async () => {
    const place = project(', schema_change: evolve', 'silver:\n  s: { from: t, key: id }\n');
    await parquet(place, 'in/a.parquet', 'select i::integer as id, (i * 1.25)::decimal(6,2) as v from range(5) t(i)');
    expectDone(place.dataflow(['run']));
    await parquet(place, 'in/b.parquet', 'select 3000000000::bigint as id, 12345.678::decimal(8,3) as v');
    const told = place.dataflow(['run']);
    expect([told.status, told.stderr]).toEqual([
      0,
      expect.stringMatching(/column id is bigint in in\/b\.parquet, wider than integer/),
    ]);
    expect(rows(place, 'select typeof(id) as i, typeof(v) as v from bronze.t limit 1')).toEqual([
      { i: 'BIGINT', v: 'DECIMAL(8,3)' },
    ]);
    expect(rows(place, 'select id, cast(v as varchar) as v from bronze.t')).toEqual([
      { id: 0, v: '0.000' },
      { id: 1, v: '1.250' },
      { id: 2, v: '2.500' },
      { id: 3, v: '3.750' },
      { id: 4, v: '5.000' },
      { id: 3000000000, v: '12345.678' },
    ]);
    const before = place.dataflow([
      ...['query', '--as-of', '0', '--format', 'json'],
      'select count(*) as n, max(typeof(id)) as i, cast(max(v) as varchar) as v from bronze.t',
    ]);
    expect(before, before.stderr).toMatchObject({ status: 0 });
    expect(JSON.parse(before.stdout)).toEqual([{ n: 5, i: 'INTEGER', v: '5.00' }]);
    readByOthers(place);
    expect(place.status().get('silver.s')).toMatchObject({ status: 'succeeded', rows_out: 6 });
    expect(drift(place).map((event) => [event.what, event['from'], event['to'], event.action])).toEqual([
      ['type_widened', 'decimal(6,2)', 'decimal(8,3)', 'widened'],
      ['type_widened', 'integer', 'bigint', 'widened'],
    ]);
    await parquet(place, 'in/c.parquet', 'select 7::smallint as id, 1.5::decimal(4,1) as v');
    expectDone(place.dataflow(['run']));
    expect(drift(place)[0]).toMatchObject({ what: 'type_narrowed', action: 'cast' });
    expect(place.dataflow(['run']).stdout + place.dataflow(['run']).stderr).toMatch(/nothing to do/);
  });

  it('without evolve, and for declared columns, values are cast and those that would change are quarantined', async () => {
    const place = project(', columns: { id: integer, v: "decimal(6,2)" }, schema_change: evolve');
    await parquet(
      place,
      'in/a.parquet',
      'select 3000000000::bigint as id, 1.25 as v union all select 5, 2.50 union all select 6, 2.125',
    );
    expect(place.dataflow(['run']).status).toBe(0);
    expect(rows(place, 'select id, cast(v as varchar) as v from bronze.t')).toEqual([{ id: 5, v: '2.50' }]);
    expect(rows(place, 'select line, column_name from quarantine.bronze_t order by line')).toEqual([
      { line: 1, column_name: 'id' },
      { line: 3, column_name: 'v' },
    ]);
    expect(drift(place).every((event) => event.action === 'cast')).toBe(true);
  });

  it('csv: an inferred column of whole numbers takes fractions and larger numbers under evolve', () => {
    const place = project(', schema_change: evolve');
    place.put({ 'in/a.csv': 'id,v\n1,5\n2,6\n' });
    expectDone(place.dataflow(['run']));
    place.put({ 'in/b.csv': 'id,v\n3,7.5\n' });
    const told = place.dataflow(['run']);
    expect(told.status, told.stderr).toBe(0);
    expect(rows(place, 'select count(*) as n from bronze.t')).toEqual([{ n: 2 }]);
    expect(rows(place, 'select line, column_name from quarantine.bronze_t')).toEqual([{ line: 2, column_name: 'v' }]);
    expect(drift(place)).toMatchObject([
      { what: 'type_changed', column: 'v', from: 'bigint', to: 'double', action: 'cast', file: 'in/b.csv' },
    ]);
    expect(told.stderr).toContain('column v is double in in/b.csv, not bigint');
  });

  it.each([
    ['csv', 'id,v\n1,5\n', 'id,v\n2,99999999999999999999\n3,7.5\n4,x\n5,8\n'],
    [
      'ndjson',
      '{"id":1,"v":5}\n',
      '{"id":2,"v":99999999999999999999}\n{"id":3,"v":7.5}\n{"id":4,"v":"x"}\n{"id":5,"v":8}\n',
    ],
  ])(
    '%s: what an inferred bigint cannot hold is quarantined, and the reason says what to do',
    (format, first, second) => {
      const place = project(', schema_change: evolve');
      place.put({ [`in/a.${format}`]: first });
      expectDone(place.dataflow(['run']));
      place.put({ [`in/b.${format}`]: second });
      expectDone(place.dataflow(['run']));
      expect(rows(place, 'select id, v from bronze.t')).toEqual([
        { id: 1, v: 5 },
        { id: 5, v: 8 },
      ]);
      const hint = ' (the type was inferred; declare another under columns)';
      const reasons = rows(place, 'select reason from quarantine.bronze_t order by line').map((row) => row['reason']);
      expect(reasons).toEqual([
        `v: 99999999999999999999 does not fit into bigint unchanged${hint}`,
        `v: 7.5 does not fit into bigint unchanged${hint}`,
        `v is no bigint: x${hint}`,
      ]);
    },
  );
});

it('case 31: a refused file that is sent again under evolve leaves its event behind', () => {
  const place = project(`, schema_change: freeze${DECLARED}`);
  place.put({ 'in/a.csv': 'id,v\n1,x\n' });
  expectDone(place.dataflow(['run']));
  place.put({ 'in/b.csv': 'id,v,w\n2,y,7\n' });
  expect(place.dataflow(['run']).status).toBe(4);
  spawnSync('sed', ['-i', 's/schema_change: freeze/schema_change: evolve/', join(place.folder, 'pipelines.yaml')]);
  expectDone(place.dataflow(['quarantine', 'replay', 'bronze.t', '--rule', 'extra_columns']));
  expect(rows(place, 'select id, w from bronze.t order by id')).toEqual([
    { id: 1, w: null },
    { id: 2, w: 7 },
  ]);
  expect(drift(place)[0]).toMatchObject({ what: 'column_added', column: 'w', action: 'added', file: 'in/b.csv' });
});
