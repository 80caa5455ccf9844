import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Column } from '../src/core/model/table.ts';
import { DOUBLE_TOLERANCE } from '../src/core/planning/parity.ts';
import type { Engine, EngineSession } from '../src/core/ports/engine.ts';
import { rooms } from '../src/main.ts';
import { type BareRows, compareRows, type Side } from '../src/medallion/parity/compare-rows.ts';

const folder = mkdtempSync(join(tmpdir(), 'dataflow-parity-'));
let engine: Engine;
let session: EngineSession;
let sides = 0;

beforeAll(async () => {
  engine = await rooms.openBareEngine({ type: 'duckdb' }, folder);
  session = await engine.openSession({ label: 'parity' });
});
afterAll(async () => {
  await session?.close();
  await engine?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A side with the rows of a query, as an engine would have written it. */
async function side(sql: string): Promise<Side> {
  const columns: readonly Column[] = (await session.describe(sql)).map(({ name, type }) => ({
    name,
    type,
    nullable: true,
  }));
  const into = join(folder, `side${++sides}`);
  mkdirSync(into);
  return { columns, files: await session.write(sql, { folder: into, columns }) };
}

async function compared(here: string, there: string, key: readonly string[] = []): Promise<BareRows> {
  return compareRows(session, { here: await side(here), there: await side(there) }, key, 2);
}

const SAME = { only_here: 0, only_there: 0, changed: 0, nearly: 0 };

/** Values of a type, and a text that makes a value of it that is another one. */
const VALUES: Readonly<Record<string, readonly [same: readonly string[], other: string]>> = {
  bigint: [['9007199254740993', 'null'], '9007199254740992'],
  'decimal(38,10)': [['1234567890123456789012345678.0123456789'], '1234567890123456789012345678.0123456788'],
  varchar: [['chr(233)', "''"], "'e' || chr(769)"],
  timestamptz: [["'2026-01-01 00:00:00.000001+00'"], "'2026-01-01 00:00:00+00'"],
  date: [["'0001-01-01'"], "'0001-01-02'"],
  blob: [["'\\x00a'"], "'\\x00b'"],
  boolean: [['true'], 'false'],
  double: [["'nan'", "'-0'", "'inf'", '1.7976931348623157e308', '5e-324'], "'-inf'"],
  float: [["'nan'", "'-inf'", '1e38'], '1.1e38'],
  'double[]': [["[1.5, null, 'nan'::double]", '[]', 'null'], '[1.5, null, 2]'],
  'struct(a double, b varchar[])': [
    ["{'a': 'nan', 'b': ['x', null]}", "{'a': null, 'b': null}"],
    "{'a': 1, 'b': ['x', null]}",
  ],
  'map(varchar, double)': [["map {'k': 1.5, 'l': 'nan'::double}"], "map {'k': 1.5, 'l': 2}"],
  'map(varchar, integer)': [["map {'k': 1}"], "map {'k': 2}"],
  'struct(x struct(y double[])[])[]': [["[{'x': [{'y': [1.0]}]}]", 'null'], "[{'x': [{'y': [1.0, 2.0]}]}]"],
};

describe('rows of two sides', () => {
  it.each(Object.entries(VALUES))('of type %s are themselves and nothing else', async (type, [values, other]) => {
    const rows = (list: readonly string[]): string =>
      list.map((value, id) => `select ${id} as id, cast(${value} as ${type}) as v`).join(' union all ');
    const same = await compared(rows(values), rows([...values]), ['id']);
    expect(same.rows).toEqual({ here: values.length, there: values.length, ...SAME });
    const changed = await compared(rows(values), rows([other, ...values.slice(1)]), ['id']);
    expect(changed.rows).toEqual({ here: values.length, there: values.length, ...SAME, changed: 1 });
    expect(changed.examples).toMatchObject([{ kind: 'changed', row: { id: '0' }, differs: [{ column: 'v' }] }]);
    const unkeyed = await compared(rows(values), rows([other, ...values.slice(1)]));
    expect(unkeyed.rows.changed + unkeyed.rows.only_here).toBe(1);
    expect(unkeyed.rows.only_here).toBe(unkeyed.rows.only_there);
  });

  it('count as often as they come, also where they are alike', async () => {
    const found = await compared(
      "select * from (values ('a'), ('a'), ('a'), (null), (null)) as t(x)",
      "select * from (values ('a'), (null), (null), (null), ('b')) as t(x)",
    );
    expect(found.rows).toEqual({ here: 5, there: 5, ...SAME, only_here: 2, only_there: 2 });
    expect(found.examples.map(({ kind, row }) => [kind, row['x']])).toEqual([
      ['only_here', 'a'],
      ['only_here', 'a'],
      ['only_there', 'b'],
      ['only_there', null],
    ]);
  });

  it('of a key that comes twice are taken in the order of their values', async () => {
    const found = await compared(
      "select * from (values (1, 'a'), (1, 'b'), (null, 'c')) as t(k, v)",
      "select * from (values (1, 'b'), (1, 'z'), (null, 'c'), (1, 'zz')) as t(k, v)",
      ['k'],
    );
    expect(found.rows).toEqual({ here: 3, there: 4, ...SAME, changed: 1, only_there: 1 });
  });

  it('whose doubles differ in their last digits are nearly the same, those that differ in more are not', async () => {
    const rows = (...values: readonly string[]): string =>
      values
        .map((value, id) => `select ${id} as id, cast(${value} as double) as d, [cast(${value} as double)] as l`)
        .join(' union all ');
    const found = await compared(
      rows('0.1::double + 0.2', '1e300', '1', '0'),
      rows('0.3', '1e300', '1.00000000001', '1e-300'),
    );
    expect(found.rows).toEqual({ here: 4, there: 4, ...SAME, changed: 2, nearly: 1 });
    expect(found.examples.map(({ row, differs }) => [row['id'], differs.map(({ column }) => column)])).toEqual([
      ['2', ['d', 'l']],
      ['3', ['d', 'l']],
    ]);
  });

  it('of columns that differ are compared by the others', async () => {
    const found = await compared("select 1 as id, 2 as a, 'x' as b", "select 1 as id, 2.5 as a, 'y' as b", ['id']);
    expect(found.columns).toEqual([{ column: 'a', here: 'integer', there: 'decimal(2,1)' }]);
    expect(found.rows).toEqual({ here: 1, there: 1, ...SAME, changed: 1 });
    expect((await compared('select 1 as a', 'select 1 as b')).rows).toEqual({ here: 1, there: 1, ...SAME });
  });

  const number = fc.oneof(
    fc.double({ noDefaultInfinity: false }),
    fc.constantFrom(0, -0, 1, 1 + 1e-13, 1 + 1e-11, Number.NaN, Number.POSITIVE_INFINITY, 1e308, -1e308),
  );
  const cell = fc.record({ s: fc.constantFrom('a', 'b', '', null), d: fc.option(number) });
  const table = fc.dictionary(fc.constantFrom('1', '2', '3', '4', '5', '6'), cell);

  it('are counted as a plain comparison key by key counts them', async () => {
    await fc.assert(
      fc.asyncProperty(table, table, async (here, there) => {
        const found = await compared(rowsOf(here), rowsOf(there), ['k']);
        const wanted = { here: Object.keys(here).length, there: Object.keys(there).length, ...SAME };
        for (const key of new Set([...Object.keys(here), ...Object.keys(there)])) {
          const kind = kindOf(here[key], there[key]);
          if (kind !== undefined) wanted[kind] += 1;
        }
        expect(found.rows).toEqual(wanted);
        // Without a key nothing gets lost or comes twice, and what is equal by key is equal.
        const { rows } = await compared(rowsOf(here), rowsOf(there));
        expect(rows.here - rows.only_here).toBe(rows.there - rows.only_there);
        if (wanted.only_here + wanted.only_there + wanted.changed === 0)
          expect(rows).toMatchObject({ only_here: 0, only_there: 0, changed: 0 });
      }),
      { numRuns: 15 },
    );
  }, 60_000);
});

type Cell = { readonly s: string | null; readonly d: number | null };

function rowsOf(table: Readonly<Record<string, Cell>>): string {
  const types = (sql: string): string =>
    `select cast(k as integer) as k, cast(s as varchar) as s, cast(d as double) as d from (${sql})`;
  const rows = Object.entries(table).map(
    ([k, { s, d }]) =>
      `select ${k} as k, ${s === null ? 'null' : `'${s}'`} as s, ${d === null ? 'null' : `'${Object.is(d, -0) ? '-0' : d}'`} as d`,
  );
  return types(rows.length === 0 ? 'select null as k, null as s, null as d where false' : rows.join(' union all '));
}

function kindOf(here: Cell | undefined, there: Cell | undefined): keyof typeof SAME | undefined {
  if (here === undefined) return 'only_there';
  if (there === undefined) return 'only_here';
  if (here.s !== there.s) return 'changed';
  const [a, b] = [here.d, there.d];
  if (a === null || b === null) return a === b ? undefined : 'changed';
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return undefined;
  if (!Number.isFinite(a) || !Number.isFinite(b)) return 'changed';
  return Math.abs(a / 2 - b / 2) <= DOUBLE_TOLERANCE * (Math.max(Math.abs(a), Math.abs(b)) / 2) ? 'nearly' : 'changed';
}
