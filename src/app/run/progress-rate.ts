import type { StepDoing, StepProgress } from '../../core/model/step-progress.ts';

/** Where a step stood at one moment. */
export interface Reading {
  readonly doing: StepDoing;
  readonly rows?: number | undefined;
  readonly bytes?: number | undefined;
  /** All there are. */
  readonly bytes_expected?: number | undefined;
  /** 0..100 of the engine's statement. */
  readonly percentage?: number | undefined;
}

/** Rates are those of so long a time. */
const WINDOW_MS = 10_000;
/** Before that a rate says nothing. */
const RATE_AFTER_MS = 900;

type Measure = 'rows' | 'bytes' | 'percentage';
type Told = Omit<StepProgress, 'step' | 'started_at'>;

/** Makes rates of readings that come about once a second. */
export class ProgressRate {
  #readings: readonly (Reading & { readonly at_ms: number })[] = [];

  /** @param last_left_ms what would be left if the step took as long as its last success; undefined when nobody knows */
  next(now: Reading, at_ms: number, last_left_ms: number | undefined): Told {
    const before = this.#readings.at(-1);
    // Another statement, or a second attempt: what came before says nothing of its pace.
    if (before !== undefined && (before.doing !== now.doing || fell(before, now))) this.#readings = [];
    this.#readings = [...this.#readings.filter((one) => at_ms - one.at_ms <= WINDOW_MS), { ...now, at_ms }];
    const rows_per_second = this.#rate('rows');
    const { percent, percent_of } = shareOf(now);
    return {
      doing: now.doing,
      rows: now.rows ?? null,
      rows_per_second: rows_per_second === undefined ? null : Math.round(rows_per_second),
      bytes: now.bytes ?? null,
      percent: percent === null ? null : Math.min(100, Math.floor(percent)),
      percent_of,
      ...this.#left(now, percent_of, last_left_ms),
    };
  }

  /** A second; undefined while nothing moves. */
  #rate(measure: Measure): number | undefined {
    const first = this.#readings.find((one) => one[measure] !== undefined);
    const last = this.#readings.at(-1);
    const [from, to] = [first?.[measure], last?.[measure]];
    if (first === undefined || last === undefined || from === undefined || to === undefined) return undefined;
    const passed_ms = last.at_ms - first.at_ms;
    return passed_ms < RATE_AFTER_MS || to <= from ? undefined : ((to - from) / passed_ms) * 1000;
  }

  #left(
    now: Reading,
    by: StepProgress['percent_of'],
    last_left_ms: number | undefined,
  ): Pick<StepProgress, 'left_ms' | 'left_by'> {
    const ends = { bytes: now.bytes_expected, statement: 100 } as const;
    const measures = { bytes: 'bytes', statement: 'percentage' } as const;
    // Statements follow each other: that the last success took longer is the better guess.
    if (by !== null && (by !== 'statement' || last_left_ms === undefined)) {
      const rate = this.#rate(measures[by]);
      const left = (ends[by] ?? 0) - (now[measures[by]] ?? 0);
      if (rate !== undefined && left >= 0) return { left_ms: Math.round((left / rate) * 1000), left_by: by };
    }
    return last_left_ms === undefined
      ? { left_ms: null, left_by: null }
      : { left_ms: Math.round(last_left_ms), left_by: 'last_success' };
  }
}

function fell(before: Reading, now: Reading): boolean {
  return (['rows', 'bytes', 'percentage'] as const).some((measure) => (now[measure] ?? 0) < (before[measure] ?? 0));
}

function shareOf({ bytes, bytes_expected, percentage }: Reading): {
  readonly percent: number | null;
  readonly percent_of: StepProgress['percent_of'];
} {
  if (bytes !== undefined && bytes_expected !== undefined && bytes_expected > 0)
    return { percent: (100 * bytes) / bytes_expected, percent_of: 'bytes' };
  if (percentage !== undefined) return { percent: percentage, percent_of: 'statement' };
  return { percent: null, percent_of: null };
}
