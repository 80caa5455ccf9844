import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { SmallerPlan } from '../../core/planning/smaller-plan.ts';
import type { StepRecord } from '../../core/ports/ledger.ts';
import { sizeText } from '../../kit/units.ts';
import type { StepContext } from '../../medallion/context.ts';
import { smallerPlan } from '../../medallion/smaller-plan.ts';
import type { RunEvent } from './run-events.ts';

/**
 * Does a step; when the engine runs out of memory, once more with a smaller plan: an engine of its own with one thread, files in
 * smaller batches, rows in batches where they can be told apart, and in any order where the order carries no meaning. The same when the engine is
 * lost, perhaps by what another step asked of it: in an engine of its own no step harms another, and files are parsed by a reader process.
 * @throws DataflowError E_ENGINE_MEMORY when the smaller plan does not fit either.
 */
export async function withSmallerPlan(
  step: StepContext,
  tell: (event: RunEvent) => void,
  work: (step: StepContext) => Promise<StepRecord>,
  { windowed = false }: { readonly windowed?: boolean } = {},
): Promise<StepRecord> {
  // On other machines memory is the cluster's matter, and less of this one's helps nobody.
  if (step.run.tables_elsewhere && step.node.layer !== 'bronze') return work(step);
  try {
    return await work(step);
  } catch (error) {
    const after_loss = error instanceof DataflowError && error.code === 'E_ENGINE_LOST';
    if (!(after_loss || isOutOfMemory(error)) || step.run.signal.aborted) throw error;
    const small = smallerPlan(step, windowed);
    tell({ type: 'step_repeated', step: step.node.key, reason: error.message, plan: small.words });
    await step.run.lake.discardStaging(step.run.run_id, step.step_id);
    try {
      return await work(smaller({ ...step, after_loss }, small));
    } catch (again) {
      throw isOutOfMemory(again) ? twice(step, small, again) : again;
    }
  }
}

function isOutOfMemory(error: unknown): error is DataflowError {
  return error instanceof DataflowError && error.code === 'E_ENGINE_MEMORY';
}

function smaller(step: StepContext, small: SmallerPlan): StepContext {
  const { run, node, after_loss: careful = false } = step;
  const plan = { any_order: node.layer !== 'bronze', careful };
  return {
    ...step,
    small,
    run: {
      ...run,
      openSession: (label) => run.openSession(label, plan),
      openTables: (label) => run.openTables(label, plan),
    },
  };
}

function twice({ run, node }: StepContext, small: SmallerPlan, error: DataflowError): DataflowError {
  const { threads, memory_bytes } = run.limits;
  const limit = sizeText(memory_bytes);
  return new DataflowError(
    'E_ENGINE_MEMORY',
    `${node.key}: out of memory with ${threads === 1 ? '1 thread' : `${threads} threads`}, and again ${small.words}; memory limit ${limit}`,
    {
      kept: error.kept ?? 'every published version stays as it is',
      hint: `Set engine.memory_limit above ${limit}, on a machine or container that has it; or split the step into smaller ones.`,
      cause: error,
    },
  );
}
