import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { queryLake } from '../src/app/data/query-lake.ts';
import { planPipeline } from '../src/app/run/plan-pipeline.ts';
import { runPipeline } from '../src/app/run/run-pipeline.ts';
import type { StepRecord } from '../src/core/ports/ledger.ts';
import { rooms } from '../src/main.ts';

/**
 * A refresh of tables over an input of many files: it reads only those that may hold a touched day where the query shows that it may, and all
 * of them where not; either way the rows are those of computing everything at once.
 */
const root = mkdtempSync(join(tmpdir(), 'dataflow-refresh-inputs-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const MONTHS = 45;
/** Read only in part: the day of a row is that of the input's row. */
const CUT = {
  plain: 'select date, sum(v) as total, count(*) as n from gold.fact group by date',
  joined: 'select f.date, n.name, f.v from gold.fact as f left join silver.names n on f.id % 3 = n.id',
};
/** Read whole: the day is computed, or there is a query in the query. */
const WHOLE = {
  computed: 'select date + interval 1 day as date, sum(v) as total from gold.fact group by all',
  nested: 'select date, total from (select date, v as total from gold.fact)',
};
/** Computed whole: the day of a row is touched by rows of other days. */
const NEVER = {
  twice: 'select a.date, a.v, b.v as w from gold.fact a join gold.fact b on b.id = a.id + 1',
};
const MODELS = { ...CUT, ...WHOLE, ...NEVER };

/** A test that reads the input finds all of it. */
const WHOLE_TEST = `, tests: [ { sql: "select 1 where (select count(*) from gold.fact) < ${MONTHS * 2}", name: whole_input } ]`;

const CONFIG = `version: 1
name: refreshed
lake: { url: ./lake }
sources:
  rows: { type: files, path: in/rows*.csv, settle_seconds: 0, columns: { id: bigint, date: date, v: bigint } }
  names: { type: files, path: in/names.csv, settle_seconds: 0, columns: { id: bigint, name: varchar } }
silver:
  rows: { from: rows, key: id }
  names: { from: names, key: id }
gold:
  fact: { sql: "select id, date, v, strftime(date, '%Y-%m') as month from silver.rows", refresh: { by: date }, partition_by: [month] }
${Object.entries(MODELS)
  .map(([name, sql]) => `  ${name}: { sql: "${sql}", refresh: { by: date }${name === 'joined' ? WHOLE_TEST : ''} }\n`)
  .join('')}`;

function project(name: string): string {
  const folder = join(root, name);
  mkdirSync(join(folder, 'in'), { recursive: true });
  writeFileSync(join(folder, 'pipelines.yaml'), CONFIG);
  writeFileSync(join(folder, 'in/names.csv'), 'id,name\n0,zero\n1,one\n');
  const days = Array.from({ length: MONTHS * 2 }, (_, i) => {
    const month = i % MONTHS;
    return `${i},${2020 + Math.floor(month / 12)}-${String((month % 12) + 1).padStart(2, '0')}-${i < MONTHS ? '05' : '20'},${i * 7}\n`;
  });
  writeFileSync(join(folder, 'in/rows1.csv'), `id,date,v\n${days.join('')}`);
  return folder;
}

/** A day that is there, a new one among the old, and one after all. */
const MORE = 'id,date,v\n1000,2021-03-05,1\n1001,2021-03-11,2\n1002,2024-02-01,3\n';

async function run(folder: string): Promise<ReadonlyMap<string, StepRecord>> {
  const loaded = await rooms.loadProject({ cwd: folder, env: {} });
  const report = await runPipeline(rooms, loaded.project, {
    selection: { select: [], exclude: [] },
    full_refresh: false,
    rehash: false,
    command: 'run',
    signal: new AbortController().signal,
    tell: () => undefined,
  });
  expect(report.steps.filter((step) => step.status === 'failed').map((step) => step.error)).toEqual([]);
  return new Map(report.steps.map((step) => [step.step, step]));
}

/** What a plan says of the tables over the fact table. */
async function planned(folder: string): Promise<ReadonlyMap<string, string>> {
  const { project } = await rooms.loadProject({ cwd: folder, env: {} });
  const steps = await planPipeline(rooms, project, {
    selection: { select: [], exclude: [] },
    full_refresh: false,
    rehash: false,
    signal: new AbortController().signal,
  });
  return new Map(
    steps
      .filter(({ step }) => step.startsWith('gold.'))
      .map(({ step, mode, reason }) => [step, mode === 'full' ? `${mode}: ${reason}` : mode]),
  );
}

async function content(folder: string): Promise<Record<string, unknown>> {
  const loaded = await rooms.loadProject({ cwd: folder, env: {} });
  const lake = await rooms.openLake(loaded.project);
  const engine = await rooms.openEngine(loaded.project);
  const found: Record<string, unknown> = {};
  try {
    for (const name of ['fact', ...Object.keys(MODELS)]) {
      const rows: unknown[] = [];
      const asked = { sql: `select * from gold.${name} order by all`, signal: new AbortController().signal };
      for await (const one of queryLake({ project: loaded.project, lake, ledger: undefined, engine }, asked))
        rows.push(...one.rows);
      found[name] = rows;
    }
  } finally {
    await engine.close();
  }
  return found;
}

it('reads the files that may hold a touched day, and gives the rows of the whole', { timeout: 120_000 }, async () => {
  const steps = project('steps');
  await run(steps);
  writeFileSync(join(steps, 'in/rows2.csv'), MORE);
  expect(await planned(steps)).toEqual(
    new Map([
      ...['fact', ...Object.keys({ ...CUT, ...WHOLE })].map((name) => [`gold.${name}`, 'incremental']),
      [
        'gold.twice',
        'full: computed whole instead of refreshed: gold.fact stands in it more than once; if gold.fact publishes a new version',
      ],
    ] as [string, string][]),
  );
  const second = await run(steps);
  const whole = project('whole');
  writeFileSync(join(whole, 'in/rows2.csv'), MORE);
  await run(whole);
  expect(await content(steps)).toEqual(await content(whole));

  const read = (name: string): number => second.get(`gold.${name}`)?.resources?.bytes_read ?? 0;
  for (const name of Object.keys({ ...CUT, ...WHOLE })) expect(second.get(`gold.${name}`)?.mode).toBe('incremental');
  for (const name of Object.keys(NEVER)) expect(second.get(`gold.${name}`)?.mode).toBe('full');
  expect(read('plain')).toBeLessThan(read('nested') * 0.75);
});
