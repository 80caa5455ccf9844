import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { safeParse } from 'zod/v4/core';
import type { CheckComponent, CheckContext } from '../core/ports/rule.ts';
import { quoteIdent } from '../kit/sql.ts';
import { component as acceptedValues } from './accepted_values.ts';
import { component as between } from './between.ts';
import { component as expr } from './expr.ts';
import { component as freshness } from './freshness.ts';
import { component as length } from './length.ts';
import { component as matches } from './matches.ts';
import { component as notFuture } from './not_future.ts';
import { component as notNull } from './not_null.ts';
import { component as references } from './references.ts';
import { component as rowCount } from './row_count.ts';
import { component as sql } from './sql.ts';
import { component as unique } from './unique.ts';

let instance: DuckDBInstance;
let db: DuckDBConnection;

beforeAll(async () => {
  instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  db = await instance.connect();
  await db.run('create schema silver');
  await db.run("create table silver.clients as select * from (values ('a'), ('o''b'), (null)) t(\"the id\")");
});
afterAll(() => {
  db.closeSync();
  instance.closeSync();
});

const NOW = '2026-11-21T06:30:00.000Z';
/** A column name that breaks careless SQL. */
const EVIL = 'x" or 1=1; drop table this; --\'';

async function rowsOf(query: string): Promise<readonly unknown[][]> {
  return (await db.runAndReadAll(query)).getRowsJson() as unknown[][];
}

/** Makes `this` with one column of the given type, filled with SQL values and numbered. */
async function table(type: string, values: readonly string[], column = 'c'): Promise<void> {
  await db.run(`create or replace table this (n integer, ${quoteIdent(column)} ${type})`);
  for (const [i, value] of values.entries()) await db.run(`insert into this values (${i}, ${value})`);
}

async function contextOf(rows_before?: number): Promise<CheckContext> {
  const columns = (await rowsOf('select column_name, column_type from (describe this)')).map(([name, type]) => ({
    name: String(name),
    type: String(type).toLowerCase(),
  }));
  return { columns, now_iso: NOW, ...(rows_before === undefined ? {} : { rows_before }) };
}

function parsed<P>(check: CheckComponent<P>, input: unknown): P {
  const result = safeParse(check.schema, input);
  if (!result.success) throw new Error(JSON.stringify(result.error.issues));
  return result.data;
}

interface Broken {
  readonly n: number[];
  readonly reasons: string[];
}

/** Runs the rule as the row builder does and checks on the way that `broken` is never NULL and the test form agrees. */
async function brokenRows<P>(check: CheckComponent<P>, input: unknown): Promise<Broken> {
  const params = parsed(check, input);
  const context = await contextOf();
  const conditions = check.row?.(params, context) ?? [];
  const found = new Map<number, string>();
  for (const condition of conditions) {
    const broken = condition.broken.replaceAll('{alias}', '"_hit"');
    const { reference } = condition;
    const hit =
      reference === undefined
        ? 'null'
        : `(select bool_or(true) from ${reference.table} r where r.${quoteIdent(reference.on)} = this.${quoteIdent(reference.column)})`;
    const rows = await rowsOf(
      `select n, (${broken}) is null, ${broken} as bad, case when ${broken} then ${condition.reason} end from (select *, ${hit} as "_hit" from this) order by n`,
    );
    for (const [n, isNull, bad, reason] of rows) {
      expect(isNull).toBe(false);
      if (bad === true) found.set(Number(n), String(reason));
    }
  }
  const test = check.table?.(params, context);
  if (test !== undefined) {
    expect((await rowsOf(test.failures)).length).toBe(found.size);
    expect((await rowsOf(test.count))[0]?.[0]).toBe(String(found.size));
  }
  const n = [...found.keys()].sort((a, b) => a - b);
  return { n, reasons: n.map((key) => found.get(key) ?? '') };
}

async function failuresOf<P>(
  check: CheckComponent<P>,
  input: unknown,
  rows_before?: number,
): Promise<{ rows: number; count: number; observed: unknown }> {
  const test = check.table?.(parsed(check, input), await contextOf(rows_before));
  if (test === undefined) throw new Error('no table form');
  const [count, observed] = (await rowsOf(test.count))[0] ?? [];
  return { rows: (await rowsOf(test.failures)).length, count: Number(count), observed };
}

interface Case {
  readonly title: string;
  readonly check: CheckComponent;
  readonly type: string;
  readonly values: readonly string[];
  readonly params: unknown;
  readonly broken: readonly number[];
  readonly reason?: string;
}

const ROW_CASES: readonly Case[] = [
  {
    title: 'not_null',
    check: notNull,
    type: 'varchar',
    values: ["'a'", "''", 'null'],
    params: 'c',
    broken: [2],
    reason: 'c is missing',
  },
  {
    title: 'not_null of a list',
    check: notNull,
    type: 'varchar',
    values: ["'a'", 'null'],
    params: ['n', 'c'],
    broken: [1],
  },
  {
    title: 'between, both kinds of limit',
    check: between,
    type: 'decimal(12,2)',
    values: ['0', '0.01', '10000', '10000.01', 'null', '-3'],
    params: { column: 'c', above: 0, max: 10000 },
    broken: [0, 3, 5],
    reason: 'c = 0.00 is not above 0',
  },
  {
    title: 'between, min and below',
    check: between,
    type: 'integer',
    values: ['1', '2', '3', '4'],
    params: { column: 'c', min: 2, below: 4 },
    broken: [0, 3],
    reason: 'c = 1 is less than 2',
  },
  {
    title: 'between, limits beyond 2^53 as text',
    check: between,
    type: 'bigint',
    values: ['9007199254740993', '9007199254740992'],
    params: { column: 'c', min: '9007199254740993' },
    broken: [1],
  },
  {
    title: 'between, NaN and infinity',
    check: between,
    type: 'double',
    values: ["'nan'", "'inf'", '1'],
    params: { column: 'c', above: 0 },
    broken: [0],
    reason: 'c = nan is not a number',
  },
  {
    title: 'between, text column read as numbers',
    check: between,
    type: 'varchar',
    values: ["'12'", "'abc'", "'-1'", "'nan'", 'null'],
    params: { column: 'c', min: 0 },
    broken: [1, 2, 3],
  },
  {
    title: 'between, dates',
    check: between,
    type: 'date',
    values: ["'2019-12-31'", "'2020-01-01'", 'null'],
    params: { column: 'c', min: '2020-01-01' },
    broken: [0],
  },
  {
    title: 'between, instants',
    check: between,
    type: 'timestamptz',
    values: ["'2020-01-01T00:30:00+01:00'", "'2020-01-01T00:00:00Z'"],
    params: { column: 'c', min: '2020-01-01T00:00:00Z' },
    broken: [0],
  },
  {
    title: 'not_future, date',
    check: notFuture,
    type: 'date',
    values: ["'2026-11-21'", "'2026-11-22'", 'null'],
    params: 'c',
    broken: [1],
    reason: 'c = 2026-11-22 is later than 2026-11-21',
  },
  {
    title: 'not_future, timestamp',
    check: notFuture,
    type: 'timestamp',
    values: ["'2026-11-21 06:30:00'", "'2026-11-21 06:30:01'"],
    params: { column: 'c' },
    broken: [1],
  },
  {
    title: 'not_future, timestamptz',
    check: notFuture,
    type: 'timestamptz',
    values: ["'2026-11-21T07:30:00+01:00'", "'2026-11-21T06:30:01Z'"],
    params: 'c',
    broken: [1],
  },
  {
    title: 'not_future, text',
    check: notFuture,
    type: 'varchar',
    values: ["'2026-11-20'", "'2027-01-01'", "'32/13/99'", 'null'],
    params: 'c',
    broken: [1, 2],
  },
  {
    title: 'not_future, with a tolerance',
    check: notFuture,
    type: 'date',
    values: ["'2026-11-22'", "'2026-11-23'"],
    params: { column: 'c', tolerance: '1d' },
    broken: [1],
  },
  {
    title: 'accepted_values, text',
    check: acceptedValues,
    type: 'varchar',
    values: ["'CB'", "'cb'", "'l''an'", 'null'],
    params: { column: 'c', values: ['CB', "l'an"] },
    broken: [1],
    reason: "c = cb is not one of CB, l'an",
  },
  {
    title: 'accepted_values, numbers',
    check: acceptedValues,
    type: 'decimal(5,2)',
    values: ['1', '10', '2.50'],
    params: { column: 'c', values: [1, 2.5] },
    broken: [1],
  },
  {
    title: 'accepted_values, mixed with text',
    check: acceptedValues,
    type: 'integer',
    values: ['1', '2'],
    params: { column: 'c', values: ['1', 'other'] },
    broken: [1],
  },
  {
    title: 'accepted_values, booleans',
    check: acceptedValues,
    type: 'boolean',
    values: ['true', 'false'],
    params: { column: 'c', values: [true] },
    broken: [1],
  },
  {
    title: 'matches',
    check: matches,
    type: 'varchar',
    values: ["'a@b'", "'ab'", 'null'],
    params: { column: 'c', pattern: "^[^@']+@" },
    broken: [1],
    reason: "c = ab does not match ^[^@']+@",
  },
  {
    title: 'matches, a pattern that is exponential elsewhere',
    check: matches,
    type: 'varchar',
    values: [`repeat('a', 100000) || '!'`],
    params: { column: 'c', pattern: '^(a+)+$' },
    broken: [0],
  },
  {
    title: 'length',
    check: length,
    type: 'varchar',
    values: ["'é'", "'été'", "'trop long'", 'null'],
    params: { column: 'c', min: 2, max: 5 },
    broken: [0, 2],
    reason: 'c = é has 1 characters, not 2 to 5 characters',
  },
  {
    title: 'length, numbers',
    check: length,
    type: 'integer',
    values: ['12', '123'],
    params: { column: 'c', max: 2 },
    broken: [1],
  },
  {
    title: 'references',
    check: references,
    type: 'varchar',
    values: ["'a'", "'o''b'", "'zz'", 'null'],
    params: { column: 'c', table: 'silver.clients', on: 'the id' },
    broken: [2],
    reason: 'c = zz is not in silver.clients.the id',
  },
  {
    title: 'expr',
    check: expr,
    type: 'varchar',
    values: ["'CB'", "'X'", 'null'],
    params: "c in ('CB') -- remark",
    broken: [1, 2],
    reason: "does not satisfy c in ('CB') -- remark",
  },
];

describe('rules, over rows', () => {
  it.each(ROW_CASES)('$title', async ({ check, type, values, params, broken, reason }) => {
    await table(type, values);
    const found = await brokenRows(check, params);
    expect(found.n).toEqual(broken);
    if (reason !== undefined) expect(found.reasons[0]).toBe(reason);
  });

  it('cuts the offending value in a reason to 80 characters', async () => {
    await table('varchar', ["repeat('x', 5000)"]);
    const { reasons } = await brokenRows(matches, { column: 'c', pattern: 'y' });
    expect(reasons).toEqual([`c = ${'x'.repeat(80)} does not match y`]);
  });

  it('says which rows may pass later', async () => {
    await table('date', []);
    const context = await contextOf();
    const retryable = (check: CheckComponent, input: unknown): boolean | undefined =>
      check.row?.(parsed(check, input), context)[0]?.retryable;
    expect(retryable(references, { column: 'c', table: 'silver.clients', on: 'x' })).toBe(true);
    expect(retryable(notFuture, 'c')).toBe(true);
    expect(retryable(notNull, 'c')).toBe(false);
  });
});

describe('fault 49: names and values cannot become SQL', () => {
  const TEXT_VALUE = "'); drop table this; --";
  const CASES: readonly (readonly [string, CheckComponent, unknown])[] = [
    ['not_null', notNull, EVIL],
    ['between', between, { column: EVIL, min: TEXT_VALUE }],
    ['not_future', notFuture, EVIL],
    ['accepted_values', acceptedValues, { column: EVIL, values: [TEXT_VALUE] }],
    ['matches', matches, { column: EVIL, pattern: "'.; drop table this; --" }],
    ['length', length, { column: EVIL, max: 3 }],
    ['references', references, { column: EVIL, table: 'silver.clients', on: 'the id' }],
  ];
  it.each(CASES)('%s', async (_name, check, params) => {
    await table('varchar', ["'); drop table this; --'".replace("'); ", "'x"), 'null'], EVIL);
    await brokenRows(check, params);
    expect(await rowsOf('select count(*) from this')).toEqual([['2']]);
  });

  it.each([
    ['expr closes its bracket', expr, 'true) or (true'],
    ['expr starts a statement', expr, 'true; drop table this'],
    ['expr opens a comment', expr, 'true /* '],
    ['expr opens a text', expr, "c = '"],
    ['sql runs two statements', sql, 'select 1; drop table this'],
    ['sql closes its bracket', sql, 'select 1) t; drop table this; select * from (select 1'],
    ['references leaves the lake', references, { column: 'c', table: 'information_schema.tables', on: 'x' }],
    ['references injects by its table', references, { column: 'c', table: 'silver.clients; drop table this', on: 'x' }],
    ['a column with NUL', notNull, 'a\0b'],
    ['a value with NUL', acceptedValues, { column: 'c', values: ['a\0'] }],
    ['a pattern with look-ahead', matches, { column: 'c', pattern: '(?=a)' }],
    ['a pattern with a back-reference', matches, { column: 'c', pattern: '(a)\\1' }],
    ['between without a limit', between, { column: 'c' }],
    ['between with an unknown option', between, { column: 'c', mim: 3 }],
    ['a duration without unit', freshness, { column: 'c', max_age: '2' }],
  ] as const)('refused: %s', (_title, check, input) => {
    expect(safeParse((check as CheckComponent).schema, input).success).toBe(false);
  });

  it('takes an escaped backslash before a digit for what it is', () => {
    expect(safeParse(matches.schema, { column: 'c', pattern: '\\\\1' }).success).toBe(true);
  });

  it.each([
    ['bigint', 'abc'],
    ['date', '2020'],
    ['timestamptz', 'yesterday'],
  ])('a limit that cannot be compared with %s is a configuration error', async (type, min) => {
    await table(type, []);
    const context = await contextOf();
    const params = parsed(between, { column: 'c', min });
    expect(() => between.row?.(params, context)).toThrow(expect.objectContaining({ code: 'E_CONFIG_INVALID' }));
  });
});

describe('tests, over tables', () => {
  it('unique counts values that occur twice and leaves NULL alone', async () => {
    await table('varchar', ["'a'", "'a'", "'b'", 'null', 'null', "'c'", "'c'", "'c'"], EVIL);
    expect(await failuresOf(unique, EVIL)).toMatchObject({ rows: 2, count: 2 });
    expect(await failuresOf(unique, [EVIL, 'n'])).toMatchObject({ rows: 0, count: 0 });
  });

  it.each([
    [{ min: 3 }, undefined, 0],
    [{ min: 4 }, undefined, 1],
    [{ max: 2 }, undefined, 1],
    [{ drop_max_pct: 30 }, undefined, 0],
    [{ drop_max_pct: 30 }, 4, 0],
    [{ drop_max_pct: 30 }, 5, 1],
    [{ grow_max_pct: 50 }, 2, 0],
    [{ grow_max_pct: 50 }, 1, 1],
    [{ grow_max_pct: 50 }, 0, 0],
    [{ drop_max_pct: 30 }, 0, 0],
  ])('row_count %j with %s rows before: %s failures', async (params, before, failures) => {
    await table('integer', ['1', '2', '3']);
    expect(await failuresOf(rowCount, params, before)).toEqual({
      rows: failures,
      count: failures,
      observed: before === undefined ? '3' : `3 rows, ${before} before`,
    });
  });

  it.each([
    ['date', ["'2026-11-19'", "'2020-01-01'"], 0],
    ['date', ["'2026-11-18'"], 1],
    ['timestamp', ["'2026-11-19 06:30:00'"], 0],
    ['timestamp', ["'2026-11-19 06:29:59'"], 1],
    ['timestamptz', ["'2026-11-19T07:29:59+01:00'"], 1],
    ['varchar', ["'2026-11-20'", "'not a date'"], 0],
    ['varchar', ["'not a date'"], 1],
    ['date', [], 1],
  ])('freshness of %s %j: %s failures', async (type, values, failures) => {
    await table(type, values);
    expect(await failuresOf(freshness, { column: 'c', max_age: '2d' })).toMatchObject({
      rows: failures,
      count: failures,
    });
  });

  it('sql: the rows it finds are the failures, a trailing semicolon and remark are harmless', async () => {
    await table('integer', ['-1', '1', '-2']);
    expect(await failuresOf(sql, 'select * from this where c < 0;\n')).toMatchObject({ rows: 2, count: 2 });
    expect(await failuresOf(sql, 'select * from this where c < 0 -- negative')).toMatchObject({ rows: 2, count: 2 });
    expect(sql.reads?.('select * from this anti join silver.clients using (c)')).toEqual(['silver.clients']);
  });
});

describe('names', () => {
  it.each([
    [notNull, ['id', 'nom'], 'not_null_id_nom'],
    [unique, 'id', 'unique_id'],
    [between, { column: 'Montant réglé (€)', min: 0 }, 'between_Montant_regle'],
    [references, { column: 'pays', table: 'silver.pays', on: 'code' }, 'references_pays_silver_pays'],
    [expr, "mode in ('CB')", 'expr_mode_in_CB'],
  ] as const)('of an instance', (check, input, name) => {
    const component = check as CheckComponent;
    expect(component.instanceName(parsed(component, input))).toBe(name);
  });
});
