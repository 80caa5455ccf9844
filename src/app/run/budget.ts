import type { Project } from '../../core/model/project.ts';
import { overrunsOf, type Receipt } from '../../core/model/receipt.ts';
import type { Graph } from '../../core/planning/graph.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import type { PlannedStep } from './plan-run.ts';
import { budgetError } from './run-meter.ts';

/** Earlier runs that an estimate may rest on. */
const RECEIPTS_LOOKED_AT = 20;

/**
 * Holds what is known before a run against the budget: the rows and bytes that would come in, and, when an earlier run of at least a tenth
 * of the size was measured, time, CPU and memory in proportion to its rows. Smaller runs say nothing of large ones.
 * @throws DataflowError E_BUDGET when an estimate passes a limit and the budget says `fail`.
 */
export function checkEstimate(
  project: Project,
  graph: Graph,
  planned: readonly PlannedStep[],
  ledger: Ledger,
  warn: (message: string) => void,
): void {
  const { budget, price } = project;
  if (budget === undefined) return;
  const running = new Set(planned.filter((step) => step.action === 'run').map((step) => step.step));
  const entries = planned.filter((step) => {
    const node = graph.byKey.get(step.step);
    return running.has(step.step) && node?.inputs.some((input) => running.has(input)) !== true;
  });
  const total = (values: readonly (number | undefined)[]): number | undefined =>
    values.some((value) => value === undefined)
      ? undefined
      : values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  const rows_in = total(entries.map((step) => step.rows));
  const bytes_in = total(entries.map((step) => step.bytes));
  const overruns = overrunsOf(budget, price, {
    rows_in,
    bytes_in,
    ...scaled(rows_in, ledger.receipts(RECEIPTS_LOOKED_AT)),
  });
  if (overruns.length === 0) return;
  const error = budgetError(overruns, 'estimated', project);
  if (budget.on_exceed === 'fail') throw error;
  warn(error.message);
}

interface Scaled {
  readonly wall_ms: number | undefined;
  readonly cpu_ms: number | undefined;
  readonly peak_memory_bytes: number | undefined;
}

/** Time and CPU in proportion to rows; memory is not scaled, since it does not grow with them. */
function scaled(rows: number | undefined, receipts: readonly Receipt[]): Scaled {
  const like = rows === undefined ? undefined : receipts.find((one) => one.rows_in > 0 && one.rows_in >= rows / 10);
  if (rows === undefined || like === undefined)
    return { wall_ms: undefined, cpu_ms: undefined, peak_memory_bytes: undefined };
  const factor = rows / like.rows_in;
  return {
    wall_ms: like.wall_ms * factor,
    cpu_ms: like.cpu_ms * factor,
    peak_memory_bytes: factor < 1 ? undefined : like.peak_memory_bytes,
  };
}
