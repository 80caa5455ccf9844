import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Column } from '../src/core/model/table.ts';
import { refreshObstacle } from '../src/core/planning/refreshable.ts';
import { tablesNamedIn } from '../src/core/planning/sql-refs.ts';
import { query, TABLES } from './support/random-query.ts';
import { type Cell, type LabTable, type MovingTable, RefreshLab } from './support/refresh-lab.ts';
import { REFRESH_MODELS, type RefreshModel } from './support/refresh-models.ts';

/**
 * Whatever a model asks for, whatever came and went: a refreshed table holds the rows of the whole computation, or the model is computed whole.
 * `DATAFLOW_PROPERTY_RUNS` makes it look harder.
 */
const RUNS = Number(process.env['DATAFLOW_PROPERTY_RUNS'] ?? 1);

/** A slow machine does fewer of them. */
const bounded = (rounds: number) => ({ numRuns: RUNS * rounds, interruptAfterTimeLimit: RUNS * 7_000 });

let lab: RefreshLab;
beforeAll(async () => {
  lab = await RefreshLab.open();
});
afterAll(() => lab.close());

const column = (name: string, type = 'bigint'): Column => ({ name, type, nullable: true });
const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  'silver.a': [column('id'), column('k'), column('d', 'date'), column('s', 'varchar'), column('v')],
  'silver.b': [column('id'), column('k'), column('w'), column('d', 'date')],
};

const maybe = <T>(one: fc.Arbitrary<T>) => fc.option(one, { freq: 8 });
const number = (max: number) => maybe(fc.integer({ min: 1, max }));
const day = maybe(fc.constantFrom('2019-12-31', '2020-01-01', '2020-01-15', '2020-02-29', '9999-12-31'));
const text = maybe(
  fc.constantFrom('x', 'y', '', 'NULL', "o'c", 'é', '\u{1F600}', '\uFFFD', '2020-01-01 05', '2020-01-01T04'),
);
const ROWS = {
  'silver.a': fc.tuple(number(5), number(4), day, text, number(6)),
  'silver.b': fc.tuple(number(5), number(4), number(6), day),
};

/** Up to so many files that stay, go and come. */
function moving(row: fc.Arbitrary<readonly Cell[]>): fc.Arbitrary<MovingTable> {
  const files = (max: number) => fc.array(fc.array(row, { minLength: 1, maxLength: 3 }), { maxLength: max });
  const came = fc.record({ kept: files(2), removed: files(1), added: files(2) });
  const still = files(2).map((kept) => ({ kept, removed: [], added: [] }));
  return fc.oneof({ weight: 3, arbitrary: came }, { weight: 1, arbitrary: still });
}

async function expectEqual(
  model: Pick<RefreshModel, 'by' | 'sql'>,
  columns: Readonly<Record<string, readonly Column[]>>,
  rows: Readonly<Record<string, MovingTable>>,
): Promise<boolean> {
  const tables = new Map<string, LabTable>();
  for (const name of tablesNamedIn(model.sql)) {
    const [own, moved] = [columns[name], rows[name]];
    if (own !== undefined && moved !== undefined) tables.set(name, await lab.table(name, own, moved));
  }
  const found = await lab.refresh(model, tables);
  expect(found ?? EQUAL, model.sql).toEqual(EQUAL);
  return found !== undefined;
}
const EQUAL = { missing: [], wrong: [] };

describe('which models may be refreshed', () => {
  it.each([...REFRESH_MODELS])('%s', async (_, { sql, by, alone, both }) => {
    const { tree } = await lab.session.syntaxOf(sql, { functions: false });
    const inputs = tablesNamedIn(sql);
    const may = (moved: readonly string[]): boolean => refreshObstacle({ sql, tree, by, inputs, moved }) === undefined;
    const each = ['a', 'b'].filter((name) => may([`silver.${name}`])).join('');
    expect({ each, both: may(['silver.a', 'silver.b']) }).toEqual({ each: alone, both });
  });
});

describe('a refreshed table equals the whole', () => {
  it('for models that invite mistakes', { timeout: 60_000 + RUNS * 20_000 }, async () => {
    const tables = fc.record({
      'silver.a': moving(ROWS['silver.a']),
      'silver.b': moving(ROWS['silver.b']),
    });
    const models = fc.constantFrom(...REFRESH_MODELS.values());
    let refreshed = 0;
    await fc.assert(
      fc.asyncProperty(models, tables, async (model, rows) => {
        if (await expectEqual(model, COLUMNS, rows)) refreshed++;
      }),
      bounded(120),
    );
    expect(refreshed).toBeGreaterThan(0);
  });

  it('for queries of any kind', { timeout: 60_000 + RUNS * 20_000 }, async () => {
    const names = Object.keys(TABLES) as (keyof typeof TABLES)[];
    const columns = Object.fromEntries(names.map((name) => [`silver.${name}`, TABLES[name].map((one) => column(one))]));
    const rows = fc.record(
      Object.fromEntries(
        names.map((name) => [`silver.${name}`, moving(fc.tuple(...TABLES[name].map(() => number(4))))]),
      ),
    );
    const withs = names.map((name) => `${name} as (select * from silver.${name})`).join(', ');
    await fc.assert(
      fc.asyncProperty(query(2), fc.nat(), rows, async ({ sql, columns: out }, which, moved) => {
        const by = out[which % out.length] ?? '';
        const model = { by, sql: `with ${withs} select * from (${sql})` };
        fc.pre(await lab.isValid(model.sql, columns));
        await expectEqual(model, columns, moved);
      }),
      bounded(80),
    );
  });
});
