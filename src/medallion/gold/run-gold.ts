import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Column } from '../../core/model/table.ts';
import { type Cause, reasonOf } from '../../core/planning/reasons.ts';
import type { CandidateFile, EngineSession } from '../../core/ports/engine.ts';
import type { DataFile, Snapshot } from '../../core/ports/lake.ts';
import type { StepRecord } from '../../core/ports/ledger.ts';
import { storedColumns } from '../../core/types/stored-columns.ts';
import { faultPoint } from '../../kit/fault.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { audit } from '../audit.ts';
import { relationOf } from '../context.ts';
import { publish } from '../publish.ts';
import { writeInBatches } from '../smaller-plan.ts';
import { refreshable, type TouchedValues, touchedValues, touchedWhere, withoutTouched } from './refresh.ts';
import type { GoldNode, GoldStep } from './step.ts';
import { filesToLookAt, touchedInputs } from './touched-inputs.ts';

/** What a model's table will hold. */
export interface GoldCandidate {
  readonly columns: readonly Column[];
  readonly add: readonly CandidateFile[];
  readonly remove: readonly DataFile[];
  /** Published files that stay: only a test of the whole table needs them. */
  keep(): readonly DataFile[];
  readonly rows_in: number;
  readonly rows_out: number;
  /** Older rows in whose place new ones came. */
  readonly replaced: number;
  readonly computed: 'full' | 'incremental';
}

/**
 * Builds one gold table: the model's SQL over fixed versions of its inputs, as a whole or only the touched values of
 * `refresh.by`, then tests, then publishes.
 */
export async function runGold(step: GoldStep): Promise<StepRecord> {
  const { run, node } = step;
  const cpu = process.cpuUsage();
  const session = await run.openTables(`${run.run_id}/${node.key}`);
  try {
    const snapshot = await run.lake.snapshot({ layer: 'gold', name: node.name });
    // To know the columns no row is needed; a refresh opens the files that it needs, and no others.
    const empty = mayRefresh(step, snapshot);
    for (const [table, input] of step.inputs)
      await session.bind(empty ? relationOf(input, table, false, []) : relationOf(input, table));
    const columns = await modelColumns(step, session);
    const { sql, spark_sql } = node.spec;
    const own = spark_sql !== undefined && session.spell?.(sql, { spark: spark_sql }) === true;
    const refreshed = own ? undefined : await refreshTouched(step, session, columns, snapshot);
    const made =
      refreshed === undefined || 'obstacle' in refreshed
        ? await computeModel(step, session, columns, snapshot)
        : refreshed;
    const told = refreshed !== undefined && 'obstacle' in refreshed ? computedWhole(step, refreshed.obstacle) : step;
    faultPoint('after-stage');
    const candidate = {
      columns: made.columns,
      partition_by: node.spec.partition_by,
      get files() {
        return [...made.keep(), ...made.add];
      },
    };
    const tests = await audit(step, session, candidate, snapshot);
    const used = process.cpuUsage(cpu);
    return await publish(told, {
      snapshot,
      mode: 'rewrite',
      add: made.add,
      remove: made.remove,
      columns: made.columns,
      partition_by: node.spec.partition_by,
      txns: [],
      inputs: Object.fromEntries([...step.inputs].map(([table, input]) => [table, input.version])),
      balance: {
        rows_in: made.rows_in,
        rows_out: made.rows_out,
        quarantined: 0,
        deduplicated: made.replaced,
        filtered: 0,
      },
      tests,
      computed: made.computed,
      quarantine_counts: [],
      replaces_quarantine: false,
      usage: session.usage(),
      cpu_ms: Math.round((used.user + used.system) / 1000),
    });
  } finally {
    await session.close();
  }
}

/** The model's output columns with the types the lake stores; SQL errors get the model's file as their place. */
export async function modelColumns(step: GoldStep, session: EngineSession): Promise<readonly Column[]> {
  try {
    return storedColumns(await session.describe(step.node.spec.sql), step.node.key);
  } catch (error) {
    if (!(error instanceof DataflowError) || error.code !== 'E_SQL') throw error;
    throw new DataflowError('E_SQL', `${step.node.key}: ${error.message}`, {
      place: { ...error.place, file: step.node.spec.sql_file },
      cause: error,
    });
  }
}

/** All rows of the model, in staging. */
export async function computeModel(
  step: GoldStep,
  session: EngineSession,
  columns: readonly Column[],
  snapshot: Snapshot | undefined,
): Promise<GoldCandidate> {
  const { run, node } = step;
  for (const [table, input] of step.inputs) await session.bind(relationOf(input, table));
  const folder = await run.lake.stage(run.run_id, step.step_id, 'data');
  const cluster = clusterBy(node, columns);
  const add = await writeInBatches(step, session, node.spec.sql, {
    folder,
    columns,
    partition_by: node.spec.partition_by,
    ...(cluster === undefined ? {} : { cluster_by: cluster }),
  });
  const rows = await session.countRows(add);
  return {
    columns,
    add,
    remove: snapshot?.files ?? [],
    keep: () => [],
    rows_in: rows,
    rows_out: total(add),
    replaced: 0,
    computed: 'full',
  };
}

function total(files: readonly { readonly rows: number }[]): number {
  return files.reduce((sum, file) => sum + file.rows, 0);
}

/** Tables that are refreshed by a date are kept in one file a month, unless they are small, so that a refresh rewrites few of them. */
export function clusterBy(node: GoldNode, columns: readonly Column[]): string | undefined {
  const by = node.spec.refresh?.by;
  if (by === undefined || node.spec.partition_by.length > 0) return undefined;
  const type = columns.find((column) => column.name.toLowerCase() === by.toLowerCase())?.type ?? '';
  return /^(date|timestamp)/.test(type) ? `date_trunc('month', ${quoteIdent(by)})` : undefined;
}

/** Files that hold several months, since each by itself would be tiny, are written again as one as long as they are no larger than this. */
const COARSE_BYTES_MAX = 8 * 1024 * 1024;

/** The rows that are written all belong into one file of {@link clusterBy}, or replace one that is too small to be divided. */
function inOneFile(touched: TouchedValues, stale: readonly DataFile[], by: string): boolean {
  if (touched.has_null) return false;
  const column = by.toLowerCase();
  const bound = (bounds: Readonly<Record<string, unknown>> = {}): unknown =>
    Object.entries(bounds).find(([name]) => name.toLowerCase() === column)?.[1];
  const spans = stale.map(({ stats }) => [bound(stats?.min_values), bound(stats?.max_values)].map(monthOf));
  const months = new Set([...touched.values.map(monthOf), ...spans.flat()]);
  if (months.has(undefined)) return false;
  const coarse = spans.some(([first, last]) => first !== last);
  return months.size === 1 || (coarse && stale.reduce((sum, file) => sum + file.size_bytes, 0) < COARSE_BYTES_MAX);
}

function monthOf(value: unknown): string | undefined {
  return /^\d{4}-\d\d(?=-\d\d)/.exec(String(value))?.[0];
}

function mayRefresh({ node, verdict }: GoldStep, snapshot: Snapshot | undefined): boolean {
  return node.spec.refresh !== undefined && snapshot !== undefined && verdict.mode === 'incremental';
}

/** The step with what stood in the way of a refresh before its other reasons, in the words of `plan`. */
function computedWhole(step: GoldStep, why: string): GoldStep {
  const causes: readonly Cause[] = [{ kind: 'no_refresh', why }, ...step.verdict.causes];
  return { ...step, verdict: { ...step.verdict, causes, reason: reasonOf(causes) } };
}

/** Undefined, or what stands in the way, when the table is to be computed whole. */
export async function refreshTouched(
  step: GoldStep,
  session: EngineSession,
  columns: readonly Column[],
  snapshot: Snapshot | undefined,
): Promise<GoldCandidate | { readonly obstacle: string } | undefined> {
  const { run, node } = step;
  const by = node.spec.refresh?.by;
  if (by === undefined || snapshot === undefined || !mayRefresh(step, snapshot)) return undefined;
  if (JSON.stringify(columns) !== JSON.stringify(snapshot.columns)) return undefined;
  const model = await refreshable(step, session, columns, by);
  if ('obstacle' in model) return model;
  const touched = await touchedValues(step, session, model);
  if (touched === undefined) return undefined;
  const inputs = touchedInputs(step, model, touched, by);
  for (const { needed, whole } of inputs) await session.bind(needed ?? whole());
  const stale = filesToLookAt(snapshot, by, touched);
  const parts = [`select * from (${model.rows_sql}) where ${touchedWhere(touched, model.value_sql)}`];
  await session.bind({ name: 'stale', columns, partition_by: snapshot.partition_by, files: stale });
  if (stale.length > 0) parts.push(`select * from stale where ${withoutTouched(touched, model.value_sql)}`);
  const cluster = inOneFile(touched, stale, by) ? undefined : clusterBy(node, columns);
  const names = columns.map((column) => quoteIdent(column.name)).join(', ');
  const rows_sql = parts.map((part) => `select ${names} from (${part})`).join('\nunion all\n');
  const add = await writeInBatches(step, session, rows_sql, {
    folder: await run.lake.stage(run.run_id, step.step_id, 'data'),
    columns,
    partition_by: node.spec.partition_by,
    ...(cluster === undefined ? {} : { cluster_by: cluster }),
  });
  const rows = await session.countRows(add);
  // A test may read the inputs, too.
  if (node.spec.tests.length > 0)
    for (const { needed, whole } of inputs) if (needed !== undefined) await session.bind(whole());
  return {
    columns,
    add,
    remove: stale,
    keep: () => {
      const gone = new Set(stale.map(({ path }) => path));
      return snapshot.files.filter(({ path }) => !gone.has(path));
    },
    rows_in: rows,
    rows_out: total(add) - total(stale),
    replaced: total(stale),
    computed: 'incremental',
  };
}
