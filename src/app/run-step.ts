import { DataflowError } from '../core/errors/dataflow-error.ts';
import { parseTableKey } from '../core/model/table.ts';
import { codeFingerprint } from '../core/planning/fingerprint.ts';
import { type Node, parentsOf } from '../core/planning/graph.ts';
import type { Snapshot } from '../core/ports/lake.ts';
import type { StepError, StepRecord } from '../core/ports/ledger.ts';
import { timeSortedId } from '../kit/ids.ts';
import { testsOf } from '../medallion/audit.ts';
import { runBronze } from '../medallion/bronze/run-bronze.ts';
import type { BronzeStep } from '../medallion/bronze/step.ts';
import type { RunContext, StepContext } from '../medallion/context.ts';
import { runGold } from '../medallion/gold/run-gold.ts';
import type { GoldStep } from '../medallion/gold/step.ts';
import { runSilver } from '../medallion/silver/run-silver.ts';
import type { SilverStep } from '../medallion/silver/sql.ts';
import { verdictOf } from './plan-run.ts';
import type { RunEvent } from './run-events.ts';

/**
 * One step from freshness to ledger. Never throws for what happens to data: a failure becomes a record of status `failed`.
 * Interruption and lost locks are thrown on, since they concern the whole run.
 */
export async function runStep(
  run: RunContext,
  node: Node,
  full_refresh: boolean,
  tell: (event: RunEvent) => void,
): Promise<StepRecord> {
  const step_id = timeSortedId();
  const started_ms = Date.now();
  const code_fingerprint = codeFingerprint(node);
  const base = { run_id: run.run_id, step_id, step: node.key, started_at: new Date(started_ms).toISOString() };
  try {
    const context = { project: run.project, graph: run.graph, lake: run.lake, ledger: run.ledger, full_refresh };
    const verdict =
      node.layer === 'bronze'
        ? {
            run: true,
            mode: full_refresh ? ('full' as const) : ('incremental' as const),
            reason: 'looks for new input',
            changed: [],
          }
        : await verdictOf(context, node);
    if (!verdict.run) {
      return {
        ...base,
        status: verdict.reason.startsWith('waits') ? 'skipped' : 'up_to_date',
        reason: verdict.reason,
        inputs: {},
        tests: [],
        finished_at: new Date().toISOString(),
      };
    }
    run.signal.throwIfAborted();
    tell({ type: 'step_started', step: node.key, reason: verdict.reason, mode: verdict.mode });
    const step: StepContext = {
      run,
      node,
      step_id,
      verdict,
      code_fingerprint,
      inputs: await fixInputs(run, node),
      started_ms,
    };
    run.ledger.startStep({
      ...base,
      status: 'running',
      reason: verdict.reason,
      code_fingerprint,
      inputs: {},
      tests: [],
    });
    return await dispatch(step);
  } catch (error) {
    if (run.signal.aborted) throw interrupted(error);
    const failure = failureOf(error);
    const record: StepRecord = {
      ...base,
      status: 'failed',
      reason: failure.message,
      code_fingerprint,
      inputs: {},
      tests: testsOf(error),
      error: failure,
      finished_at: new Date().toISOString(),
    };
    run.ledger.finishStep({ step: record });
    if (error instanceof DataflowError && (error.code === 'E_LOCK_LOST' || error.code.startsWith('E_LEDGER')))
      throw error;
    return record;
  }
}

function dispatch(step: StepContext): Promise<StepRecord> {
  switch (step.node.layer) {
    case 'bronze':
      return runBronze(step as BronzeStep);
    case 'silver':
      return runSilver(step as SilverStep);
    case 'gold':
      return runGold(step as GoldStep);
  }
}

/** The versions that the step reads, fixed once: whatever others publish meanwhile does not matter to it. */
async function fixInputs(run: RunContext, node: Node): Promise<ReadonlyMap<string, Snapshot>> {
  const inputs = new Map<string, Snapshot>();
  for (const parent of parentsOf(node)) {
    const table = parseTableKey(parent);
    const snapshot = table === undefined ? undefined : await run.lake.snapshot(table);
    if (snapshot !== undefined) inputs.set(parent, snapshot);
  }
  return inputs;
}

function interrupted(cause: unknown): DataflowError {
  return new DataflowError('E_INTERRUPTED', 'the run was interrupted', {
    kept: 'everything that was published stays; nothing is half-published',
    cause,
  });
}

/** What the ledger keeps of an error: no stack, no secret. */
export function failureOf(error: unknown): StepError {
  if (error instanceof DataflowError) {
    const at =
      error.place === undefined
        ? ''
        : ` (${[error.place.file, error.place.line, error.place.column].filter((part) => part !== undefined && part !== '').join(':')})`;
    return {
      code: error.code,
      message: `${error.message}${at}`,
      hint: error.hint,
      ...(error.kept === undefined ? {} : { kept: error.kept }),
    };
  }
  const text = error instanceof Error ? error.message : String(error);
  return { code: 'E_INTERNAL', message: text.split('\n')[0] ?? text };
}
