import { expect, it } from 'vitest';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { SessionOptions } from '../../core/ports/engine.ts';
import type { StepRecord } from '../../core/ports/ledger.ts';
import type { StepContext } from '../../medallion/context.ts';
import { withSmallerPlan } from './memory-retry.ts';

const record = { status: 'succeeded' } as StepRecord;

/** Only what the second attempt needs of a step. */
function stepWith(opened: SessionOptions['small'][]): StepContext {
  const run = {
    run_id: 'r',
    signal: new AbortController().signal,
    lake: { discardStaging: async () => undefined },
    openSession: async (_: string, small?: SessionOptions['small']) => void opened.push(small),
  };
  return { run, node: { key: 'bronze.t', layer: 'bronze' }, step_id: 's' } as unknown as StepContext;
}

it.each([
  ['E_ENGINE_LOST', { any_order: false, careful: true }],
  ['E_ENGINE_MEMORY', { any_order: false, careful: false }],
] as const)('after %s a step is done once more, in an engine of its own', async (code, plan) => {
  const opened: SessionOptions['small'][] = [];
  let tries = 0;
  const done = await withSmallerPlan(
    stepWith(opened),
    () => undefined,
    async (step) => {
      tries += 1;
      await step.run.openSession('bronze.t');
      if (tries === 1) throw new DataflowError(code, 'gone');
      return record;
    },
  );
  expect(done).toBe(record);
  expect(opened).toEqual([undefined, plan]);
});
