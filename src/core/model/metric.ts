/** What a number measures. Names follow Prometheus: base units, and `_total` for what only grows. */
export interface MetricSpec {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  /** One sentence, as `# HELP` prints it. */
  readonly help: string;
  /** Beside `project`, which every metric has. */
  readonly labels: readonly string[];
}

export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric with its values at one moment. */
export interface MetricFamily {
  readonly spec: MetricSpec;
  readonly samples: readonly MetricSample[];
}
