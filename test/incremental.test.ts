import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { queryLake } from '../src/app/data/query-lake.ts';
import { runPipeline } from '../src/app/run/run-pipeline.ts';
import { rooms } from '../src/main.ts';

/**
 * For random batches of files, any kind of dedupe and references that arrive late: computing step by step gives the rows, the quarantine
 * and the key figures of computing everything at once; rows are conserved; and one more run changes nothing.
 */
const root = mkdtempSync(join(tmpdir(), 'dataflow-incremental-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const KINDS = {
  'no key': '',
  'key alone': 'key: id',
  'keep first': 'key: id\n    dedupe: { keep: first }',
  'keep first, before the rules': 'key: id\n    dedupe: { keep: first, before_rules: true }',
  'keep last': 'key: id\n    dedupe: { keep: last }',
  'keep last by column': 'key: id\n    dedupe: { keep: last, by: t }',
  'keep first by column': 'key: id\n    dedupe: { keep: first, by: t }',
  'keep last, before the rules': 'key: id\n    dedupe: { keep: last, before_rules: true }',
} as const;

const config = (kind: string): string => `version: 1
name: inc
lake: { url: ./lake }
engine: { type: duckdb, threads: 2, memory_limit: 512MB }
sources:
  parents: { type: files, path: in/parents*.csv, settle_seconds: 0, columns: { id: bigint } }
  rows: { type: files, path: in/rows*.csv, settle_seconds: 0, columns: { id: bigint, parent: bigint, t: bigint, v: bigint } }
silver:
  parents: { from: parents, key: id, dedupe: { keep: first } }
  rows:
    from: rows
    where: "v is null or v <> 13"
    rules: [ { not_null: v }, { between: { column: v, min: 0 } }, { references: { column: parent, table: silver.parents, on: id } } ]
    ${kind}
gold:
  per_t: { sql: "select t, count(*) as n, sum(v) as total from silver.rows group by t", refresh: { by: t } }
  per_parent: { sql: "select parent, count(*) as n from silver.rows group by parent" }
`;

const cell = (min: number, max: number) =>
  fc.oneof({ weight: 12, arbitrary: fc.integer({ min, max }) }, { weight: 1, arbitrary: fc.constant(null) });
const row = fc.record({ id: cell(1, 12), parent: cell(1, 6), t: fc.integer({ min: 1, max: 5 }), v: cell(-3, 20) });
const batch = fc.record({
  rows: fc.array(row, { maxLength: 12 }),
  parents: fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 3 }),
});
type Batch = { rows: { id: number | null; parent: number | null; t: number; v: number | null }[]; parents: number[] };

function write(folder: string, index: number, one: Batch): void {
  mkdirSync(join(folder, 'in'), { recursive: true });
  // A line of its own makes each file's content unlike the others': the same bytes would be one input.
  writeFileSync(
    join(folder, `in/rows${index}.csv`),
    `id,parent,t,v\n${one.rows.map((r) => `${r.id ?? ''},${r.parent ?? ''},${r.t},${r.v ?? ''}\n`).join('')}${100 + index},1,1,1\n`,
  );
  writeFileSync(
    join(folder, `in/parents${index}.csv`),
    `id\n${one.parents.map((id) => `${id}\n`).join('')}${100 + index}\n`,
  );
}

let count = 0;
function newProject(kind: string): string {
  const folder = join(root, `p${++count}`);
  mkdirSync(folder);
  writeFileSync(join(folder, 'pipelines.yaml'), config(kind));
  return folder;
}

async function run(folder: string) {
  const { project } = await rooms.loadProject({ cwd: folder, env: {} });
  const signal = new AbortController().signal;
  const report = await runPipeline(rooms, project, {
    selection: { select: [], exclude: [] },
    full_refresh: false,
    rehash: false,
    command: 'run',
    signal,
    tell: () => undefined,
  });
  expect(report.steps.filter((step) => step.status === 'failed').map((step) => step.error)).toEqual([]);
  for (const { balance: b } of report.steps)
    if (b) expect(b.rows_in).toBe(b.rows_out + b.quarantined + b.deduplicated + b.filtered);
  return report;
}

const TABLES = ['silver.rows', 'silver.parents', 'gold.per_t', 'gold.per_parent'];

async function content(folder: string): Promise<Record<string, unknown>> {
  const { project } = await rooms.loadProject({ cwd: folder, env: {} });
  const lake = await rooms.openLake(project);
  const engine = await rooms.openEngine(project);
  const found: Record<string, unknown> = {};
  try {
    const known = new Set((await lake.tables()).map((table) => `${table.layer}.${table.name}`));
    for (const table of [...TABLES, 'quarantine.silver_rows']) {
      const columns = table.startsWith('quarantine') ? 'rule, reason, file, line, raw, row_key' : '*';
      const rows: unknown[] = [];
      if (known.has(table)) {
        const batches = queryLake(
          { project, lake, ledger: undefined, engine },
          { sql: `select ${columns} from ${table} order by all`, signal: new AbortController().signal },
        );
        for await (const one of batches) rows.push(...one.rows);
      }
      found[table] = rows;
    }
  } finally {
    await engine.close();
  }
  return found;
}

describe.each(Object.entries(KINDS))('%s', (_, kind) => {
  it('step by step equals all at once, and a re-run changes nothing', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { minLength: 2, maxLength: 3 }), async (batches) => {
        const steps = newProject(kind);
        const whole = newProject(kind);
        for (const [index, one] of (batches as Batch[]).entries()) {
          write(steps, index, one);
          write(whole, index, one);
          await run(steps);
        }
        await run(whole);
        expect(await content(steps)).toEqual(await content(whole));
        expect((await run(steps)).status).toBe('nothing_to_do');
      }),
      { numRuns: Number(process.env['DATAFLOW_PROPERTY_RUNS'] ?? 3) },
    );
  });
});
