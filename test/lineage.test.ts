import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type QueryLineage, queryLineage } from '../src/core/lineage/query-lineage.ts';
import type { Engine, EngineSession } from '../src/core/ports/engine.ts';
import { rooms } from '../src/main.ts';
import { query, rowsOf, TABLES, type TableName, valuesSql } from './support/random-query.ts';

/** Column lineage from the engine's parse tree, on the real engine. */
let engine: Engine;
let session: EngineSession;
let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dataflow-lineage-'));
  engine = await rooms.openBareEngine({ type: 'duckdb', threads: 1 }, folder);
  session = await engine.openSession({ label: 'test' });
});
afterAll(async () => {
  await session.close();
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
});

const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  ...TABLES,
  'silver.t': ['id', 'g', 'x', 'info', 'tags'],
  'silver.u': ['id', 'y'],
};

async function lineageOf(sql: string, names?: readonly string[]): Promise<QueryLineage> {
  return queryLineage(await session.syntaxOf(sql), (table) => COLUMNS[table], names);
}

function shown(lineage: QueryLineage): Record<string, string> {
  const text = (origins: QueryLineage['rows']): string =>
    origins.map((one) => `${one.table}.${one.column} ${one.way}`).join(', ');
  return {
    ...Object.fromEntries(lineage.columns.map((column) => [column.name, text(column.origins)])),
    '*': text(lineage.rows),
  };
}

describe('column lineage of a query', () => {
  it('tells values from influences', async () => {
    const lineage = await lineageOf(
      `with s as (select g, sum(x) filter (where y > 0) as total from silver.t join silver.u using (id) group by g)
       select g, total * 2 as twice, case when total > 5 then g end as label, lag(total) over (order by g) as before from s where g > 1 order by g limit 3`,
    );
    expect(shown(lineage)).toEqual({
      g: 'silver.t.g identity',
      twice: 'silver.t.x aggregation, silver.u.y filter',
      label: 'silver.t.g transformation, silver.t.x conditional, silver.u.y filter',
      before: 'silver.t.x aggregation, silver.u.y filter, silver.t.g window',
      '*': 'silver.t.id join, silver.u.id join, silver.t.g group_by, silver.t.g filter, silver.t.g sort',
    });
    expect(lineage.unresolved).toEqual([]);
  });

  it.each<[string, Record<string, string>]>([
    [
      'select t.* exclude (x, info, tags) rename (g as h) from silver.t',
      { id: 'silver.t.id identity', h: 'silver.t.g identity', '*': '' },
    ],
    ["select columns('^[gx]$') from silver.t", { g: 'silver.t.g identity', x: 'silver.t.x identity', '*': '' }],
    [
      'select info.a.b as deep, t.info.a as field, silver.t.x from silver.t',
      {
        deep: 'silver.t.info transformation',
        field: 'silver.t.info transformation',
        x: 'silver.t.x identity',
        '*': '',
      },
    ],
    [
      'select tag from silver.t, unnest(tags) as u(tag)',
      { tag: 'silver.t.tags transformation', '*': 'silver.t.tags join' },
    ],
    [
      'select y from silver.u where id in (select id from silver.t where x > 1)',
      { y: 'silver.u.y identity', '*': 'silver.u.id filter, silver.t.id filter, silver.t.x filter' },
    ],
    [
      'select id, x as v from silver.t union all select id, y from silver.u',
      { id: 'silver.t.id identity, silver.u.id identity', v: 'silver.t.x identity, silver.u.y identity', '*': '' },
    ],
    [
      'with recursive r(n) as (select id from silver.u union all select n + y from r join silver.u on n < y) select n from r',
      {
        n: 'silver.u.id identity, silver.u.id transformation, silver.u.y transformation',
        '*': 'silver.u.id join, silver.u.y join, silver.u.id filter, silver.u.y filter',
      },
    ],
    [
      'select x + 1 as a, a * 2 as b from silver.t group by all',
      { a: 'silver.t.x transformation', b: 'silver.t.x transformation', '*': 'silver.t.x group_by' },
    ],
  ])('%s', async (sql, expected) => {
    const lineage = await lineageOf(sql);
    expect(shown(lineage)).toEqual(expected);
    expect(lineage.unresolved).toEqual([]);
  });

  it('says what it cannot resolve and guesses nothing', async () => {
    expect((await lineageOf('select z, nosuch from silver.unknown')).unresolved).toEqual([
      'the columns of silver.unknown',
    ]);
    expect((await lineageOf('select nosuch from silver.u')).unresolved).toEqual(['column nosuch']);
    expect((await lineageOf('select columns(c -> c <> $$x$$) from silver.u')).unresolved).toHaveLength(1);
    expect((await lineageOf('select columns(c -> c = $$y$$) from silver.u', ['y'])).unresolved).toEqual([]);
  });
});

/** Values of each output column, as a set with repetition. */
async function columnValues(sql: string): Promise<readonly string[]> {
  const rows = await session.rows(sql);
  const names = Object.keys(rows[0] ?? {});
  return names.map((name) => JSON.stringify(rows.map((row) => String(row[name])).sort()));
}

/** Some random queries are none: a name that is both a column and an alias, for example. */
async function isValid(sql: string): Promise<boolean> {
  return session.describe(sql).then(
    () => true,
    (error: { readonly code?: string }) => {
      expect(error.code).toBe('E_SQL');
      return false;
    },
  );
}

async function fill(tables: Readonly<Record<TableName, readonly (readonly number[])[]>>): Promise<void> {
  for (const name of Object.keys(TABLES) as TableName[]) await session.materialize(name, valuesSql(name, tables[name]));
}

const data = fc.record({ a: rowsOf('a'), b: rowsOf('b'), c: rowsOf('c') });
const change = fc.record({
  table: fc.constantFrom<TableName>('a', 'b', 'c'),
  column: fc.nat({ max: 2 }),
  row: fc.nat({ max: 5 }),
  value: fc.integer({ min: 0, max: 5 }),
});

describe('lineage is never too small', () => {
  it('an output column that changes with an input column has it among its origins', { timeout: 120_000 }, async () => {
    let changed = 0;
    await fc.assert(
      fc.asyncProperty(
        query(2),
        data,
        fc.array(change, { minLength: 4, maxLength: 4 }),
        async ({ sql, columns }, tables, changes) => {
          await fill(tables);
          fc.pre(await isValid(sql));
          const lineage = await lineageOf(sql, columns);
          expect(lineage.unresolved).toEqual([]);
          const before = await columnValues(sql);
          for (const one of changes) {
            const rows = tables[one.table].map((row, i) =>
              i === one.row % tables[one.table].length
                ? row.map((cell, c) => (c === one.column ? one.value : cell))
                : row,
            );
            await session.materialize(one.table, valuesSql(one.table, rows));
            const after = await columnValues(sql);
            await session.materialize(one.table, valuesSql(one.table, tables[one.table]));
            const name = TABLES[one.table][one.column];
            for (const [i, column] of lineage.columns.entries()) {
              // No rows on one side: every column changed with them.
              if (before[i] === after[i]) continue;
              changed += 1;
              const all = [...column.origins, ...lineage.rows].map((origin) => `${origin.table}.${origin.column}`);
              expect(all, `${sql}\n${column.name} changed with ${one.table}.${name}`).toContain(`${one.table}.${name}`);
            }
          }
        },
      ),
      { numRuns: 150 },
    );
    expect(changed).toBeGreaterThan(50);
  });
});
