import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { rebuildLedger } from '../src/app/care/rebuild-ledger.ts';
import { queryLake } from '../src/app/data/query-lake.ts';
import { decideQuarantine } from '../src/app/quarantine/decide-quarantine.ts';
import { listQuarantine } from '../src/app/quarantine/list-quarantine.ts';
import { runPipeline } from '../src/app/run/run-pipeline.ts';
import { rooms } from '../src/main.ts';
import {
  type Act,
  act,
  type Batch,
  batch,
  expected,
  type Fix,
  newModel,
  play,
  text,
} from './support/quarantine-model.ts';

/**
 * Random loads, fixes, replays, discards, looser rules and full refreshes, against a model that knows nothing of tables: every record is where
 * the model says (in bronze, in silver, beaten by a newer one, open with its rule and line, or discarded), a further run finds nothing to do,
 * and a ledger that is made anew from the lake tells the same states.
 */
const root = mkdtempSync(join(tmpdir(), 'dataflow-quarantine-model-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const RUNS = Number(process.env['DATAFLOW_PROPERTY_RUNS'] ?? 3);
const seed = Number(process.env['DATAFLOW_PROPERTY_SEED'] ?? Date.now() % 2 ** 31);
/** A slow machine does fewer of them. */
const TIME_MS = RUNS * 45_000;

const config = (min: number): string => `version: 1
name: quarantine
lake: { url: ./lake }
engine: { type: duckdb, threads: 2, memory_limit: 512MB }
sources:
  parents: { type: files, path: in/parents*.csv, settle_seconds: 0, columns: { id: bigint } }
  rows: { type: files, path: in/rows*.csv, settle_seconds: 0, columns: { id: bigint, parent: bigint, t: bigint, v: varchar } }
silver:
  parents: { from: parents, key: id, dedupe: { keep: first } }
  rows:
    from: rows
    select: { v: "try_cast(v as integer)" }
    rules:
      - { not_null: v, name: number }
      - { between: { column: v, min: ${min} }, name: range }
      - { references: { column: parent, table: silver.parents, on: id }, name: parent }
    key: id
    dedupe: { keep: last }
gold:
  total: { sql: "select count(*) as n, sum(v) as total from silver.rows" }
`;

const loadedProject = async (folder: string) => (await rooms.loadProject({ cwd: folder, env: {} })).project;

async function run(folder: string, full_refresh = false): Promise<string> {
  const report = await runPipeline(rooms, await loadedProject(folder), {
    selection: { select: [], exclude: [] },
    full_refresh,
    rehash: false,
    command: 'run',
    signal: new AbortController().signal,
    tell: () => undefined,
  });
  expect(report.steps.filter((step) => step.status === 'failed').map((step) => step.error)).toEqual([]);
  return report.status;
}

function put(folder: string, index: number, { rows, parents }: Batch): void {
  const lines = rows.map((row) => `${text(row)}\n`).join('');
  writeFileSync(join(folder, `in/rows${index}.csv`), `id,parent,t,v\n${lines}${100 + index},1,1,1\n`);
  const ids = [...parents, 100 + index].map((id) => `${id}\n`).join('');
  writeFileSync(join(folder, `in/parents${index}.csv`), `id\n${ids}`);
}

/** Where every record is, and the states that the ledger tells. */
async function found(folder: string): Promise<ReturnType<typeof expected>> {
  const project = await loadedProject(folder);
  const lake = await rooms.openLake(project);
  const engine = await rooms.openEngine(project);
  const ledger = await rooms.openLedger(project, { read_only: true, create: false });
  const signal = new AbortController().signal;
  const known = new Set((await lake.tables()).map((table) => `${table.layer}.${table.name}`));
  const lines = async (table: string, columns: string): Promise<string[]> => {
    const rows: string[] = [];
    if (!known.has(table)) return rows;
    const sql = `select concat_ws(' ', ${columns}) as line from ${table}`;
    for await (const one of queryLake({ project, lake, ledger: undefined, engine }, { sql, signal }))
      rows.push(...one.rows.map((row) => String(row['line'])));
    return rows.sort();
  };
  try {
    const states = new Map<string, number>();
    for (const { state, table, rows } of listQuarantine(ledger, { filter: {} })) {
      const key = `${state} ${table}`;
      states.set(key, (states.get(key) ?? 0) + rows);
    }
    return {
      bronze: await lines('bronze.rows', `id, parent, t, coalesce(v, '')`),
      silver: await lines('silver.rows', 'id, parent, t, v'),
      open_bronze: await lines('quarantine.bronze_rows', 'file, line, rule'),
      open_silver: await lines('quarantine.silver_rows', 'file, line, rule'),
      states: [...states].map(([key, rows]) => `${key} ${rows}`).sort(),
    };
  } finally {
    ledger.close();
    await engine.close();
  }
}

async function decide(folder: string, one: Extract<Act, { do: 'fix' | 'replay' | 'discard' }>): Promise<void> {
  const fix: Partial<Pick<Fix, 'set'>> = one.do === 'fix' ? { set: one.set } : {};
  const report = await decideQuarantine(rooms, await loadedProject(folder), {
    command: 'quarantine',
    tell: () => undefined,
    signal: new AbortController().signal,
    table: one.table,
    action: one.do,
    filter: one.rule === undefined ? {} : { rule: one.rule },
    dry_run: false,
    ...(one.do === 'discard' ? { why: 'test' } : {}),
    ...fix,
  });
  expect(report.run?.steps.filter((step) => step.status === 'failed')).toEqual([]);
  expect(report.unfit).toEqual([]);
}

describe('quarantine against a model', () => {
  it('every record is where it belongs, whatever was decided', { timeout: TIME_MS + 120_000 }, async ({
    onTestFailed,
  }) => {
    onTestFailed(() => console.log(`to see it again: DATAFLOW_PROPERTY_SEED=${seed}`));
    await fc.assert(
      fc.asyncProperty(batch, fc.array(act, { minLength: 3, maxLength: 6 }), async (first, acts) => {
        const folder = mkdtempSync(join(root, 'p'));
        mkdirSync(join(folder, 'in'));
        writeFileSync(join(folder, 'pipelines.yaml'), config(0));
        const model = newModel();
        for (const [index, one] of ([{ do: 'load', batch: first }, ...acts] as readonly Act[]).entries()) {
          play(model, one, index);
          if (one.do === 'load') put(folder, index, one.batch);
          if (one.do === 'loosen') {
            writeFileSync(join(folder, 'pipelines.yaml'), config(model.min));
            // A decision is about the quarantine as it is: the rules that put the rows there are those of the last run.
            await run(folder);
            play(model, { do: 'run' }, index);
          }
          if (one.do === 'load' || one.do === 'refresh') await run(folder, one.do === 'refresh');
          else if ('table' in one) await decide(folder, one);
        }
        await run(folder);
        play(model, { do: 'run' }, 0);
        expect(await found(folder)).toEqual(expected(model));
        expect(await run(folder)).toBe('nothing_to_do');
        const project = await loadedProject(folder);
        const lake = await rooms.openLake(project);
        await rebuildLedger({ lake, folder: rooms.stateFolder(project), openLedger: rooms.openLedgerAt });
        expect(await found(folder)).toEqual(expected(model));
        expect(await run(folder)).toBe('nothing_to_do');
        rmSync(folder, { recursive: true, force: true });
      }),
      { seed, numRuns: RUNS, endOnFailure: true, interruptAfterTimeLimit: TIME_MS },
    );
  });
});
