/** One row of docs/benchmarks.md. */
export interface Figure {
  readonly name: string;
  readonly ours: string;
  readonly beside: string;
  readonly ratio: string;
  readonly limit?: string;
  readonly ok?: boolean;
  /** What was set beside what. */
  readonly note: string;
}

export interface BenchSettings {
  readonly rows: number;
  readonly runs: number;
  readonly folder: string;
}

/** A figure from two lists of milliseconds, taken alternately. */
export function ratioFigure(
  name: string,
  ours_ms: number,
  beside_ms: number,
  limit: number | undefined,
  note: string,
): Figure {
  const ratio = ours_ms / beside_ms;
  return {
    name,
    ours: milliseconds(ours_ms),
    beside: milliseconds(beside_ms),
    ratio: ratio.toFixed(2),
    ...(limit === undefined ? {} : { limit: `≤ ${limit}`, ok: ratio <= limit }),
    note,
  };
}

export function milliseconds(value: number): string {
  return value >= 10_000 ? `${(value / 1000).toFixed(1)} s` : `${value.toFixed(0)} ms`;
}
