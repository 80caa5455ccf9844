import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import type { Engine, Row } from '../../core/ports/engine.ts';
import type { Lake } from '../../core/ports/lake.ts';
import { verifyLake } from '../care/verify-lake.ts';
import { queryLake } from '../data/query-lake.ts';
import type { LoadedProject, Rooms } from '../rooms.ts';
import type { RunEvent, RunReport } from '../run/run-events.ts';
import { runPipeline } from '../run/run-pipeline.ts';
import { runStream } from '../stream/run-stream.ts';
import { STREAM_ROWS } from './demo-project.ts';
import { expectedOrders } from './orders.ts';
import { canReadScans, SCAN_TOTAL } from './scan.ts';

const SCAN_CHECK = 'OCR: total on a scanned invoice';

/** What was put in, held against what came out. */
export interface DemoCheck {
  readonly check: string;
  readonly expected: number | string;
  readonly found: number | string;
  readonly result: 'pass' | 'fail' | 'skipped';
  /** What went wrong, where the numbers do not say it, or why it was not tried. */
  readonly detail?: string;
}

export interface Demo {
  readonly rooms: Rooms;
  readonly project: Project;
  /** The same one with an inbox of scans. */
  readonly withScans: () => Promise<LoadedProject>;
  /** Requests that the API refused so far. */
  readonly refused: () => number;
  readonly command: string;
  readonly signal: AbortSignal;
  readonly tell: (event: RunEvent) => void;
  /** Told what is done now. */
  readonly now: (words: string) => void;
}

interface Opened {
  readonly demo: Demo;
  readonly lake: Lake;
  readonly engine: Engine;
  check(check: string, expected: number | string, found: number | string): void;
  skip(check: string, expected: number | string, detail: string): void;
}

/** Runs everything and checks it. A failure ends it and is the last check. @throws DataflowError E_INTERRUPTED */
export async function checkDemo(demo: Demo): Promise<readonly DemoCheck[]> {
  const { rooms, project } = demo;
  const checks: DemoCheck[] = [];
  const lake = await rooms.openLake(project);
  const engine = await rooms.openEngine(project);
  const check: Opened['check'] = (name, expected, found) =>
    checks.push({ check: name, expected, found, result: String(expected) === String(found) ? 'pass' : 'fail' });
  const skip: Opened['skip'] = (name, expected, detail) =>
    checks.push({ check: name, expected, found: '', result: 'skipped', detail });
  const open: Opened = { demo, lake, engine, check, skip };
  try {
    for (const part of [checkStream, checkBatch, checkSecondRun, checkLake, checkScan]) await part(open);
  } catch (error) {
    if (demo.signal.aborted) throw error;
    const detail = error instanceof DataflowError ? `${error.code}: ${error.message}` : String(error);
    checks.push({ check: 'everything was tried', expected: 'yes', found: 'no', result: 'fail', detail });
  } finally {
    await engine.close();
  }
  return checks;
}

/** Longest time for the stream, which takes about a second. */
const STREAM_MAX_MS = 30_000;

async function checkStream(open: Opened): Promise<void> {
  const { demo, check } = open;
  demo.now('a stream of made-up records');
  const enough = new AbortController();
  let taken = 0;
  const report = await runStream(demo.rooms, demo.project, {
    sources: ['stream'],
    command: demo.command,
    every_ms: 100,
    for_ms: STREAM_MAX_MS,
    signal: AbortSignal.any([demo.signal, enough.signal]),
    tell: demo.tell,
    publish: false,
    published: () => undefined,
    took: ({ steps }) => {
      for (const { step, balance } of steps) if (step === 'bronze.stream') taken += balance?.rows_in ?? 0;
      if (taken >= STREAM_ROWS) enough.abort();
    },
  });
  demo.signal.throwIfAborted();
  check('stream: ends with exit code', 0, report.exit_code);
  const rows = await count(open, 'select count(*) as n from bronze.stream');
  check('stream: records, in the table or in quarantine', STREAM_ROWS, rows + (await aside(open, 'bronze_stream')));
  check(
    'stream: rows that are there once',
    rows,
    await count(open, 'select count(distinct id) as n from silver.stream'),
  );
}

async function checkBatch(open: Opened): Promise<void> {
  const { demo, check } = open;
  demo.now('an API, and CSV, JSON and Parquet files');
  const expected = expectedOrders();
  const report = await runAll(demo);
  check('batch: ends with exit code', 0, report.exit_code);
  const bronze = (name: string): Promise<number> => count(open, `select count(*) as n from bronze.${name}`);
  check('API: rows of five pages', expected.bronze.orders_api, await bronze('orders_api'));
  check('API: refusals (503, 429) that it got over', 2, demo.refused());
  check('CSV: rows', expected.bronze.orders_csv, await bronze('orders_csv'));
  check('JSON: rows', expected.bronze.orders_json, await bronze('orders_json'));
  check('Parquet: rows', expected.bronze.orders_parquet, await bronze('orders_parquet'));
  check('quarantine: records that cannot be read', expected.unreadable, await aside(open, 'bronze_orders_'));
  check('quarantine: rows that break a rule', expected.against_rules, await aside(open, 'silver_orders'));
  check(
    'silver: one row for each good order',
    expected.silver,
    await count(open, 'select count(*) as n from silver.orders'),
  );
  const [sum] = await rows(open, 'select sum(revenue)::varchar as revenue from gold.revenue');
  check('gold: revenue, to the cent', expected.revenue, String(sum?.['revenue']));
}

async function checkSecondRun({ demo, check }: Opened): Promise<void> {
  demo.now('the same again');
  const { steps } = await runAll(demo);
  check('second run: tables that it publishes', 0, steps.filter((step) => step.status === 'succeeded').length);
}

async function checkLake({ demo, check }: Opened): Promise<void> {
  demo.now('every file against its hash, every number of the stream');
  const report = await verifyLake(demo.rooms, demo.project, {
    ...{ tables: [], all_versions: true, sources: true, quick: false, rows: true },
    signal: demo.signal,
    tell: () => undefined,
  });
  check('verify: damage', 0, report.errors);
}

/** Reading scans takes packages that are installed apart. */
async function checkScan(open: Opened): Promise<void> {
  const { demo, check, skip } = open;
  const { project } = await demo.withScans();
  const { ok, words, hint } = await canReadScans(demo.rooms, project);
  if (!ok) return skip(SCAN_CHECK, SCAN_TOTAL, `${SCAN_CHECK}: ${words}. ${hint ?? ''}`.trim());
  demo.now('a scanned invoice');
  await runAll({ ...demo, project }, ['bronze.scans']);
  const [scan] = await rows(open, 'select total from bronze.scans');
  check(SCAN_CHECK, SCAN_TOTAL, String(scan?.['total']));
}

function runAll({ rooms, project, command, signal, tell }: Demo, select: readonly string[] = []): Promise<RunReport> {
  const selection = { select, exclude: [] };
  return runPipeline(rooms, project, { selection, full_refresh: false, rehash: false, command, signal, tell });
}

async function rows({ demo, lake, engine }: Opened, sql: string): Promise<readonly Row[]> {
  const found: Row[] = [];
  const open = { project: demo.project, lake, ledger: undefined, engine };
  for await (const batch of queryLake(open, { sql, signal: demo.signal })) found.push(...batch.rows);
  return found;
}

/** The number `n` of the only row. */
async function count(open: Opened, sql: string): Promise<number> {
  return Number((await rows(open, sql))[0]?.['n']);
}

/** Rows in the quarantine of tables whose name begins like this. */
async function aside(open: Opened, prefix: string): Promise<number> {
  const tables = (await open.lake.tables()).filter((one) => one.layer === 'quarantine' && one.name.startsWith(prefix));
  let sum = 0;
  for (const { name } of tables) sum += await count(open, `select count(*) as n from quarantine.${name}`);
  return sum;
}
