import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, EngineSession } from '../src/core/ports/engine.ts';
import { rooms } from '../src/main.ts';
import { annotate } from '../src/medallion/trace/annotate.ts';
import type { Annotated, Annotating } from '../src/medallion/trace/annotated.ts';
import { atMost, backward, forward, mark } from '../src/medallion/trace/follow.ts';
import { query, rowsOf, TABLES, type TableName, valuesSql } from './support/random-query.ts';

/** Which rows made a row, on the real engine, against brute force: a row without which the result differs must be on the trace. */
let engine: Engine;
let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dataflow-trace-'));
  engine = await rooms.openBareEngine({ type: 'duckdb', threads: 1 }, folder);
});
afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
});

type Data = Readonly<Record<TableName, readonly (readonly number[])[]>>;

async function withSession<T>(work: (session: EngineSession) => Promise<T>): Promise<T> {
  const session = await engine.openSession({ label: 'test' });
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

/** Tables as a trace binds them: one file each, positions are places in the list. */
async function bindAll(session: EngineSession, tables: Data): Promise<Annotating> {
  const bound = new Map<string, { table: string; columns: readonly string[]; plain: string; positioned: string }>();
  for (const name of Object.keys(TABLES) as TableName[]) {
    await session.materialize(name, valuesSql(name, tables[name]));
    await session.define(`at_${name}`, `select *, 0 as _part, rowid as _pos from ${name}`);
    bound.set(name, { table: name, columns: TABLES[name], plain: name, positioned: `at_${name}` });
  }
  let names = 0;
  const { aggregates } = await session.syntaxOf('select 1');
  return { session, aggregates, tables: bound, fresh: (kind) => `_df_${kind}${++names}` };
}

const order = (rows: readonly unknown[]): string[] =>
  rows.map((row) => JSON.stringify(Object.values(row as object).map(String))).sort();

async function resultOf(session: EngineSession, sql: string): Promise<string[]> {
  return order(await session.rows(sql));
}

/** `few` is within `many`, counting repetitions. */
function within(few: readonly string[], many: readonly string[]): boolean {
  const left = [...many];
  return few.every((one) => {
    const at = left.indexOf(one);
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
}

async function traced(context: Annotating, made: Annotated, ids: readonly number[]): Promise<Record<string, number[]>> {
  const list =
    ids.length === 0
      ? 'select 0 as _df_id, true as _df_sure where false'
      : `select unnest([${ids.join(', ')}])::bigint as _df_id, true as _df_sure`;
  const tables = await backward(context, made, await mark(context, list));
  const found: Record<string, number[]> = {};
  for (const [table, marked] of tables) {
    const rows = await context.session.rows(`select _df_id as id from ${marked.relation} order by id`);
    found[table] = rows.map((row) => Number(row['id']));
  }
  return found;
}

async function check(sql: string, tables: Data): Promise<{ exact: boolean; contributions: number } | undefined> {
  return withSession(async (session) => {
    const context = await bindAll(session, tables);
    const valid = await session.describe(sql).then(
      () => true,
      () => false,
    );
    if (!valid) return undefined;
    const made = await annotate(context, (await session.syntaxOf(sql)).tree);
    const own = made.columns.map((column) => `"${column}"`).join(', ');
    const rows = await session.rows(`select rowid as _df_id, ${own} from ${made.relation} order by rowid`);
    const keyOf = ({ _df_id, ...rest }: Readonly<Record<string, unknown>>): string => order([rest])[0] ?? '';
    expect(rows.map(keyOf).sort(), sql).toEqual(await resultOf(session, sql));
    let contributions = 0;
    const groups = new Map<string, number[]>();
    for (const row of rows) groups.set(keyOf(row), [...(groups.get(keyOf(row)) ?? []), Number(row['_df_id'])]);
    const traces = new Map<string, Record<string, number[]>>();
    for (const [key, ids] of groups) traces.set(key, await traced(context, made, ids));
    for (const table of Object.keys(TABLES) as TableName[]) {
      for (const [gone] of tables[table].entries()) {
        await session.materialize(
          table,
          valuesSql(
            table,
            tables[table].filter((_, i) => i !== gone),
          ),
        );
        const after = await resultOf(session, sql);
        for (const [key, ids] of groups) {
          if (
            within(
              ids.map(() => key),
              after,
            )
          )
            continue;
          contributions += 1;
          expect(traces.get(key)?.[table] ?? [], `${sql}\nrow ${key} needs row ${gone} of ${table}`).toContain(gone);
        }
      }
      await session.materialize(table, valuesSql(table, tables[table]));
    }
    await forwardAgrees(context, made, traces, groups);
    return { exact: atMost(made).length === 0, contributions };
  });
}

/** What leads back to a row leads forward from it. */
async function forwardAgrees(
  context: Annotating,
  made: Annotated,
  traces: ReadonlyMap<string, Record<string, number[]>>,
  groups: ReadonlyMap<string, readonly number[]>,
): Promise<void> {
  for (const [key, found] of traces) {
    for (const [table, ids] of Object.entries(found)) {
      for (const id of ids.slice(0, 1)) {
        const start = new Map([[table, await mark(context, `select ${id}::bigint as _df_id, true as _df_sure`)]]);
        const reached = await forward(context, made, start);
        const rows = await context.session.rows(`select _df_id as id from ${reached.relation}`);
        const there = new Set(rows.map((row) => Number(row['id'])));
        expect(
          groups.get(key)?.some((one) => there.has(one)),
          `forward from ${table}:${id} to ${key}`,
        ).toBe(true);
      }
    }
  }
}

const data = fc.record({ a: rowsOf('a', 4), b: rowsOf('b', 4), c: rowsOf('c', 4) });

const FIXED: Data = {
  a: [
    [1, 1, 5],
    [2, 1, 7],
    [3, 2, 5],
    [4, 2, 1],
    [4, 3, 9],
  ],
  b: [
    [1, 10, 0],
    [2, 20, 1],
    [4, 10, 1],
  ],
  c: [
    [1, 0, 3],
    [2, 1, 4],
  ],
};

/** What each shape of query comes to: the rows of `a` behind its first row, by place, and whether that is exact. */
const SHAPES: readonly (readonly [sql: string, behind: readonly number[], exact: boolean])[] = [
  ['select x from a where k = 3', [2], true],
  ['select g, sum(x) from a group by g having count(*) > 1 order by g', [0, 1], true],
  ['select g + 1 as h, count(*) from a group by h order by h desc limit 1', [4], true],
  ['select g, sum(x) from a group by 1 order by g', [0, 1], true],
  ['select count(*) from (select x, k from a order by k limit 2) as t where x > 5', [0, 1, 2, 3, 4], false],
  [
    'select n, count(*) as m from (select g, count(*) as n from a group by g) as t group by n order by n',
    [0, 1, 2, 3, 4],
    false,
  ],
  ['select distinct x from a order by x desc limit 2 offset 1', [0, 1, 2, 3, 4], false],
  [
    'with s as (select g, max(x) as m from a group by all) select m from s join c using (g) order by m desc',
    [0, 1],
    true,
  ],
  ['select k from a union select k from b order by k', [0], true],
  ['select a.x from a left join b on a.k = b.k order by a.k', [0], true],
  ['select x, lag(x) over (order by k, g) as l from a order by k desc, g desc', [3, 4], false],
  [
    'select x, sum(x) over (partition by g order by k) as s from a qualify row_number() over (partition by g order by k desc) = 1 order by g',
    [0, 1],
    false,
  ],
  ['select k, row_number() over (order by k, g) as n from a order by k limit 1', [0], false],
  ['select b.k from b where exists (select 1 from a where a.k = b.k and a.x > 6) order by b.k', [0, 1, 2, 3, 4], false],
  ['select max(x) - (select min(x) from a) as d from a where g = 1', [0, 1, 2, 3, 4], false],
  [
    'with recursive r as (select min(k) as n from a union all select n + 1 from r where n < 3) select n from r',
    [0, 1, 2, 3, 4],
    false,
  ],
  ['select distinct on (g) g, x from a order by g, x desc', [1], true],
  ['select v.x from (select x, k from a where x > 5) as v, lateral (select v.k + 1 as z) as l order by v.x', [1], true],
];

describe('rows on a trace', () => {
  it.each(SHAPES)('%s', { timeout: 60_000 }, async (sql, behind, exact) => {
    expect(await check(sql, FIXED)).toMatchObject({ exact });
    await withSession(async (session) => {
      const context = await bindAll(session, FIXED);
      const made = await annotate(context, (await session.syntaxOf(sql)).tree);
      expect((await traced(context, made, [0]))['a']).toEqual(behind);
    });
  });

  it('every row without which a result row would be missing or different', { timeout: 300_000 }, async () => {
    const seen = { exact: 0, checked: 0, contributions: 0 };
    await fc.assert(
      fc.asyncProperty(query(2), data, async ({ sql }, tables) => {
        const outcome = await check(sql, tables);
        fc.pre(outcome !== undefined);
        seen.checked += 1;
        if (outcome?.exact === true) seen.exact += 1;
        seen.contributions += outcome?.contributions ?? 0;
      }),
      { numRuns: 50, seed: 22 },
    );
    expect(seen.contributions).toBeGreaterThan(10);
  });
});
