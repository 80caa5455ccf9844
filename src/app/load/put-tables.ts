import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { HeldTable } from '../../core/model/load.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { PutCounts, Sink, SinkLoad } from '../../core/ports/sink.ts';
import { faultPoint } from '../../kit/fault.ts';
import { refuseComingTwice } from './going-back.ts';
import type { PlannedWork } from './load-plan.ts';
import type { Moving } from './moving.ts';
import { allRows, type ChangedRows, changedRows, keyProblems } from './out-rows.ts';
import type { RefusedRows } from './refused-rows.ts';

/** What putting works on. */
export interface PutParts {
  readonly sink: Sink;
  readonly release_id: string;
  readonly run_id: string;
  /** All tables become visible at once. */
  readonly at_once: boolean;
  /** Views have to be made, even if no table has anything to do. */
  readonly views_pending: boolean;
  readonly session: () => Promise<EngineSession>;
  readonly refused: RefusedRows;
  readonly moving: Moving;
  /** Told when a table is done, and when what is done is committed. */
  readonly done: (work: PlannedWork, held: HeldTable, counts: PutCounts, wall_ms: number) => void;
  readonly committed: () => void;
}

const NOTHING_MOVED = { rows_in: 0, gone_in: 0, inserted: 0, updated: 0, deleted: 0, skipped: 0 };

/**
 * Brings the planned tables to the destination, in one write or in one each, and has it say what it holds. Rows are counted where they leave and where
 * they arrive, and read back, before anything becomes visible.
 */
export async function putTables(parts: PutParts, works: readonly PlannedWork[]): Promise<void> {
  const groups = parts.at_once || works.length === 0 ? [works] : works.map((work) => [work]);
  for (const group of groups) {
    if (group.length === 0 && !parts.views_pending) continue;
    faultPoint('load-before-begin');
    const load = await parts.sink.begin(parts.release_id);
    try {
      for (const work of group) await putTable(parts, load, work);
      faultPoint('load-before-commit');
      await load.commit();
      faultPoint('load-after-commit');
    } catch (error) {
      await load.rollback();
      throw error;
    }
    parts.refused.committed();
    parts.committed();
  }
}

async function putTable(parts: PutParts, load: SinkLoad, work: PlannedWork): Promise<void> {
  const began = performance.now();
  faultPoint('load-before-put');
  const counts = await countsOf(parts, load, work);
  refuseImbalance(work, counts);
  const held = heldTable(parts, work, counts);
  await load.record(held);
  faultPoint('load-after-put');
  parts.done(work, held, counts, Math.round(performance.now() - began));
}

async function countsOf(parts: PutParts, load: SinkLoad, work: PlannedWork): Promise<PutCounts> {
  if (work.action === 'record') return { ...NOTHING_MOVED, rows_after: work.standing.held?.rows ?? 0 };
  // Both may take long, and keep different machines busy.
  const [claimed, made] = await Promise.allSettled([
    load.claim?.(work.target),
    parts.session().then((session) => rowsOf(session, work)),
  ]);
  if (claimed.status === 'rejected') throw claimed.reason;
  if (made.status === 'rejected') throw made.reason;
  const { rows, gone, apart } = made.value;
  const { release_id, refused } = parts;
  const { version, committed_at_ms: version_committed_at_ms } = work.after;
  const kept = refused.of(work.loaded.table);
  const moving = parts.moving(work);
  const counts = await load.put({
    table: work.target,
    to: { release_id, version, version_committed_at_ms },
    refuse: (row) => kept.add({ release_id, version, ...row }),
    whole: work.action === 'whole',
    remake: work.remake,
    came: cameColumns(work),
    rows: moving(rows),
    ...(apart === undefined ? {} : { apart: { news: moving(apart.news), changed: moving(apart.changed) } }),
    ...(gone === undefined ? {} : { gone }),
  });
  return counts;
}

/** Rows that are appended to are left as they are. */
function cameColumns({ before, chosen, loaded }: PlannedWork): readonly string[] {
  if (before === undefined || loaded.mode === 'append') return [];
  const old = new Set(before.columns.map(({ name }) => name));
  return chosen.flatMap(({ from, as }) => (old.has(from.name) ? [] : [as]));
}

/** The rows that a table sends. @throws DataflowError E_LOAD_REFUSED when the key does not tell them apart. */
export async function rowsOf(session: EngineSession, work: PlannedWork): Promise<ChangedRows> {
  const { after, before, gone_back_to = [], chosen, loaded, target } = work;
  if (before !== undefined) await refuseComingTwice(session, { before, after, gone_back_to }, chosen, loaded.table);
  const changed =
    before === undefined
      ? await allRows(session, after, chosen)
      : await changedRows(session, { before, after }, chosen, { key: loaded.key, append: loaded.mode === 'append' });
  const problem = await keyProblems(session, changed.keyed_in, target.key);
  if (problem !== undefined)
    throw new DataflowError('E_LOAD_REFUSED', `${loaded.table}: ${problem}`, {
      kept: 'nothing was changed at the destination',
      hint: `Give the table another key, or mode: replace; a test { unique: [${target.key.join(', ')}] } finds them before they are published.`,
    });
  return changed;
}

/** A table that mirrors its table in the lake has as many rows; one that is appended to has as many more as were inserted. */
function refuseImbalance({ action, loaded, after, standing }: PlannedWork, counts: PutCounts): void {
  const append = loaded.mode === 'append' && action !== 'whole';
  const expected = append ? (standing.held?.rows ?? 0) + counts.inserted : after.rows - (counts.refused ?? 0);
  if (action === 'record' || counts.rows_after === expected) return;
  const words = (n: number): string => n.toLocaleString('en');
  throw new DataflowError(
    'E_LOAD_BALANCE',
    `${loaded.table}: ${words(counts.rows_after)} rows are at the destination, ${words(expected)} should be: ${words(counts.rows_in)} came, ${words(counts.gone_in)} were to go, ${words(counts.inserted)} were inserted, ${words(counts.updated)} updated, ${words(counts.deleted)} deleted`,
  );
}

function heldTable(
  { release_id, run_id }: PutParts,
  work: PlannedWork,
  { rows_after, refused = work.standing.held?.refused ?? 0 }: PutCounts,
): HeldTable {
  const { after, loaded, source_hash } = work;
  return {
    table: loaded.table,
    name: loaded.name,
    release_id,
    version: after.version,
    version_committed_at_ms: after.committed_at_ms,
    mode: loaded.mode,
    rows: rows_after,
    ...(refused === 0 ? {} : { refused }),
    source_hash,
    settings_hash: loaded.settings_hash,
    run_id,
    gold_processed_at: new Date(after.committed_at_ms).toISOString(),
    loaded_at: new Date().toISOString(),
  };
}
