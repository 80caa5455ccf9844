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
