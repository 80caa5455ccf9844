import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { quarantineOf, type TableId } from '../../core/model/table.ts';
import type { Lake } from '../../core/ports/lake.ts';
import type { StepContext } from '../../medallion/context.ts';

/**
 * Does a step's work, and once more as a whole when compaction gave its table or quarantine a new version while it was done: a compaction
 * stays away from tables that a run works on, but it may have begun before.
 */
export async function despiteCompaction<T>(step: StepContext, work: (step: StepContext) => Promise<T>): Promise<T> {
  const { node, run, verdict } = step;
  const tables = [node, quarantineOf(node)];
  const before = await Promise.all(tables.map((one) => run.lake.latestVersion(one)));
  try {
    return await work(step);
  } catch (error) {
    if (!(error instanceof DataflowError) || error.code !== 'E_LAKE_CONFLICT') throw error;
    const compacted = await Promise.all(tables.map((one, index) => isCompacted(run.lake, one, before[index])));
    if (!compacted.includes(true)) throw error;
    await run.lake.discardStaging(run.run_id, step.step_id);
    // What was rejected is in the quarantine already: only the whole table fits it. Bronze replaces such entries by file.
    return await work(node.layer === 'bronze' ? step : { ...step, verdict: { ...verdict, mode: 'full' } });
  }
}

async function isCompacted(lake: Lake, table: TableId, before: number | undefined): Promise<boolean> {
  const now = await lake.latestVersion(table);
  if (before === undefined || now === undefined || now <= before) return false;
  // The quarantine may have been committed by the attempt itself, on top of the compaction.
  for (let version = before + 1; version <= now; version++)
    if (await lake.onlyRearranged(table, version - 1, version)) return true;
  return false;
}
