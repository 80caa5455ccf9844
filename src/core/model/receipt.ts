import type { Balance } from './balance.ts';

/** `price:` what computing costs; nothing is looked up anywhere. */
export interface PriceSpec {
  /** Per hour of CPU time used. */
  readonly cpu_hour?: number | undefined;
  /** Per GB (10^9 bytes) of peak memory and hour of the run. */
  readonly gb_hour?: number | undefined;
  /** Per hour that the run takes, whatever it uses: what a rented machine costs. */
  readonly machine_hour?: number | undefined;
  readonly currency: string;
}

/** `budget:` what one run may use. */
export interface BudgetSpec {
  readonly rows?: number | undefined;
  readonly bytes?: number | undefined;
  readonly wall_ms?: number | undefined;
  readonly cpu_seconds?: number | undefined;
  readonly memory_bytes?: number | undefined;
  readonly money?: number | undefined;
  readonly on_exceed: 'fail' | 'warn';
}

/** What a run has used so far, in the units of the receipt. */
export interface Usage {
  readonly rows_in: number;
  readonly bytes_in: number;
  readonly wall_ms: number;
  /** CPU time of the process and of the processes that read untrusted files. */
  readonly cpu_ms: number;
  /** Largest resident set of the process, the engine in it included. */
  readonly peak_memory_bytes: number;
}

/** One limit of the budget that was passed. */
export interface Overrun {
  readonly limit: 'rows' | 'bytes' | 'wall' | 'cpu_seconds' | 'memory' | 'money';
  /** In the limit's own unit: rows, bytes, milliseconds, seconds, bytes, money. */
  readonly allowed: number;
  readonly used: number;
}

/** What a run took and used. */
export interface Receipt extends Usage {
  readonly run_id: string;
  /** Rows and bytes that the run published, in all tables. `rows_in` and `bytes_in` are what came in where the run began. */
  readonly rows_out: number;
  readonly bytes_out: number;
  readonly rows_quarantined: number;
  /** Null when no row came in. */
  readonly rows_per_second: number | null;
  /** Largest resident set of a process that read untrusted files; 0 when there was none. */
  readonly reader_peak_memory_bytes: number;
  readonly money: number | null;
  readonly currency: string | null;
  readonly memory_limit_bytes: number;
  readonly threads: number;
  /** Steps that ran out of memory and were done with a smaller plan. */
  readonly retried_steps: readonly string[];
  readonly over_budget: readonly Overrun[];
}

const HOUR_MS = 3_600_000;
const GB = 1e9;

/** What this much use costs; null without a price. */
export function moneyFor(price: PriceSpec | undefined, used: Usage): number | null {
  if (price === undefined) return null;
  const hours = used.wall_ms / HOUR_MS;
  return (
    (price.cpu_hour ?? 0) * (used.cpu_ms / HOUR_MS) +
    (price.gb_hour ?? 0) * (used.peak_memory_bytes / GB) * hours +
    (price.machine_hour ?? 0) * hours
  );
}

/** The limits that this use passes; what is undefined is not known and passes nothing. */
export function overrunsOf(
  budget: BudgetSpec | undefined,
  price: PriceSpec | undefined,
  used: { readonly [K in keyof Usage]: Usage[K] | undefined },
): readonly Overrun[] {
  if (budget === undefined) return [];
  const { rows_in, bytes_in, wall_ms, cpu_ms, peak_memory_bytes } = used;
  const money =
    wall_ms === undefined || cpu_ms === undefined || peak_memory_bytes === undefined
      ? undefined
      : moneyFor(price, { rows_in: 0, bytes_in: 0, wall_ms, cpu_ms, peak_memory_bytes });
  const all: readonly [Overrun['limit'], number | undefined, number | null | undefined][] = [
    ['rows', budget.rows, rows_in],
    ['bytes', budget.bytes, bytes_in],
    ['wall', budget.wall_ms, wall_ms],
    ['cpu_seconds', budget.cpu_seconds, cpu_ms === undefined ? undefined : cpu_ms / 1000],
    ['memory', budget.memory_bytes, peak_memory_bytes],
    ['money', budget.money, money],
  ];
  return all.flatMap(([limit, allowed, value]) =>
    allowed !== undefined && value !== undefined && value !== null && value > allowed
      ? [{ limit, allowed, used: value }]
      : [],
  );
}

/** As much of a step's record as the flow needs. */
interface FlowStep {
  readonly step: string;
  readonly status: string;
  readonly balance?: Balance;
  readonly resources?: { readonly bytes_read: number; readonly bytes_written: number };
}

/**
 * Rows and bytes of the steps that succeeded: in, where no input of the step was made in this run; out, of all of them.
 * @param inputs of a step: the tables that its rows come from.
 */
export function flowOf(
  steps: readonly FlowStep[],
  inputs: (step: string) => readonly string[],
): Pick<Receipt, 'rows_in' | 'rows_out' | 'rows_quarantined' | 'bytes_in' | 'bytes_out'> {
  const done = steps.filter((step) => step.status === 'succeeded');
  const ran = new Set(done.map((step) => step.step));
  const entries = done.filter((step) => !inputs(step.step).some((input) => ran.has(input)));
  const sum = (list: readonly FlowStep[], value: (step: FlowStep) => number | undefined): number =>
    list.reduce((total, step) => total + (value(step) ?? 0), 0);
  return {
    rows_in: sum(entries, (step) => step.balance?.rows_in),
    rows_out: sum(done, (step) => step.balance?.rows_out),
    rows_quarantined: sum(done, (step) => step.balance?.quarantined),
    bytes_in: sum(entries, (step) => step.resources?.bytes_read),
    bytes_out: sum(done, (step) => step.resources?.bytes_written),
  };
}
