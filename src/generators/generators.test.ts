import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { type GenerateOptions, generateData } from '../app/data/generate-data.ts';
import type { EngineSpec, Project, SilverSpec, SourceSpec } from '../core/model/project.ts';
import type { Engine } from '../core/ports/engine.ts';
import { rooms } from '../main.ts';
import { planData } from './plan-data.ts';
import type { SourcePlan } from './plan-types.ts';
import { countRows, parentSql } from './row-counts.ts';
import { targetFile } from './target-file.ts';

const root = mkdtempSync(join(tmpdir(), 'dataflow-generate-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function source(more: Partial<SourceSpec>): SourceSpec {
  return { type: 'files', schema_change: 'freeze', on_rewrite: 'replace', tags: [], options: {}, ...more };
}

function silver(more: Partial<SilverSpec> & Pick<SilverSpec, 'from'>): SilverSpec {
  return { select: {}, rules: [], key: [], partition_by: [], tests: [], tags: [], ...more };
}

function rule(check: string, params: unknown, name = check): SilverSpec['rules'][number] {
  return { check, name, severity: 'fail', params };
}

/** Orders of shops, with a quote and a comma among the words, and a typed column that a CSV file can get wrong. */
function project(folder: string): Project {
  return {
    name: 'test',
    root: folder,
    config_file: join(folder, 'pipelines.yaml'),
    lake: {
      url: join(folder, 'lake'),
      layers: { bronze: 'bronze', silver: 'silver', gold: 'gold' },
      keep: { versions_days: 30, quarantine_days: 90 },
    },
    engine: { type: 'duckdb' },
    connections: {},
    sources: {
      orders: source({
        columns: { id: 'bigint', shop: 'bigint', day: 'date', amount: 'decimal(12,2)', state: 'varchar' },
        options: { path: 'in/orders*.{csv,csv.gz,ndjson,parquet}' },
        generate: {
          per: { references: 'shops', min: 2, max: 4 },
          columns: { state: { values: ['paid, late', 'a "b"', 'open'] } },
        },
      }),
      shops: source({
        columns: { id: 'bigint', name: 'varchar' },
        options: { path: ['in/shops.{csv,ndjson,parquet}'] },
      }),
    },
    silver: {
      shops: silver({ from: ['shops'], rules: [rule('not_null', ['id', 'name'])], key: ['id'] }),
      orders: silver({
        from: ['orders'],
        rules: [
          rule('not_null', ['id', 'amount']),
          rule('between', { column: 'amount', above: 0, max: 500 }),
          rule('references', { column: 'shop', table: 'silver.shops', on: 'id' }),
        ],
        key: ['id'],
        dedupe: { keep: 'last', before_rules: false },
      }),
    },
    gold: {},
  };
}

function options(more: Partial<GenerateOptions>): GenerateOptions {
  return {
    seed: 1,
    bad_share: 0,
    format: 'csv',
    gzip: false,
    force: false,
    signal: new AbortController().signal,
    ...more,
  };
}

async function withEngine<T>(spec: EngineSpec, work: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await rooms.openBareEngine(spec, join(root, 'temp'));
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}

function hashes(folder: string): readonly string[] {
  const names = readdirSync(folder).sort();
  return names.map(
    (name) =>
      `${name} ${createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex')}`,
  );
}

describe('planning', () => {
  it('infers who refers to whom and puts parents first', () => {
    const plan = planData(project(root), { seed: 1, bad_share: 0.02, format: 'csv', rows: 300 });
    expect(plan.sources.map((one) => one.name)).toEqual(['shops', 'orders']);
    expect(plan.sources[1]?.columns.map((column) => column.maker.kind)).toEqual([
      'sequence',
      'reference',
      'date',
      'number',
      'values',
    ]);
    expect(Object.fromEntries(countRows(plan.sources))).toEqual({ shops: 101, orders: 300 });
  });

  it('derives faults from the rules, and only those that the format can hold', () => {
    const kinds = (format: 'csv' | 'parquet'): readonly string[] =>
      planData(project(root), { seed: 1, bad_share: 0.02, format }).sources[1]?.faults.map(
        (fault) => `${fault.kind} ${fault.column}`,
      ) ?? [];
    expect(kinds('parquet')).toEqual([
      'missing_value id',
      'duplicate_key id',
      'orphan_reference shop',
      'missing_value amount',
      'below_range amount',
      'above_range amount',
    ]);
    expect(kinds('csv')).toContain('not_a_number amount');
    expect(kinds('csv')).toContain('short_line state');
  });

  it('says what is wrong with --rows', () => {
    const rows = { order: 5 };
    expect(() => planData(project(root), { seed: 1, bad_share: 0, format: 'csv', rows })).toThrow(/no source order/);
  });

  it('makes data for the sources that were named, else for those with a `generate:` of their own and what they refer to', () => {
    const one = project(root);
    const logs = source({ columns: { line: 'varchar' } });
    const planned = (sources: Project['sources'], named?: readonly string[]): readonly string[] =>
      planData(
        { ...one, sources },
        { seed: 1, bad_share: 0, format: 'csv', ...(named === undefined ? {} : { sources: named }) },
      ).sources.map(({ name }) => name);
    expect(planned({ ...one.sources, logs })).toEqual(['shops', 'orders']);
    expect(planned({ ...one.sources, logs }, ['logs'])).toEqual(['logs']);
    expect(planned({ ...one.sources, logs }, ['orders'])).toEqual(['shops', 'orders']);
    expect(planned({ logs, api: source({ type: 'http', columns: { id: 'bigint' } }) })).toEqual(['logs']);
    expect(planned({ api: source({ type: 'http', columns: { id: 'bigint' } }) })).toEqual(['api']);
    expect(() => planned(one.sources, ['order'])).toThrow(/no source order/);
  });

  it('what a column is told to hold is not inferred from a rule', () => {
    const one = project(root);
    const orders = {
      ...source({ ...one.sources['orders'] }),
      generate: { rows: 10, columns: { shop: { min: 1, max: 9 } } },
    };
    const plan = planData({ ...one, sources: { ...one.sources, orders } }, { seed: 1, bad_share: 0, format: 'csv' });
    expect(plan.sources.map(({ name }) => name)).toEqual(['orders']);
    expect(plan.sources[0]?.columns[1]?.maker.kind).toBe('number');
  });

  it('gives every parent between min and max rows, and rows without gaps', { timeout: 60_000 }, async () => {
    await withEngine({ type: 'duckdb' }, async (engine) => {
      const session = await engine.openSession({ label: 'test' });
      const cases = fc.asyncProperty(
        fc.nat({ max: 5 }).chain((min) => fc.tuple(fc.constant(min + 1), fc.integer({ min: min + 1, max: min + 9 }))),
        fc.integer({ min: 1, max: 400 }),
        async ([min, max], parents) => {
          const parent: SourcePlan = { name: 'p', columns: [], rows: parents, per: undefined, faults: [] };
          const child: SourcePlan = {
            name: 'c',
            columns: [],
            rows: undefined,
            per: { source: 'p', column: 'p', min, max },
            faults: [],
          };
          const rows = countRows([parent, child]);
          const plan = { seed: 3, bad_share: 0, format: 'csv', sources: [parent, child] } as const;
          const made = `select ${parentSql(plan, child, rows, 'i')} as p from range(1, ${(rows.get('c') ?? 0) + 1}) as t(i)`;
          const [seen] = await session.rows(
            `select min(p) as first, max(p) as last, count(*) as parents, min(n) as least, max(n) as most from (select p, count(*) as n from (${made}) group by p)`,
          );
          expect(seen).toMatchObject({ first: 1, last: parents, parents });
          expect(Number(seen?.['least'])).toBeGreaterThanOrEqual(min);
          expect(Number(seen?.['most'])).toBeLessThanOrEqual(max);
          expect(
            countRows([
              { ...parent, rows: undefined },
              { ...child, rows: rows.get('c') ?? 0 },
            ]).get('p'),
          ).toBe(parents);
        },
      );
      await fc.assert(cases, { numRuns: 40 });
      await session.close();
    });
  });
});

describe('file names', () => {
  it.each([
    ['data/achats*.{csv,csv.gz,ndjson}', 'csv', false, 'data', 'achats.csv', true],
    ['data/achats*.{csv,csv.gz,ndjson}', 'csv', true, 'data', 'achats.csv.gz', true],
    ['in/**/{a,b}-*.parquet', 'parquet', false, 'in', 'a-.parquet', true],
    ['./*.csv', 'csv', false, '', 'src.csv', true],
    ['data/x.csv', 'ndjson', false, 'data', 'src.ndjson', false],
  ] as const)('%s as %s (gzip %s) → %s/%s', (path, format, gzip, folder, name, found_by_source) => {
    expect(targetFile('src', source({ options: { path } }), format, gzip)).toEqual({ folder, name, found_by_source });
  });
});

describe('generating', () => {
  it.each(['csv', 'ndjson', 'parquet'] as const)(
    '%s: the same seed gives the same bytes on any number of threads',
    { timeout: 60_000 },
    async (format) => {
      const made: (readonly string[])[] = [];
      for (const threads of [1, 2]) {
        const folder = mkdtempSync(join(root, 'same-'));
        const openEngine = (): Promise<Engine> => rooms.openBareEngine({ type: 'duckdb', threads }, join(root, 'temp'));
        await generateData(
          { ...rooms, openEngine },
          project(folder),
          options({ format, out: join(folder, 'out'), rows: 200_000, bad_share: 0.05 }),
        );
        made.push(hashes(join(folder, 'out')));
      }
      expect(made[0]?.length).toBe(3);
      expect(made[1]).toEqual(made[0]);
    },
  );

  it('another seed gives other bytes', async () => {
    const folder = mkdtempSync(join(root, 'seed-'));
    for (const seed of [1, 2])
      await generateData(rooms, project(folder), options({ seed, out: join(folder, `${seed}`) }));
    expect(readFileSync(join(folder, '1/orders.csv'))).not.toEqual(readFileSync(join(folder, '2/orders.csv')));
  });

  it('writes CSV that holds its quotes and commas, with as many faults as asked for', async () => {
    const folder = mkdtempSync(join(root, 'quotes-'));
    const report = await generateData(rooms, project(folder), options({ rows: 20_000, bad_share: 0.1 }));
    const lines = readFileSync(join(folder, 'in/orders.csv'), 'utf8').trimEnd().split('\n');
    expect(lines[0]).toBe('id,shop,day,amount,state');
    expect(lines.length).toBe(20_001);
    expect(
      new Set(lines.slice(1).map((line) => /(,"paid, late"|,"a ""b"""|,open)$/.exec(line)?.[1] ?? 'short')),
    ).toEqual(new Set([',"paid, late"', ',"a ""b"""', ',open', 'short']));
    const faults =
      report.expected?.faults
        .filter((fault) => fault.source === 'orders')
        .reduce((sum, fault) => sum + fault.rows, 0) ?? 0;
    expect(faults / 20_000).toBeCloseTo(0.1, 1);
  });

  it('keeps the files of sources that were not asked for', async () => {
    const folder = mkdtempSync(join(root, 'named-'));
    await generateData(rooms, project(folder), options({}));
    await generateData(rooms, project(folder), options({ sources: ['shops'], format: 'parquet' }));
    expect(readdirSync(join(folder, 'in')).sort()).toEqual(['_expected.json', 'orders.csv', 'shops.parquet']);
    await generateData(rooms, project(folder), options({ format: 'ndjson' }));
    expect(readdirSync(join(folder, 'in')).sort()).toEqual(['_expected.json', 'orders.ndjson', 'shops.ndjson']);
  });

  it('leaves files alone that it did not make, and replaces its own', async () => {
    const folder = mkdtempSync(join(root, 'force-'));
    await generateData(rooms, project(folder), options({}));
    await generateData(rooms, project(folder), options({ seed: 2, format: 'parquet' }));
    expect(readdirSync(join(folder, 'in')).sort()).toEqual(['_expected.json', 'orders.parquet', 'shops.parquet']);
    writeFileSync(join(folder, 'in/orders.parquet'), 'mine');
    await expect(generateData(rooms, project(folder), options({ format: 'parquet' }))).rejects.toMatchObject({
      code: 'E_USAGE',
    });
    expect(readFileSync(join(folder, 'in/orders.parquet'), 'utf8')).toBe('mine');
    await generateData(rooms, project(folder), options({ format: 'parquet', force: true }));
    expect(readFileSync(join(folder, 'in/orders.parquet'), 'utf8')).not.toBe('mine');
  });
});
