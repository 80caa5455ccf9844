import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { rebuildLedger } from '../src/app/care/rebuild-ledger.ts';
import { queryLake } from '../src/app/data/query-lake.ts';
import { undo } from '../src/app/releases/undo.ts';
import { runPipeline } from '../src/app/run/run-pipeline.ts';
import { rooms } from '../src/main.ts';

/**
 * For random sequences of loads, undos, undos of undos and redos: the tables, the quarantine and its counts are those of a project that only
 * ever saw the files which count in the end, in the order in which they came; a further run finds nothing to do; and a ledger that is
 * made anew from the lake knows the same.
 */
const root = mkdtempSync(join(tmpdir(), 'dataflow-undo-model-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const RUNS = Number(process.env['DATAFLOW_PROPERTY_RUNS'] ?? 4);
const seed = Number(process.env['DATAFLOW_PROPERTY_SEED'] ?? Date.now() % 2 ** 31);
/** A slow machine does fewer of them. */
const TIME_MS = RUNS * 45_000;

const CONFIG = `version: 1
name: undo
lake: { url: ./lake }
engine: { type: duckdb, threads: 2, memory_limit: 512MB }
sources:
  parents: { type: files, path: in/parents*.csv, settle_seconds: 0, columns: { id: bigint } }
  rows: { type: files, path: in/rows*.csv, settle_seconds: 0, columns: { id: bigint, parent: bigint, t: bigint, v: bigint } }
silver:
  parents: { from: parents, key: id, dedupe: { keep: first } }
  rows:
    from: rows
    rules: [ { not_null: v }, { between: { column: v, min: 0 } }, { references: { column: parent, table: silver.parents, on: id } } ]
    key: id
    dedupe: { keep: last }
gold:
  per_t: { sql: "select t, count(*) as n, sum(v) as total from silver.rows group by t", refresh: { by: t } }
  per_parent: { sql: "select parent, count(*) as n from silver.rows group by parent" }
`;

interface Batch {
  readonly rows: readonly (readonly [number, number, number, number])[];
  readonly parents: readonly number[];
}
type Act = { readonly do: 'load'; readonly batch: Batch } | { readonly do: 'undo' | 'redo' | 'run' | 'first' };

const small = (min: number, max: number) => fc.integer({ min, max });
const batch: fc.Arbitrary<Batch> = fc.record({
  rows: fc.array(fc.tuple(small(1, 6), small(1, 4), small(1, 3), small(-2, 9)), { maxLength: 6 }),
  parents: fc.array(small(1, 4), { maxLength: 2 }),
});
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: batch.map((one): Act => ({ do: 'load', batch: one })) },
  { weight: 3, arbitrary: fc.constant<Act>({ do: 'undo' }) },
  { weight: 2, arbitrary: fc.constant<Act>({ do: 'redo' }) },
  { weight: 1, arbitrary: fc.constant<Act>({ do: 'run' }) },
  { weight: 1, arbitrary: fc.constant<Act>({ do: 'first' }) },
);

let made = 0;
function newProject(): string {
  const folder = join(root, `p${++made}`);
  mkdirSync(join(folder, 'in'), { recursive: true });
  writeFileSync(join(folder, 'pipelines.yaml'), CONFIG);
  return folder;
}

/** A last line of its own makes each file's content unlike the others'. */
function put(folder: string, index: number, { rows, parents }: Batch): void {
  const lines = rows.map((row) => `${row.join(',')}\n`).join('');
  writeFileSync(join(folder, `in/rows${index}.csv`), `id,parent,t,v\n${lines}${100 + index},1,1,1\n`);
  writeFileSync(
    join(folder, `in/parents${index}.csv`),
    `id\n${parents.map((id) => `${id}\n`).join('')}${100 + index}\n`,
  );
}

const loadedProject = async (folder: string) => (await rooms.loadProject({ cwd: folder, env: {} })).project;
const signal = new AbortController().signal;

async function run(folder: string, redo = false): Promise<string> {
  const report = await runPipeline(rooms, await loadedProject(folder), {
    selection: { select: [], exclude: [] },
    full_refresh: false,
    rehash: false,
    redo,
    command: 'run',
    signal,
    tell: () => undefined,
  });
  expect(report.steps.filter((step) => step.status === 'failed').map((step) => step.error)).toEqual([]);
  return report.status;
}

async function goBack(folder: string, target?: string): Promise<boolean> {
  const options = { dry_run: false, command: 'undo', signal, notice: () => undefined };
  const report = await undo(rooms, await loadedProject(folder), {
    ...options,
    ...(target === undefined ? {} : { target }),
  });
  return report.run_id !== null;
}

const TABLES = ['silver.rows', 'silver.parents', 'gold.per_t', 'gold.per_parent', 'bronze.rows'];

/** Rows of every table and of the quarantine, and what the ledger counts there. */
async function content(folder: string): Promise<Record<string, unknown>> {
  const project = await loadedProject(folder);
  const lake = await rooms.openLake(project);
  const engine = await rooms.openEngine(project);
  const ledger = await rooms.openLedger(project, { read_only: true, create: false });
  const found: Record<string, unknown> = {};
  try {
    const known = new Set((await lake.tables()).map((table) => `${table.layer}.${table.name}`));
    for (const table of [...TABLES, 'quarantine.silver_rows']) {
      const columns = table.startsWith('quarantine') ? 'rule, reason, file, line, raw, row_key' : '*';
      const rows: unknown[] = [];
      if (known.has(table)) {
        const sql = `select ${columns} from ${table} order by all`;
        for await (const one of queryLake({ project, lake, ledger: undefined, engine }, { sql, signal }))
          rows.push(...one.rows);
      }
      found[table] = rows;
    }
    const counts = new Map<string, number>();
    for (const { table, rule, file, rows } of ledger.quarantine()) {
      const key = `${table} ${rule} ${file}`;
      counts.set(key, (counts.get(key) ?? 0) + rows);
    }
    found['counts'] = [...counts].sort();
    found['inputs'] = ledger.inputs().map(({ path, status, records }) => ({ path, status, records }));
  } finally {
    ledger.close();
    await engine.close();
  }
  return found;
}

/** What the ledger knows of inputs; made anew from the lake it must be the same. */
async function expectRebuilt(folder: string): Promise<void> {
  const project = await loadedProject(folder);
  const known = async () => {
    const ledger = await rooms.openLedger(project, { read_only: true, create: false });
    try {
      const inputs = ledger
        .inputs()
        .map(({ source, path, sha256, status, version }) => ({ source, path, sha256, status, version }));
      const releases = ledger.releases(1000).map(({ release_id, tables }) => ({ release_id, tables }));
      const undone = ledger.undoneInputs();
      return {
        inputs,
        releases,
        undone,
        undos: ledger.undos().map(({ run_id, since_run }) => ({ run_id, since_run })),
      };
    } finally {
      ledger.close();
    }
  };
  const before = await known();
  const lake = await rooms.openLake(project);
  await rebuildLedger({ lake, folder: rooms.stateFolder(project), openLedger: rooms.openLedgerAt });
  expect(await known()).toEqual(before);
}

/** Plays the acts and says which batches count in the end, in the order in which they came. */
async function play(folder: string, acts: readonly Act[]): Promise<{ batches: Batch[]; order: readonly number[] }> {
  const batches: Batch[] = [];
  /** After each publishing run: the batches that count. */
  const states: (readonly number[])[] = [[]];
  const now = (): readonly number[] => states.at(-1) ?? [];
  for (const one of acts) {
    if (one.do === 'load') {
      put(folder, batches.length, one.batch);
      states.push([...now(), batches.length]);
      batches.push(one.batch);
      await run(folder);
    } else if (one.do === 'redo') {
      const left = batches.map((_, index) => index).filter((index) => !now().includes(index));
      if (left.length > 0) states.push([...now(), ...left]);
      await run(folder, true);
    } else if (one.do === 'run') expect(await run(folder)).toBe('nothing_to_do');
    else if (states.length > 1 && (one.do === 'undo' || states.length > 2)) {
      const before = one.do === 'undo' ? states.at(-2) : states[1];
      if (await goBack(folder, one.do === 'undo' ? undefined : 'first')) states.push(before ?? []);
      else expect(now()).toEqual(before);
    }
  }
  return { batches, order: now() };
}

describe('undo against a model', () => {
  it('is as if what was undone had never come', { timeout: TIME_MS + 120_000 }, async ({ onTestFailed }) => {
    onTestFailed(() => console.log(`to see it again: DATAFLOW_PROPERTY_SEED=${seed}`));
    await fc.assert(
      fc.asyncProperty(batch, fc.array(act, { minLength: 2, maxLength: 6 }), async (first, acts) => {
        const folder = newProject();
        const { batches, order } = await play(folder, [{ do: 'load', batch: first }, ...acts]);
        const plain = newProject();
        for (const index of order) {
          put(plain, index, batches[index] ?? first);
          await run(plain);
        }
        if (order.length > 0) expect(await content(folder)).toEqual(await content(plain));
        expect(await run(folder)).toBe('nothing_to_do');
        await expectRebuilt(folder);
        expect(await run(folder)).toBe('nothing_to_do');
        expect(await run(folder, true)).toBe(order.length === batches.length ? 'nothing_to_do' : 'succeeded');
        for (const one of [folder, plain]) rmSync(one, { recursive: true, force: true });
      }),
      { seed, numRuns: RUNS, endOnFailure: true, interruptAfterTimeLimit: TIME_MS },
    );
  });
});
