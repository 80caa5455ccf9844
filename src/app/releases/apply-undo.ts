import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { noteFor } from '../../core/model/step-note.ts';
import { parseTableKey, quarantineOf, type TableId, tableKey } from '../../core/model/table.ts';
import type { CommitNote, Lake } from '../../core/ports/lake.ts';
import type { Ledger, Lock, UndoRecord, UndoTablePlan } from '../../core/ports/ledger.ts';
import { faultPoint } from '../../kit/fault.ts';
import { quarantineTxns } from '../../medallion/quarantine.ts';
import type { OpenProject } from '../run/open-project.ts';
import { recordRelease, releasable } from '../run/release.ts';

/**
 * Does what an undo wrote down, table by table: the quarantine, the table, the ledger, as a step does. What was done already is found by the
 * run id in the logs, so that an undo that was cut short is finished by the next command. Returns the id of the release.
 * @throws DataflowError E_LAKE_CONFLICT when another writer changed a table meanwhile; the undo then ends as failed.
 */
export async function applyUndo(
  open: Pick<OpenProject, 'lake' | 'ledger' | 'graph'>,
  lock: Lock,
  undo: UndoRecord,
): Promise<string | undefined> {
  const { lake, ledger, graph } = open;
  try {
    for (const plan of undo.plan ?? []) await applyTable(lake, ledger, lock, undo.run_id, plan);
  } catch (error) {
    if (error instanceof DataflowError && error.code === 'E_LAKE_CONFLICT') {
      ledger.finishUndo(undo.run_id);
      ledger.finishRun(undo.run_id, 'failed', { code: error.code, message: error.message, hint: error.hint });
    }
    throw error;
  }
  const tables = await releasable(graph, lake, ledger);
  const release_id = tables === undefined ? undefined : await recordRelease(lake, ledger, undo.run_id, tables);
  faultPoint('after-undo-release');
  ledger.finishRun(undo.run_id, 'succeeded');
  ledger.finishUndo(undo.run_id);
  return release_id;
}

/** Undos that a process died over, or was stopped at, are finished; one line for each. */
export async function finishUndos(
  open: Pick<OpenProject, 'lake' | 'ledger' | 'graph'>,
  lock: Lock,
): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const undo of open.ledger.undos()) {
    if (undo.finished) continue;
    await applyUndo(open, lock, undo);
    lines.push(`undo ${undo.run_id} was cut short; it is finished now`);
  }
  return lines;
}

async function applyTable(
  lake: Lake,
  ledger: Ledger,
  lock: Lock,
  run_id: string,
  { step, table, beside, outcome }: UndoTablePlan,
): Promise<void> {
  const id = parseTableKey(step);
  if (id === undefined) throw new DataflowError('E_INTERNAL', `${step} is no table`);
  const restore = async (which: TableId, move: { from: number; to: number }, note: CommitNote, txns: Txns) => {
    if (await isDone(lake, which, move.from, run_id)) return;
    await lake.restore({
      table: which,
      read_version: move.from,
      version: move.to,
      txns,
      note,
      fence: () => lock.check(),
    });
  };
  for (const one of beside) {
    const its = parseTableKey(one.table);
    if (its === undefined) continue;
    const is_quarantine = one.table === tableKey(quarantineOf(id));
    // A table that stays as it is gets no commit that could tell of the undo: its quarantine's does.
    const told =
      table === undefined && is_quarantine
        ? { outcome: noteFor(outcome), table_version: (await lake.latestVersion(id)) ?? -1 }
        : {};
    const note = {
      run_id,
      step_id: outcome.step.step_id,
      step: `${one.table} of ${step}`,
      restored_version: one.to,
      ...told,
    };
    // As with a step: the quarantine says which version of the table it belongs to, and goes first.
    const paired = table !== undefined && is_quarantine ? table.from + 1 : undefined;
    const txns = paired === undefined ? [] : quarantineTxns(step, await lake.snapshot(its), paired);
    await restore(its, one, note, txns);
    faultPoint('after-undo-quarantine');
  }
  if (table !== undefined) await restore(id, table, noteFor(outcome), []);
  faultPoint('after-undo-table');
  const version = table === undefined ? await lake.latestVersion(id) : table.from + 1;
  const finished = { ...outcome.step, finished_at: new Date().toISOString() };
  ledger.finishStep({
    ...outcome,
    step: version === undefined ? finished : { ...finished, output_version: version },
  });
}

type Txns = readonly { readonly app_id: string; readonly version: number }[];

/** The version that follows `from` is the one of this undo. */
async function isDone(lake: Lake, table: TableId, from: number, run_id: string): Promise<boolean> {
  if ((await lake.latestVersion(table)) === from) return false;
  const next = (await lake.history(table)).find((entry) => entry.version === from + 1);
  return next?.note?.run_id === run_id;
}
