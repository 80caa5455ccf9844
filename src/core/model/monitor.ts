/** Where things are posted to: an address, and what is said with each request. */
export interface PostTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** `metrics:` where the numbers of a project go at the end of each run, beside `/metrics` of the server. */
export interface MetricsSpec {
  /** Absolute once loaded. */
  readonly file?: string | undefined;
  readonly otlp?: PostTarget | undefined;
}

/** `openlineage:` where the events of a run go. Without file and address, the OPENLINEAGE_* variables decide. */
export interface OpenLineageSpec {
  /** Of jobs; the project's name without it. */
  readonly namespace?: string | undefined;
  /** Absolute once loaded. */
  readonly file?: string | undefined;
  readonly url?: string | undefined;
  /** Below `url`. */
  readonly endpoint: string;
  readonly api_key?: string | undefined;
  /** How long a service may hold the end of a run. */
  readonly seconds_max: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** What an alert may be about. `run_recovered` is told of by those who want to hear the end of an incident only. */
export const ALERT_KINDS = [
  'run_failed',
  'run_recovered',
  'table_stale',
  'quarantine_growing',
  'destination_behind',
] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

/** One entry of `alerts:`. */
export interface AlertSpec {
  readonly when: AlertKind;
  /** Patterns of tables, for those about tables. */
  readonly tables: readonly string[];
  /** Time that it has to last, in ms: age of a table, lag of a destination. */
  readonly after_ms?: number | undefined;
  readonly post?: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly shape: 'generic' | 'slack';
  /** Program and arguments; the message is its standard input. */
  readonly command?: readonly string[] | undefined;
}
