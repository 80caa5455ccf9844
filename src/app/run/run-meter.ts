import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import { flowOf, moneyFor, type Overrun, overrunsOf, type Receipt, type Usage } from '../../core/model/receipt.ts';
import type { EngineLimits } from '../../core/planning/engine-limits.ts';
import type { Graph } from '../../core/planning/graph.ts';
import type { ReaderUsage } from '../../core/ports/engine.ts';
import type { StepRecord } from '../../core/ports/ledger.ts';
import { sizeText } from '../../kit/units.ts';
import { noteVitals } from './dead-runs.ts';

/** How often a run that has a budget is held against it. */
const TICK_MS = 250;
/** Memory is noted when it has grown by so much. */
const NOTE_GROWTH = 1.05;

export interface MeterOptions {
  readonly project: Project;
  readonly graph: Graph;
  readonly limits: EngineLimits;
  /** The run's own temporary folder: there it notes how it is, for the run that comes after it. */
  readonly temp_folder: string;
  readonly started_ms: number;
  /** What the process had used when the run began. */
  readonly cpu_before: NodeJS.CpuUsage;
  readonly readers: () => ReaderUsage;
  readonly warn: (message: string) => void;
}

/** Measures a run while it goes on and holds it against `budget:`. */
export class RunMeter {
  readonly #options: MeterOptions;
  readonly #steps: StepRecord[] = [];
  readonly #retried: string[] = [];
  readonly #stopping = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #noted_bytes = 0;
  readonly #warned = new Set<Overrun['limit']>();

  constructor(options: MeterOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
    this.#tick();
  }

  /** Aborts, with an E_BUDGET as its reason, when a limit is passed and the budget says `fail`. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Why no further step may begin, if so: the E_BUDGET. */
  get spent(): DataflowError | undefined {
    const { reason } = this.signal;
    return reason instanceof DataflowError ? reason : undefined;
  }

  add(step: StepRecord): void {
    this.#steps.push(step);
    this.#judge();
  }

  addRetry(step: string): void {
    this.#retried.push(step);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  receipt(run_id: string): Receipt {
    const { project, limits, readers } = this.#options;
    const used = this.#usage();
    const money = moneyFor(project.price, used);
    return {
      run_id,
      ...used,
      ...this.#flow(),
      rows_per_second: used.rows_in === 0 ? null : Math.round(used.rows_in / Math.max(used.wall_ms / 1000, 0.001)),
      reader_peak_memory_bytes: readers().peak_memory_bytes,
      money,
      currency: money === null ? null : (project.price?.currency ?? null),
      memory_limit_bytes: limits.memory_bytes,
      threads: limits.threads,
      retried_steps: this.#retried,
      over_budget: overrunsOf(project.budget, project.price, used),
    };
  }

  #tick(): void {
    const peak_memory_bytes = peakMemory();
    if (peak_memory_bytes > this.#noted_bytes * NOTE_GROWTH) {
      this.#noted_bytes = peak_memory_bytes;
      const { limits, temp_folder } = this.#options;
      noteVitals(temp_folder, { peak_memory_bytes, memory_limit_bytes: limits.memory_bytes, threads: limits.threads });
    }
    this.#judge();
  }

  #flow(): ReturnType<typeof flowOf> {
    const { graph } = this.#options;
    return flowOf(this.#steps, (step) => graph.byKey.get(step)?.inputs ?? []);
  }

  #usage(): Usage {
    const { started_ms, cpu_before, readers } = this.#options;
    const cpu = process.cpuUsage(cpu_before);
    const { rows_in, bytes_in } = this.#flow();
    return {
      rows_in,
      bytes_in,
      wall_ms: Date.now() - started_ms,
      cpu_ms: Math.round((cpu.user + cpu.system) / 1000) + readers().cpu_ms,
      peak_memory_bytes: peakMemory(),
    };
  }

  #judge(): void {
    const { project, warn } = this.#options;
    if (project.budget === undefined || this.signal.aborted) return;
    for (const overrun of overrunsOf(project.budget, project.price, this.#usage())) {
      if (project.budget.on_exceed === 'fail') {
        this.#stopping.abort(budgetError([overrun], 'used', project));
        return;
      }
      if (this.#warned.has(overrun.limit)) continue;
      this.#warned.add(overrun.limit);
      warn(`over budget: ${shownOverrun(overrun, 'used', project)}`);
    }
  }
}

/** Largest resident set of this process since it began, as the system counts it: the engine works in it. */
export function peakMemory(): number {
  return process.resourceUsage().maxRSS * 1024;
}

/** The error of a budget that is, or would be, passed. */
export function budgetError(
  overruns: readonly Overrun[],
  how: 'used' | 'estimated',
  project: Pick<Project, 'price'>,
): DataflowError {
  const list = overruns.map((one) => shownOverrun(one, how, project)).join('; ');
  const kept = how === 'estimated' ? 'nothing was begun' : 'what was published stays; nothing is half-published';
  return new DataflowError('E_BUDGET', `over budget: ${list}`, { kept });
}

/** `wall 12.0 s of 10.0 s`. */
export function shownOverrun(
  { limit, allowed, used }: Overrun,
  how: 'used' | 'estimated',
  { price }: Pick<Project, 'price'>,
): string {
  const shown = (value: number, more: number): string => {
    if (limit === 'bytes' || limit === 'memory') return more === 0 ? sizeText(value) : `${Math.round(value)} B`;
    if (limit === 'wall') return `${(value / 1000).toFixed(1 + more)} s`;
    if (limit === 'cpu_seconds') return `${value.toFixed(1 + more)} s`;
    if (limit === 'money') return `${shownMoney(value, more)} ${price?.currency ?? ''}`;
    return String(Math.round(value));
  };
  let more = 0;
  while (more < MORE_DIGITS_MAX && isBlurred(shown(used, more), shown(allowed, more), allowed)) more += 1;
  return `${limit} ${how === 'estimated' ? 'about ' : ''}${shown(used, more)} of ${shown(allowed, more)}`;
}

const MORE_DIGITS_MAX = 6;

/** With these digits nobody sees the excess, or a limit looks as if it were none. */
function isBlurred(used: string, allowed: string, limit: number): boolean {
  return used === allowed || (limit > 0 && Number.parseFloat(allowed) === 0);
}

/** Small amounts keep two figures that say something: `0.000042`. `more`: digits beyond that. */
export function shownMoney(amount: number, more = 0): string {
  if (amount === 0) return '0';
  const digits = amount >= 0.1 ? 2 : Math.min(12, 1 - Math.floor(Math.log10(amount)));
  return amount.toFixed(digits + more);
}
