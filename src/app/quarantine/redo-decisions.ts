import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { quarantineOf } from '../../core/model/table.ts';
import type { Node } from '../../core/planning/graph.ts';
import { runsWithoutEffect } from '../../core/planning/undone-runs.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { Lake, Snapshot } from '../../core/ports/lake.ts';
import type { DecisionEntry, Ledger } from '../../core/ports/ledger.ts';
import { type RunContext, relationOf } from '../../medallion/context.ts';
import { recordDecision } from '../../medallion/decide/record.ts';
import { decidedOf } from '../../medallion/decisions.ts';
import { QUARANTINE_COLUMNS } from '../../medallion/quarantine.ts';
import { userName } from './user-name.ts';

/**
 * Decisions about rejected rows of a table that an undo took back, oldest first, as long as nothing has been decided about the table since.
 */
export async function undoneDecisions(
  { lake, ledger }: { readonly lake: Lake; readonly ledger: Ledger },
  node: Node,
): Promise<readonly DecisionEntry[]> {
  const undos = ledger.undos();
  if (node.layer === 'gold' || undos.length === 0) return [];
  if ((await lake.latestVersion(decidedOf(node))) === undefined) return [];
  const history = await lake.history(decidedOf(node));
  const newest = history.reduce<(typeof history)[number] | undefined>(
    (best, one) => (best === undefined || one.version > best.version ? one : best),
    undefined,
  );
  if (!undos.some(({ run_id }) => run_id === newest?.note?.run_id)) return [];
  const without = runsWithoutEffect(ledger.runIds(), undos, node.key);
  return ledger.decisions(node.key).filter((one) => without.has(one.run_id));
}

/** Takes undone decisions of the selected tables again, about the rows that are open: the same action, corrections and reason. */
export async function redoDecisions(run: RunContext, selected: ReadonlySet<string>): Promise<void> {
  for (const node of run.graph.nodes) {
    if (node.layer === 'gold' || !selected.has(node.key)) continue;
    const undone = await undoneDecisions(run, node);
    const newest = undone.at(-1);
    if (newest === undefined) continue;
    const old = await versionWith(run.lake, node, newest.decision);
    const session = await run.openSession(`${run.run_id}/${node.key}/redo`);
    try {
      for (const decision of undone) {
        await bindUndone(run.lake, session, node, old, decision, undone);
        const { action, why } = decision;
        await recordDecision(run, session, node, {
          action,
          decided_by: userName(),
          ...(why === undefined ? {} : { why }),
        });
      }
    } finally {
      await session.close();
    }
  }
}

/** @throws DataflowError E_UNDO_COLLECTED when retention has taken the version away. */
async function versionWith(lake: Lake, node: Node, version: number): Promise<Snapshot> {
  try {
    const snapshot = await lake.snapshot(decidedOf(node), { version });
    if (snapshot !== undefined) return snapshot;
  } catch (error) {
    if (!(error instanceof DataflowError) || error.code !== 'E_LAKE_NO_VERSION') throw error;
  }
  throw new DataflowError('E_UNDO_COLLECTED', `the undone decisions about ${node.key} are no longer in the lake`, {
    kept: 'nothing was changed',
    hint: 'Decide again: dataflow quarantine fix, replay or discard; and run without --redo.',
  });
}

/** Defines `matched` and `fixes`: rows of the decision that are open with the same content, and that no later undone decision is about. */
async function bindUndone(
  lake: Lake,
  session: EngineSession,
  node: Exclude<Node, { layer: 'gold' }>,
  old: Snapshot,
  { decision }: DecisionEntry,
  undone: readonly DecisionEntry[],
): Promise<void> {
  const open = await lake.snapshot(quarantineOf(node));
  await session.bind({ name: 'open_rows', columns: QUARANTINE_COLUMNS, files: open?.files ?? [] });
  await session.bind(relationOf(old, 'undone'));
  const numbers = undone.map((one) => one.decision).join(', ');
  const names = QUARANTINE_COLUMNS.map((column) => column.name).join(', ');
  await session.materialize(
    'redone',
    `select * from (select * from undone where decision in (${numbers}) qualify row_number() over (partition by quarantine_id order by decision desc) = 1)
     where decision = ${decision} and (quarantine_id, coalesce(raw, '')) in (select (quarantine_id, coalesce(raw, '')) from open_rows)`,
  );
  await session.materialize('matched', `select ${names}, mended as mended_before from redone`);
  await session.materialize('fixes', 'select quarantine_id as _id, mended, mended_raw from redone');
}
