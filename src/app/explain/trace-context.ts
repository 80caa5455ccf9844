import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { parseTableKey, type TableId, tableKey } from '../../core/model/table.ts';
import type { TraceLevel } from '../../core/model/trace.ts';
import { codeFingerprint } from '../../core/planning/fingerprint.ts';
import type { Node } from '../../core/planning/graph.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import type { RunContext } from '../../medallion/context.ts';
import { decidedInput } from '../../medallion/decisions.ts';
import type { SilverNode, SilverStep } from '../../medallion/silver/sql.ts';
import { type BoundVersion, TraceSession } from '../../medallion/trace/session.ts';
import type { OpenProject } from '../run/open-project.ts';

/** An opened project and the session in which a trace finds its rows. */
export interface TraceContext extends OpenProject {
  readonly trace: TraceSession;
  /** Rows that a level shows. */
  readonly limit: number;
}

export function newTrace(open: OpenProject, session: EngineSession, limit: number): TraceContext {
  return { ...open, trace: new TraceSession(session), limit };
}

/** How a version of a table was made. */
export interface Making {
  /** Input table → version that was read. */
  readonly inputs: Readonly<Record<string, number>>;
  /** The clock that the rules saw. */
  readonly now_ms: number;
  /** The definition of today is not the one that the version was made with. */
  readonly redefined: boolean;
}

/** What the newest step that published the version (or left it as it was) read. Maintenance changes no row and is passed over. */
export async function makingOf(
  context: Pick<TraceContext, 'lake' | 'ledger'>,
  node: Node,
  version: number,
): Promise<Making> {
  const fingerprint = codeFingerprint(node);
  const last = context.ledger.lastSuccess(node.key);
  if (last?.output_version === version) {
    return {
      inputs: last.inputs,
      now_ms: Date.parse(last.started_at),
      redefined: last.code_fingerprint !== undefined && last.code_fingerprint !== fingerprint,
    };
  }
  const history = await context.lake.history({ layer: node.layer, name: node.name });
  const made = history
    .filter((entry) => entry.version <= version && entry.note?.step === node.key && entry.note.inputs !== undefined)
    .sort((a, b) => b.version - a.version)[0];
  if (made?.note?.inputs === undefined) {
    throw new DataflowError('E_LAKE_NO_VERSION', `how version ${version} of ${node.key} was made is no longer known`, {
      hint: `Build it again: dataflow run --full-refresh --select ${node.key}`,
    });
  }
  return {
    inputs: made.note.inputs,
    now_ms: made.committed_at_ms,
    redefined: made.note.code_fingerprint !== undefined && made.note.code_fingerprint !== fingerprint,
  };
}

/** The versions that a version of a table was made from. */
export async function inputsOf(
  context: Pick<TraceContext, 'lake'>,
  making: Making,
): Promise<ReadonlyMap<string, Snapshot>> {
  const found = new Map<string, Snapshot>();
  for (const [name, version] of Object.entries(making.inputs)) {
    const table = parseTableKey(name);
    const snapshot = table === undefined ? undefined : await versionOrNewest(context, table, version);
    if (snapshot !== undefined) found.set(name, snapshot);
  }
  return found;
}

/** Decisions are only ever added to, so that their newest version tells of all before; compaction may have collected the older one. */
async function versionOrNewest(
  { lake }: Pick<TraceContext, 'lake'>,
  table: TableId,
  version: number,
): Promise<Snapshot | undefined> {
  try {
    return await lake.snapshot(table, { version });
  } catch (error) {
    const collected = error instanceof DataflowError && error.code === 'E_LAKE_NO_VERSION';
    if (!collected || table.layer !== 'quarantine') throw error;
    return lake.snapshot(table);
  }
}

/** A silver step as it was when it made the version, for asking about its rows; it cannot publish. */
export function silverStep(
  context: TraceContext,
  node: SilverNode,
  making: Making,
  versions: ReadonlyMap<string, Snapshot>,
  published: Snapshot,
): SilverStep {
  const inputs = new Map(versions);
  const decided = inputs.get(decidedInput(node));
  inputs.delete(decidedInput(node));
  const { project, graph, lake, ledger, checks } = context;
  const run: Partial<RunContext> = { project, graph, lake, ledger, checks, now_ms: making.now_ms, run_id: 'trace' };
  return {
    run: run as RunContext,
    node,
    step_id: 'trace',
    verdict: { run: false, mode: 'full', reason: 'trace', changed: [], causes: [] },
    code_fingerprint: '',
    definition: undefined,
    inputs,
    decided,
    recall: { published },
    started_ms: making.now_ms,
  };
}

/** The newest published version, or an older one. @throws DataflowError E_LAKE_NO_TABLE, E_LAKE_NO_VERSION. */
export async function tableAt(context: TraceContext, table: TableId, version?: number): Promise<Snapshot> {
  const snapshot = await context.lake.snapshot(table, version === undefined ? undefined : { version });
  if (snapshot === undefined) {
    throw new DataflowError('E_LAKE_NO_TABLE', `the lake has no table ${tableKey(table)}`, {
      hint: 'Build it first: dataflow run',
    });
  }
  return snapshot;
}

/** How many rows are marked, and the first of them. */
export async function levelOf(
  context: TraceContext,
  bound: BoundVersion,
  marked: string,
  about: Partial<Pick<TraceLevel, 'next' | 'at_most' | 'notes'>> = {},
): Promise<TraceLevel> {
  const { session } = context.trace;
  const [count] = await session.rows(`select count(*) as n, count(*) filter (where _df_sure) as sure from ${marked}`);
  const rows = await session.rows(
    `select * exclude (_df_id, _df_sure) from (${context.trace.markedRows(bound, marked)}) order by _df_sure desc, _df_id limit ${context.limit}`,
  );
  return {
    table: tableKey(bound.snapshot.table),
    version: bound.snapshot.version,
    rows: Number(count?.['n'] ?? 0),
    sure_rows: Number(count?.['sure'] ?? 0),
    sample: rows,
    next: [],
    at_most: [],
    notes: [],
    ...about,
  };
}
