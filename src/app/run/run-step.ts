import { isAbsolute, relative } from 'node:path';
import { DataflowError, type Place } from '../../core/errors/dataflow-error.ts';
import { parseTableKey } from '../../core/model/table.ts';
import { type Estimate, estimateTable } from '../../core/planning/estimate.ts';
import { codeFingerprint } from '../../core/planning/fingerprint.ts';
import type { FreshnessVerdict } from '../../core/planning/freshness.ts';
import { type Node, parentsOf } from '../../core/planning/graph.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import type { StepError, StepRecord } from '../../core/ports/ledger.ts';
import { timeSortedId } from '../../kit/ids.ts';
import { testsOf } from '../../medallion/audit.ts';
import { withOtherTests } from '../../medallion/audit-published.ts';
import { lostError, lostTable } from '../../medallion/bronze/lost.ts';
import { runPulled } from '../../medallion/bronze/pulled/run-pulled.ts';
import { runBronze } from '../../medallion/bronze/run-bronze.ts';
import type { BronzeStep } from '../../medallion/bronze/step.ts';
import type { RunContext, StepContext } from '../../medallion/context.ts';
import { decisionsOf } from '../../medallion/decisions.ts';
import { runGold } from '../../medallion/gold/run-gold.ts';
import type { GoldStep } from '../../medallion/gold/step.ts';
import { runSilver } from '../../medallion/silver/run-silver.ts';
import type { SilverStep } from '../../medallion/silver/sql.ts';
import { newDefinition } from './definitions.ts';
import { despiteCompaction } from './despite-compaction.ts';
import { withSmallerPlan } from './memory-retry.ts';
import { verdictOf } from './plan-run.ts';
import type { RunEvent } from './run-events.ts';

/**
 * One step from freshness to ledger. Never throws for what happens to data: a failure becomes a record of status `failed`.
 * Interruption and lost locks are thrown on, since they concern the whole run.
 */
export async function runStep(
  run: RunContext,
  node: Node,
  { full_refresh, force = false }: { readonly full_refresh: boolean; readonly force?: boolean },
  tell: (event: RunEvent) => void,
): Promise<StepRecord> {
  const step_id = timeSortedId();
  const started_ms = Date.now();
  const code_fingerprint = codeFingerprint(node);
  const definition = newDefinition(run, node, code_fingerprint);
  let inputs: ReadonlyMap<string, Snapshot> = new Map();
  const base = { run_id: run.run_id, step_id, step: node.key, started_at: new Date(started_ms).toISOString() };
  try {
    const verdict =
      node.layer === 'bronze' ? bronzeVerdict(full_refresh) : await verdictOf({ ...run, full_refresh, force }, node);
    if (!verdict.run) {
      return {
        ...base,
        status: verdict.causes.some((cause) => cause.kind === 'no_data') ? 'skipped' : 'up_to_date',
        reason: verdict.reason,
        inputs: {},
        tests: [],
        finished_at: new Date().toISOString(),
      };
    }
    run.signal.throwIfAborted();
    tell({ type: 'step_started', step: node.key, reason: verdict.reason, mode: verdict.mode });
    inputs = await fixInputs(run, node);
    const step: StepContext = {
      run,
      node,
      step_id,
      verdict,
      code_fingerprint,
      definition,
      inputs,
      decided: (await decisionsOf(run, node)).decided,
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
    if (node.layer !== 'bronze') await run.admit(node.key, tableEstimate(step));
    const work = (one: StepContext): Promise<StepRecord> =>
      withOtherTests(one, () => dispatch(one, full_refresh && force));
    return await withSmallerPlan(step, tell, (one) => despiteCompaction(one, work));
  } catch (error) {
    return failStep({ run, node, step_id, code_fingerprint, definition, inputs, started_ms }, placed(error, node));
  }
}

const PLACED = new Set(['E_SQL', 'E_ENGINE_DIALECT']);

/** An error of a model's query that was only met at its rows: at least its file is known. */
function placed(error: unknown, node: Node): unknown {
  if (node.layer === 'bronze' || !(error instanceof DataflowError)) return error;
  if (!PLACED.has(error.code) || (error.place?.file ?? '') !== '') return error;
  const kept = error.kept === undefined ? {} : { kept: error.kept };
  const { code, message, hint, place } = error;
  // Queries of silver are put together here: places in them tell nobody anything.
  if (node.layer === 'silver')
    return code === 'E_SQL'
      ? error
      : new DataflowError(code, `${node.key}: ${message}`, { ...kept, hint, cause: error });
  return new DataflowError(code, message, {
    ...kept,
    hint,
    place: { ...place, file: node.spec.sql_file },
    cause: error,
  });
}

function tableEstimate({ run, node, inputs, verdict }: StepContext): Estimate {
  return estimateTable([...inputs.values()], verdict.mode, run.ledger.lastSuccess(node.key));
}

/**
 * Records the failure of a step. @throws what concerns the whole run: its interruption, a lost lock, a ledger that cannot be written.
 */
export function failStep(step: Omit<StepContext, 'verdict' | 'decided'>, error: unknown): StepRecord {
  const { run, node, step_id, code_fingerprint, definition, inputs, started_ms } = step;
  const spent = budgetSpent(run.signal);
  if (run.signal.aborted && spent === undefined) throw interrupted(error);
  const failure = maskedFailure(failureOf(spent ?? error, run.project.root), run.redact);
  const record: StepRecord = {
    run_id: run.run_id,
    step_id,
    step: node.key,
    status: 'failed',
    reason: failure.message,
    code_fingerprint,
    inputs: Object.fromEntries([...inputs].map(([table, input]) => [table, input.version])),
    tests: testsOf(error),
    error: failure,
    started_at: new Date(started_ms).toISOString(),
    finished_at: new Date().toISOString(),
  };
  run.ledger.finishStep({ step: record, ...(definition === undefined ? {} : { definition }) });
  if (error instanceof DataflowError && (error.code === 'E_LOCK_LOST' || error.code.startsWith('E_LEDGER')))
    throw error;
  return record;
}

/** A source is always looked at; what was found there becomes the reason. */
function bronzeVerdict(full_refresh: boolean): FreshnessVerdict {
  const mode = full_refresh ? 'full' : 'incremental';
  return { run: true, mode, reason: 'looks for new input', causes: [], changed: [] };
}

function dispatch(step: StepContext, reload: boolean): Promise<StepRecord> {
  switch (step.node.layer) {
    case 'bronze':
      return runSource({ ...(step as BronzeStep), ...(reload ? { anew: true } : {}) });
    case 'silver':
      return runSilver(step as SilverStep);
    case 'gold':
      return runGold(step as GoldStep);
  }
}

async function runSource(step: BronzeStep): Promise<StepRecord> {
  const lost = await lostTable(step.run.lake, step.run.ledger, step.node.key);
  if (lost !== undefined && step.anew !== true) throw lostError(lost);
  const found = lost === undefined ? step : { ...step, lost: true };
  return step.node.spec.pulled === true ? runPulled(found) : runBronze(found);
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

/** The budget's error, when it is what ended the run. */
function budgetSpent({ reason }: AbortSignal): DataflowError | undefined {
  return reason instanceof DataflowError && reason.code === 'E_BUDGET' ? reason : undefined;
}

function interrupted(cause: unknown): DataflowError {
  return new DataflowError('E_INTERRUPTED', 'the run was interrupted', {
    kept: 'everything that was published stays; nothing is half-published',
    cause,
  });
}

/** Other systems repeat in their refusals what they were sent. */
function maskedFailure(failure: StepError, redact: (text: string) => string): StepError {
  return { ...failure, message: redact(failure.message) };
}

/**
 * What the ledger keeps of an error: no stack; secrets are masked by who records it.
 * @param root of the project: a file in it is named as seen from there
 */
export function failureOf(error: unknown, root?: string): StepError {
  if (error instanceof DataflowError) {
    const at = error.place === undefined ? '' : ` (${placeWords(error.place, root)})`;
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

function placeWords({ file, line, column }: Place, root: string | undefined): string {
  const short = root === undefined || !isAbsolute(file) ? file : relative(root, file);
  return [short.startsWith('..') ? file : short, line, column]
    .filter((part) => part !== undefined && part !== '')
    .join(':');
}
