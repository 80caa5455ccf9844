import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { BackfillProgress } from '../core/model/backfill.ts';
import type { Column } from '../core/model/table.ts';
import type { Node } from '../core/planning/graph.ts';
import { planWindows, windowKind } from '../core/planning/windows.ts';
import type { CandidateFile, EngineSession } from '../core/ports/engine.ts';
import type { DataFile, Snapshot } from '../core/ports/lake.ts';
import type { QuarantineCount, StepRecord, TestResult } from '../core/ports/ledger.ts';
import { storedColumns } from '../core/types/stored-columns.ts';
import { faultPoint } from '../kit/fault.ts';
import { quoteIdent } from '../kit/sql.ts';
import { audit, runTests } from './audit.ts';
import { relationOf, type StepContext } from './context.ts';
import { clusterBy, modelColumns } from './gold/run-gold.ts';
import type { GoldStep } from './gold/step.ts';
import { type Publication, publish } from './publish.ts';
import { type QuarantineChange, stageQuarantine } from './quarantine.ts';
import { mayHoldSegment, type Segment, segmentSql } from './segment.ts';
import { countOf } from './silver/candidate.ts';
import { returnedHere } from './silver/decided.ts';
import { findLosers, goodRows } from './silver/dedupe.ts';
import { defineSilver } from './silver/define.ts';
import { sinceFirstRejected } from './silver/first-rejected.ts';
import { bindSources, wholeInput } from './silver/input.ts';
import { rejectRows } from './silver/reject.ts';
import type { SilverStep, SilverViews } from './silver/sql.ts';

/** A step of a table that can be computed in windows. */
export type TableStep = StepContext<Exclude<Node, { layer: 'bronze' }>>;

/** One window to be computed. */
export interface WindowWork {
  readonly progress: BackfillProgress;
  readonly segment: Segment;
  /** The whole range of the backfill. */
  readonly range: Segment;
  /** The table is, everywhere, of this definition and these input versions already: it stays so with every window. */
  readonly consistent: boolean;
}

/** The rows that a table's whole computation gives, ready to be asked for. */
interface WholeRows {
  readonly columns: readonly Column[];
  /** SELECT of all rows. */
  readonly sql: string;
  /** Silver only: what the rows that are no part of the table came to. */
  readonly silver?: { readonly views: SilverViews; readonly losers: number };
}

/** Name and type of the column that windows are cut by, as the table's own computation gives it. */
export async function describeTable(step: TableStep): Promise<readonly Column[]> {
  const session = await step.run.openTables(`${step.run.run_id}/${step.node.key}`);
  try {
    // To describe a table nobody is asked for its values.
    return (await wholeRows({ ...step, recall: {} }, session)).columns;
  } finally {
    await session.close();
  }
}

/** The range of a backfill by the column's type, cut into windows. @throws DataflowError E_BACKFILL, E_USAGE. */
export function segmentsOf(
  table: string,
  columns: readonly Column[],
  asked: { readonly column: string; readonly from: string; readonly to: string; readonly window: string },
): { readonly range: Segment; readonly segments: readonly Segment[] } {
  const column = columns.find((one) => one.name.toLowerCase() === asked.column.toLowerCase());
  if (column === undefined) {
    throw new DataflowError('E_BACKFILL', `${table} has no column ${asked.column}`, {
      hint: `Its columns are ${columns.map((one) => one.name).join(', ')}.`,
    });
  }
  const kind = windowKind(column.type);
  if (kind === undefined) {
    throw new DataflowError(
      'E_BACKFILL',
      `${table}: ${column.name} is ${column.type}; windows need dates, times or whole numbers`,
      { hint: 'Name another column with --by.' },
    );
  }
  const segments = planWindows(kind, asked.from, asked.to, asked.window).map((one) => ({
    ...one,
    column: column.name,
    kind,
  }));
  const [first, last] = [segments[0], segments.at(-1)];
  if (first === undefined || last === undefined) throw new DataflowError('E_USAGE', 'there is no window');
  return { range: { ...first, to: last.to }, segments };
}

/**
 * Computes one window from the table's whole definition (so that rows of it are those of a full computation, whatever the SQL), puts
 * it in the place of the window's published rows, and publishes that. Only files that may hold rows of the window are written again.
 */
export async function backfillWindow(step: TableStep, work: WindowWork): Promise<StepRecord> {
  const { run, node } = step;
  const cpu = process.cpuUsage();
  const session = await run.openTables(`${run.run_id}/${node.key}`);
  try {
    const snapshot = await run.lake.snapshot({ layer: node.layer, name: node.name });
    const whole = await wholeRows(step, session);
    refuseOtherColumns(step, whole.columns, snapshot);
    const { add, stale, keep } = await writeWindow(step, session, whole, work.segment, snapshot);
    faultPoint('after-stage');
    const files = [...keep, ...add];
    const last = work.progress.position === work.progress.job.windows - 1;
    const complete = last && (work.consistent || (await isComplete(session, whole, files, step, work.range)));
    const judged = work.consistent || complete;
    const candidate = { columns: whole.columns, partition_by: node.spec.partition_by, files };
    const tests = judged
      ? await audit(step, session, candidate, snapshot)
      : await auditUnfinished(step, session, candidate, snapshot);
    const rejected =
      complete && !work.consistent ? await rejectedRows(step, session, whole, snapshot?.version) : NOTHING_REJECTED;
    const grown = total(add) - total(stale);
    const used = process.cpuUsage(cpu);
    return await publish(step, {
      snapshot,
      mode: 'rewrite',
      add,
      remove: stale,
      columns: whole.columns,
      partition_by: node.spec.partition_by,
      txns: [],
      inputs: Object.fromEntries([...step.inputs].map(([table, input]) => [table, input.version])),
      balance: {
        rows_in: grown + rejected.rows,
        rows_out: grown,
        quarantined: rejected.rows,
        deduplicated: 0,
        filtered: 0,
      },
      tests,
      computed: 'incremental',
      ...(rejected.change === undefined ? {} : { quarantine: rejected.change }),
      quarantine_counts: rejected.counts,
      replaces_quarantine: rejected.replaces,
      returned: rejected.returned,
      backfill: work.progress,
      mixed: !judged,
      usage: session.usage(),
      cpu_ms: Math.round((used.user + used.system) / 1000),
    });
  } finally {
    await session.close();
  }
}

async function wholeRows(step: TableStep, session: EngineSession): Promise<WholeRows> {
  if (isGold(step)) {
    for (const [table, input] of step.inputs) await session.bind(relationOf(input, table));
    return { columns: await modelColumns(step, session), sql: `select * from (${step.node.spec.sql}\n)` };
  }
  if (!isSilver(step)) throw new DataflowError('E_INTERNAL', `${step.node.key} cannot be computed in windows`);
  const source = await bindSources(step, session, wholeInput(step));
  const views = await defineSilver(step, session, source.columns, source.decided);
  const columns = storedColumns(views.columns, step.node.key);
  const losers = await findLosers(step, session, views);
  const names = columns.map((column) => quoteIdent(column.name)).join(', ');
  return { columns, sql: `select ${names} from ${goodRows(losers > 0)}`, silver: { views, losers } };
}

function isGold(step: TableStep): step is GoldStep {
  return step.node.layer === 'gold';
}

function isSilver(step: TableStep): step is SilverStep {
  return step.node.layer === 'silver';
}

function refuseOtherColumns(step: TableStep, columns: readonly Column[], snapshot: Snapshot | undefined): void {
  if (snapshot === undefined || JSON.stringify(columns) === JSON.stringify(snapshot.columns)) return;
  throw new DataflowError(
    'E_BACKFILL',
    `the columns of ${step.node.key} are not those of its version ${snapshot.version}`,
    {
      kept: `the published version ${snapshot.version} of ${step.node.key} stays as it is`,
      hint: `One table has one set of columns: compute it whole with dataflow run --full-refresh --select ${step.node.key}`,
    },
  );
}

async function writeWindow(
  step: TableStep,
  session: EngineSession,
  whole: WholeRows,
  segment: Segment,
  snapshot: Snapshot | undefined,
): Promise<{ add: readonly CandidateFile[]; stale: readonly DataFile[]; keep: readonly DataFile[] }> {
  const { run, node } = step;
  const published = snapshot?.files ?? [];
  const stale = published.filter((file) => mayHoldSegment(file, segment));
  const inside = segmentSql(segment);
  const names = whole.columns.map((column) => quoteIdent(column.name)).join(', ');
  const parts = [`select ${names} from (${whole.sql}) where ${inside}`];
  if (stale.length > 0) {
    const partition_by = snapshot?.partition_by ?? [];
    await session.bind({ name: 'stale', columns: whole.columns, partition_by, files: stale });
    parts.push(`select ${names} from stale where not ${inside}`);
  }
  const cluster = isGold(step) ? clusterBy(step.node, whole.columns) : undefined;
  const add = await session.write(parts.join('\nunion all\n'), {
    folder: await run.lake.stage(run.run_id, step.step_id, 'data'),
    columns: whole.columns,
    partition_by: node.spec.partition_by,
    ...(cluster === undefined ? {} : { cluster_by: cluster }),
  });
  return { add, stale, keep: published.filter((file) => !stale.includes(file)) };
}

/** Nothing of the whole computation, and nothing of the table, lies outside the range: the table is what a full computation gives. */
async function isComplete(
  session: EngineSession,
  whole: WholeRows,
  files: readonly (DataFile | CandidateFile)[],
  step: TableStep,
  range: Segment,
): Promise<boolean> {
  const outside = `where not ${segmentSql(range)}`;
  if ((await countOf(session, `(${whole.sql}) ${outside}`)) > 0) return false;
  await session.bind({ name: 'candidate', columns: whole.columns, partition_by: step.node.spec.partition_by, files });
  return (await countOf(session, `candidate ${outside}`)) === 0;
}

/** A table that is being rebuilt is partly of an older definition, or not there yet: its tests are told, and judged with the last window. */
async function auditUnfinished(
  step: TableStep,
  session: EngineSession,
  candidate: Parameters<typeof audit>[2],
  snapshot: Snapshot | undefined,
): Promise<readonly TestResult[]> {
  for (const name of ['this', step.node.key]) await session.bind({ name, ...candidate });
  const results = await runTests(step.run, session, step.node.spec.tests, candidate.columns, snapshot?.rows);
  return results.map((result) => ({ ...result, severity: 'warn' }));
}

interface Rejected {
  readonly rows: number;
  readonly counts: readonly QuarantineCount[];
  readonly change: QuarantineChange | undefined;
  readonly replaces: boolean;
  readonly returned: Publication['returned'];
}

const NOTHING_REJECTED: Rejected = { rows: 0, counts: [], change: undefined, replaces: false, returned: undefined };

/** Once the whole table is of the new definition its quarantine is written anew, as a full computation does. */
async function rejectedRows(
  step: TableStep,
  session: EngineSession,
  { silver, sql }: WholeRows,
  version: number | undefined,
): Promise<Rejected> {
  if (!isSilver(step) || silver === undefined) return NOTHING_REJECTED;
  const { views, losers } = silver;
  const expected = (await countOf(session, 'picked')) - losers - (await countOf(session, `(${sql})`));
  const rejected = await rejectRows(step, session, views, { has_losers: losers > 0, expected });
  const found = await sinceFirstRejected(step, session, rejected, { decided: views.decided, table_version: version });
  const change = await stageQuarantine(step, session, found.sql, 'all');
  const returned = views.decided ? await returnedHere(step, session, found.rows > 0) : undefined;
  return { rows: found.rows, counts: found.counts, change, replaces: true, returned };
}

function total(files: readonly { readonly rows: number }[]): number {
  return files.reduce((sum, file) => sum + file.rows, 0);
}
