import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { compactLake } from '../src/app/care/compact-lake.ts';
import { rebuildLedger } from '../src/app/care/rebuild-ledger.ts';
import { queryLake } from '../src/app/data/query-lake.ts';
import { type DecisionReport, decideQuarantine, rejectingNode } from '../src/app/quarantine/decide-quarantine.ts';
import { listQuarantine } from '../src/app/quarantine/list-quarantine.ts';
import { exportRows } from '../src/app/quarantine/show-quarantine.ts';
import { undo } from '../src/app/releases/undo.ts';
import { runPipeline } from '../src/app/run/run-pipeline.ts';
import { DataflowError } from '../src/core/errors/dataflow-error.ts';
import type { QuarantineFilter } from '../src/core/model/quarantine.ts';
import { rooms } from '../src/main.ts';
import { type Act, act, batch, KINDS, type Kind } from './support/quarantine-acts.ts';
import { HEADER, text } from './support/quarantine-judge.ts';
import { expected, isBeside, type Model, newModel, nowOf, play } from './support/quarantine-model.ts';

/**
 * Random files that come, change and go, decisions and second thoughts about them, runs that die, undos, redos, changed rules, compactions and rebuilt
 * ledgers, against a model that knows nothing of tables: every record is where the model says (in bronze, in silver, beaten by another one, open with
 * its rule and line, or discarded), the ledger tells the same states, counts what lies in the quarantine by run, and a further run finds nothing to do.
 */
const root = mkdtempSync(join(tmpdir(), 'dataflow-quarantine-model-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const RUNS = Number(process.env['DATAFLOW_PROPERTY_RUNS'] ?? 3);
const seed = Number(process.env['DATAFLOW_PROPERTY_SEED'] ?? Date.now() % 2 ** 31);
/** Looks after every act, not only in the end. */
const DEEP = process.env['DATAFLOW_PROPERTY_RUNS'] !== undefined;
/** A slow machine does fewer of them. */
const TIME_MS = RUNS * 45_000;

const config = (kind: Kind, min: number): string => `version: 1
name: quarantine
lake: { url: ./lake, keep: { quarantine_days: 0 } }
engine: { type: duckdb, threads: 2, memory_limit: 512MB }
sources:
  parents: { type: files, path: in/parents*.csv, settle_seconds: 0, on_missing: delete, columns: { id: bigint } }
  rows: { type: files, path: in/rows*.csv, settle_seconds: 0, on_missing: delete, columns: { id: bigint, parent: bigint, t: bigint, v: varchar } }
silver:
  parents: { from: parents, key: id, dedupe: { keep: first } }
  rows:
    from: rows
    where: "v is null or v <> '13'"
    select: { v: "try_cast(v as integer)" }
    rules:
      - { not_null: v, name: number }
      - { between: { column: v, min: ${min} }, name: range }
      - { references: { column: parent, table: silver.parents, on: id }, name: parent }
    key: id
    dedupe: ${KINDS[kind]}
gold:
  total: { sql: "select count(*) as n, sum(v) as total from silver.rows" }
`;

const loadedProject = async (folder: string) => (await rooms.loadProject({ cwd: folder, env: {} })).project;
const signal = new AbortController().signal;

async function run(
  folder: string,
  more: { readonly full_refresh?: boolean; readonly redo?: boolean } = {},
): Promise<string> {
  const report = await runPipeline(rooms, await loadedProject(folder), {
    selection: { select: [], exclude: [] },
    full_refresh: false,
    rehash: false,
    allow_missing: true,
    command: 'run',
    signal,
    tell: () => undefined,
    ...more,
  });
  expect(report.steps.filter((step) => step.status === 'failed').map((step) => step.error)).toEqual([]);
  return report.status;
}

/** The folder as the model has it; a file that does not change stays as it lies there. */
function put(folder: string, { disk }: Model): void {
  const place = join(folder, 'in');
  mkdirSync(place, { recursive: true });
  const files = new Map<string, string>();
  for (const { index, rows, parents } of disk.values()) {
    files.set(`rows${index}.csv`, `${HEADER}${rows.map((row) => `${text(row)}\n`).join('')}`);
    files.set(`parents${index}.csv`, `id\n${parents.map((id) => `${id}\n`).join('')}`);
  }
  for (const name of readdirSync(place)) if (!files.has(name)) rmSync(join(place, name));
  for (const [name, content] of files) {
    const path = join(place, name);
    if (!existsSync(path) || readFileSync(path, 'utf8') !== content) writeFileSync(path, content);
  }
}

/** Where every record is, and the states that the ledger tells. */
async function found(folder: string): Promise<ReturnType<typeof expected>> {
  const project = await loadedProject(folder);
  const lake = await rooms.openLake(project);
  const engine = await rooms.openEngine(project);
  const ledger = await rooms.openLedger(project, { read_only: true, create: false });
  const known = new Set((await lake.tables()).map((table) => `${table.layer}.${table.name}`));
  const lines = async (table: string, columns: string, of = ''): Promise<string[]> => {
    const rows: string[] = [];
    if (!known.has(table)) return rows;
    const sql = `select concat_ws(' ', ${columns}) as line from ${table}${of}`;
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
    const open: string[] = [];
    for (const table of ['bronze_rows', 'silver_rows']) {
      const key = table.replace('_', '.');
      open.push(...(await lines(`quarantine.${table}`, `'${key}', file, line, rule`)));
      const counted = ledger.quarantine(key).map((one) => [one.file, one.rule, one.run_id, one.rows].join(' '));
      expect(counted.sort()).toEqual(
        await lines(`quarantine.${table}`, 'file, rule, run_id, count(*)', ' group by file, rule, run_id'),
      );
    }
    return {
      bronze: await lines('bronze.rows', `id, parent, t, coalesce(v, '')`),
      silver: await lines('silver.rows', 'id, parent, t, v'),
      open: open.sort(),
      states: [...states].map(([key, rows]) => `${key} ${rows}`).sort(),
    };
  } finally {
    ledger.close();
    await engine.close();
  }
}

type Choice = Extract<Act, { do: 'fix' | 'replay' | 'discard' }>;

/** An export of open rows with the correction made in its cells; undefined when there are none. */
async function edited(
  folder: string,
  one: Extract<Choice, { do: 'fix' }>,
  filter: QuarantineFilter,
): Promise<string | undefined> {
  const project = await loadedProject(folder);
  const to = join(folder, 'edited.ndjson');
  const node = await rejectingNode(rooms, project, one.table);
  await exportRows(rooms, project, node, { filter, to, format: 'ndjson', formula_safe: false, signal });
  const rows = readFileSync(to, 'utf8').split('\n').filter(Boolean);
  const mended = rows.map((row) => {
    const record = JSON.parse(row);
    const cells = { id: Number(record.id), parent: Number(record.parent), t: record.t, v: record.v ?? '' };
    const { id, parent, t, v } = one.mend(cells);
    return JSON.stringify({ ...record, id: String(id), parent: String(parent), t, v });
  });
  if (rows.length === 0) return undefined;
  writeFileSync(to, `${mended.join('\n')}\n`);
  return to;
}

async function decide(folder: string, one: Choice): Promise<void> {
  const filter: QuarantineFilter = {
    ...(one.rule === undefined ? {} : { rule: one.rule }),
    ...(one.file === undefined ? {} : { file: `rows${one.file}.csv` }),
  };
  const by_file = one.do === 'fix' && one.by_file === true && one.discarded !== true;
  const from = by_file ? await edited(folder, one, filter) : undefined;
  const way = one.do !== 'fix' ? {} : from === undefined ? { set: one.set } : { from };
  const stop = new AbortController();
  const deciding = decideQuarantine(rooms, await loadedProject(folder), {
    command: 'quarantine',
    tell: ({ type }) => {
      if (type === 'step_started' && one.abort === true) stop.abort();
    },
    signal: stop.signal,
    table: one.table,
    action: one.do,
    filter,
    discarded: one.discarded === true,
    dry_run: false,
    ...(one.do === 'discard' ? { why: 'test' } : {}),
    ...way,
  });
  if (one.abort === true) return await expectStopped(deciding);
  const report = await deciding;
  expect(report.run?.steps.filter((step) => step.status === 'failed')).toEqual([]);
  expect(report.unfit).toEqual([]);
}

/** Nothing to decide and nothing to do is no run that could be stopped. */
async function expectStopped(deciding: Promise<DecisionReport>): Promise<void> {
  try {
    expect((await deciding).decided).toBe(0);
  } catch (error) {
    if (!(error instanceof DataflowError)) throw error;
    expect(error.code).toBe('E_INTERRUPTED');
  }
}

async function perform(folder: string, model: Model, one: Act): Promise<void> {
  const project = await loadedProject(folder);
  if (one.do === 'rebuild') {
    const lake = await rooms.openLake(project);
    await rebuildLedger({ lake, folder: rooms.stateFolder(project), openLedger: rooms.openLedgerAt });
  } else if (one.do === 'compact') {
    const options = { tables: [], target_bytes: 2 ** 20, grace_ms: 0, dry_run: false, command: 'compact' };
    await compactLake(rooms, project, { ...options, signal, tell: () => undefined });
  } else if (one.do === 'undo') {
    const options = { dry_run: false, command: 'undo', signal, notice: () => undefined };
    await undo(rooms, project, options);
  } else if ('table' in one) await decide(folder, one);
  else {
    if ('batch' in one || one.do === 'remove') put(folder, model);
    await run(folder, { full_refresh: one.do === 'refresh', redo: one.do === 'redo' });
  }
}

describe('quarantine against a model', () => {
  it('every record is where it belongs, whatever was decided', { timeout: TIME_MS + 120_000 }, async ({
    onTestFailed,
  }) => {
    const told: string[] = [];
    onTestFailed(() => console.log(`to see it again: DATAFLOW_PROPERTY_SEED=${seed}\n${told.join('\n')}`));
    const kinds = fc.constantFrom<Kind>('last', 'last', 'first', 'first_before', 'last_before');
    await fc.assert(
      fc.asyncProperty(kinds, batch, fc.array(act, { minLength: 4, maxLength: 8 }), async (kind, first, acts) => {
        const folder = mkdtempSync(join(root, 'p'));
        const model = newModel(kind);
        told.splice(0, told.length, folder, kind);
        for (const [number, one] of ([{ do: 'load', batch: first }, ...acts] as readonly Act[]).entries()) {
          if (isBeside(model, one)) continue;
          play(model, one, number);
          writeFileSync(join(folder, 'pipelines.yaml'), config(kind, model.min));
          told.push(JSON.stringify(one));
          await perform(folder, model, one);
          if (DEEP && nowOf(model).pending.length === 0) expect(await found(folder)).toEqual(expected(model));
        }
        await run(folder);
        play(model, { do: 'run' }, acts.length + 1);
        expect(await found(folder)).toEqual(expected(model));
        expect(await run(folder)).toBe('nothing_to_do');
        await perform(folder, model, { do: 'rebuild' });
        expect(await found(folder)).toEqual(expected(model));
        // No commit tells that a rewritten file had no row left that was decided on: that is looked at once more.
        await run(folder);
        expect(await found(folder)).toEqual(expected(model));
        expect(await run(folder)).toBe('nothing_to_do');
        rmSync(folder, { recursive: true, force: true });
      }),
      {
        seed,
        numRuns: RUNS,
        endOnFailure: true,
        interruptAfterTimeLimit: TIME_MS,
      },
    );
  });
});
