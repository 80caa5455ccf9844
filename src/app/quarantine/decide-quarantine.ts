import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import type { Assignment, QuarantineFilter } from '../../core/model/quarantine.ts';
import { parseTableKey } from '../../core/model/table.ts';
import { buildGraph } from '../../core/planning/graph.ts';
import type { EngineSession, Row } from '../../core/ports/engine.ts';
import type { Lake } from '../../core/ports/lake.ts';
import type { InputRecord } from '../../core/ports/ledger.ts';
import type { RunContext } from '../../medallion/context.ts';
import { takeApart } from '../../medallion/decide/apart.ts';
import { defineCells } from '../../medallion/decide/cells.ts';
import { mendByEdit, mendBySql } from '../../medallion/decide/mend.ts';
import { recordDecision } from '../../medallion/decide/record.ts';
import { type RejectingNode, recordColumns, selectDiscarded, selectOpen } from '../../medallion/decide/select.ts';
import { leaveOutGone } from '../../medallion/decide/still-there.ts';
import { refuseUnfit, type UnfitCell } from '../../medallion/decide/unfit.ts';
import type { DecisionAction } from '../../medallion/decisions.ts';
import type { Rooms } from '../rooms.ts';
import type { RunOptions } from '../run/locked-run.ts';
import type { RunReport } from '../run/run-events.ts';
import { runPipeline } from '../run/run-pipeline.ts';
import { bindEdited, type EditedEncoding } from './edited-file.ts';
import { type MovedFile, movedFiles } from './moved-files.ts';
import { withScratch } from './scratch.ts';
import { tryFixes } from './try-fixes.ts';
import { userName } from './user-name.ts';

export interface DecideOptions extends Pick<RunOptions, 'command' | 'tell' | 'signal'> {
  readonly table: string;
  readonly action: DecisionAction;
  readonly filter: QuarantineFilter;
  /** Rows that were discarded instead of open ones. */
  readonly discarded?: boolean;
  readonly why?: string;
  /** For `fix`: expressions over the record's cells, or an edited export (absolute path). */
  readonly set?: readonly Assignment[];
  readonly from?: string;
  readonly encoding?: EditedEncoding;
  readonly dry_run: boolean;
}

/** One row of a dry run: what it is, what it would be, and which rule would still refuse it. */
export interface TriedRow {
  readonly quarantine_id: string;
  readonly file: string | null;
  readonly line: number | null;
  readonly before: string | null;
  readonly after: string | null;
  readonly passes: boolean;
  readonly rule: string | null;
  readonly reason: string | null;
}

export interface DecisionReport {
  readonly table: string;
  readonly action: DecisionAction;
  readonly dry_run: boolean;
  /** Open rows that the filter means. */
  readonly matched: number;
  /** Those that were decided on; a fix leaves out what it does not change. */
  readonly decided: number;
  /** Decided rows that left the quarantine (in a dry run: that would). */
  readonly closed: number;
  readonly failed_again: number;
  /** In a dry run: refused files. They would be read again, and only that tells what becomes of them. */
  readonly unread_files: number;
  /** Rows of an edited export that are not open (any more). */
  readonly unknown: number;
  /** Corrections that were not taken, because a cell is no value of its column's type. */
  readonly unfit: readonly UnfitCell[];
  /** Refused files that are not where they were any more, or have other bytes. */
  readonly moved_files: readonly MovedFile[];
  readonly tried: readonly TriedRow[];
  readonly run: RunReport | undefined;
}

/** A table of the project that can have rejected rows. @throws DataflowError E_USAGE, E_LAKE_NO_TABLE. */
export async function rejectingNode(rooms: Rooms, project: Project, name: string): Promise<RejectingNode> {
  const graph = buildGraph(project, await rooms.checks());
  const table = parseTableKey(name.includes('.') ? name : `silver.${name}`);
  const node = table === undefined ? undefined : graph.byKey.get(`${table.layer}.${table.name}`);
  if (node !== undefined && node.layer !== 'gold') return node;
  const known = graph.nodes.filter((one) => one.layer !== 'gold').map((one) => one.key);
  throw new DataflowError('E_USAGE', `"${name}" is not a table with a quarantine`, {
    hint: known.length === 0 ? 'The project has no source yet.' : `Such tables are ${known.join(', ')}.`,
  });
}

/**
 * Decides about open rejected rows and carries the decision out: a run that starts with the decision, then takes the table and all that is made from it
 * through today's definitions. What was decided is in the lake before anything else happens, so a crash or a repetition changes nothing.
 * @throws DataflowError E_USAGE, E_SQL, E_SQL_SANDBOX, and whatever {@link runPipeline} throws.
 */
export async function decideQuarantine(
  rooms: Rooms,
  project: Project,
  options: DecideOptions,
): Promise<DecisionReport> {
  const node = await rejectingNode(rooms, project, options.table);
  const lake = await rooms.openLake(project);
  const before = await lookFirst(rooms, project, lake, node, options);
  if (options.dry_run) return before;
  const selection = { select: [`${node.key}+`], exclude: [] };
  const base = { selection, full_refresh: false, rehash: false };
  const first = async (run: RunContext): Promise<void> => {
    const session = await run.openSession(`${run.run_id}/decide`);
    try {
      await prepare(rooms, project, lake, session, node, options, run.temp_folder);
      const decision = {
        action: options.action,
        decided_by: userName(),
        ...(options.why === undefined ? {} : { why: options.why }),
      };
      await recordDecision(run, session, node, decision);
    } finally {
      await session.close();
    }
  };
  // Nothing is left to decide, perhaps because this very command was killed after its decision: what follows from it is still done.
  const run = await runPipeline(rooms, project, {
    ...base,
    command: options.command,
    tell: options.tell,
    signal: options.signal,
    ...(before.decided === 0 ? {} : { first }),
  });
  if (before.decided === 0) return { ...before, run };
  const failed_again = await returnedOf(rooms, project, node, run);
  return { ...before, run, failed_again, closed: before.decided - failed_again };
}

/** How many rows of the run's decision were rejected again; all of them when the table's step failed. */
async function returnedOf(rooms: Rooms, project: Project, node: RejectingNode, run: RunReport): Promise<number> {
  const ledger = await rooms.openLedger(project, { read_only: true, create: false });
  try {
    const decision = ledger.decisions(node.key).find((one) => one.run_id === run.run_id);
    if (decision === undefined) return 0;
    const open = decision.applied_run_id === undefined && decision.action !== 'discard';
    return decision.groups.reduce((sum, group) => sum + (open ? group.rows : (group.returned ?? 0)), 0);
  } finally {
    ledger.close();
  }
}

interface Prepared {
  readonly matched: number;
  readonly decided: number;
  readonly unknown: number;
  readonly unfit: readonly UnfitCell[];
}

/** Defines `matched` and `fixes` in the session. */
async function prepare(
  rooms: Rooms,
  project: Project,
  lake: Lake,
  session: EngineSession,
  node: RejectingNode,
  options: DecideOptions,
  temp_folder: string,
): Promise<Prepared> {
  const select = options.discarded === true ? selectDiscarded : selectOpen;
  const found = await select(lake, session, node, options.filter);
  const gone = options.discarded === true && node.layer === 'bronze' && found > 0;
  const matched = gone ? await leaveOutGone(lake, session, node, await inputsOf(rooms, project, node)) : found;
  let unknown = 0;
  let unfit: readonly UnfitCell[] = [];
  if (options.action !== 'fix') {
    await session.materialize(
      'fixes',
      'select quarantine_id as _id, mended_before as mended, cast(null as varchar) as mended_raw from matched',
    );
  } else {
    const columns = await recordColumns(lake, node);
    const with_raw = node.layer === 'bronze';
    await defineCells(session, columns, with_raw ? await takeApart(session, columns, temp_folder) : undefined);
    if (options.from !== undefined) {
      const edited = await bindEdited(rooms, session, options.from, columns, temp_folder, options.encoding);
      unknown = (await mendByEdit(session, columns, edited, with_raw)).unknown;
    } else await mendBySql(session, columns, options.set ?? [], with_raw);
    unfit = await refuseUnfit(lake, session, node);
  }
  const [row] = await session.rows('select count(*) as n from fixes');
  return { matched, decided: Number(row?.['n'] ?? 0), unknown, unfit };
}

async function inputsOf(rooms: Rooms, project: Project, node: RejectingNode): Promise<readonly InputRecord[]> {
  const ledger = await rooms.openLedger(project, { read_only: true, create: false });
  try {
    return ledger.inputs(node.name);
  } finally {
    ledger.close();
  }
}

/** What the decision would be about, without lock or any write; in a dry run also what today's rules would say. */
async function lookFirst(
  rooms: Rooms,
  project: Project,
  lake: Lake,
  node: RejectingNode,
  options: DecideOptions,
): Promise<DecisionReport> {
  return withScratch(rooms, project, async (temp_folder) => {
    const engine = await rooms.openEngine(project);
    try {
      const session = await engine.openSession({ label: 'quarantine', signal: options.signal });
      const found = await prepare(rooms, project, lake, session, node, options, temp_folder);
      const report: DecisionReport = {
        table: node.key,
        action: options.action,
        dry_run: options.dry_run,
        ...found,
        closed: options.action === 'discard' ? found.decided : 0,
        failed_again: 0,
        unread_files: 0,
        moved_files: options.action === 'replay' ? await movedFiles(rooms, project, node, session) : [],
        tried: [],
        run: undefined,
      };
      if (!options.dry_run || found.decided === 0 || options.action === 'discard') return report;
      const rows = await tryFixes(rooms, project, lake, session, node, temp_folder);
      const failed_again = rows.filter((row) => row['rule'] !== null).length;
      const [whole] = await session.rows(
        'select count(*) as n from matched m join fixes f on f._id = m.quarantine_id where m.raw is null',
      );
      const unread_files = node.layer === 'bronze' ? Number(whole?.['n'] ?? 0) : 0;
      const closed = found.decided - failed_again - unread_files;
      return { ...report, failed_again, unread_files, closed, tried: rows.map(triedRow) };
    } finally {
      await engine.close();
    }
  });
}

function triedRow(row: Row): TriedRow {
  const text = (value: unknown): string | null => (value === null || value === undefined ? null : String(value));
  return {
    quarantine_id: String(row['quarantine_id']),
    file: text(row['file']),
    line: row['line'] === null ? null : Number(row['line']),
    before: text(row['before']),
    after: text(row['after']),
    passes: row['rule'] === null,
    rule: text(row['rule']),
    reason: text(row['reason']),
  };
}
