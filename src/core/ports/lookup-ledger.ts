/** An answer, or that there was none, as it is remembered. */
export interface RememberedAnswer {
  /** JSON array of the key's texts. */
  readonly key: string;
  /** Place in the answer → text there; undefined when there was no answer. */
  readonly values?: Readonly<Record<string, string | null>>;
  /** Why there was none. */
  readonly failed?: string;
  readonly asked_at_ms: number;
  readonly run_id: string;
}

/**
 * Answers of lookups. A cache: no table depends on what is here, so it may be lost; then the same is asked again.
 * `question` is a digest of what is asked, apart from the key.
 */
export interface LookupLedger {
  record(question: string, answers: readonly RememberedAnswer[]): void;
  /** What is remembered of these keys, by key. */
  known(question: string, keys: readonly string[]): ReadonlyMap<string, RememberedAnswer>;
  /** A key that was answered once, to find out whether anybody answers at all. */
  anyAnswered(question: string): string | undefined;
  /**
   * Forgets what was answered before `before_ms`; of each of the questions that are `asked` still, the newest answer stays: it tells
   * whether anybody answers. Returns how many; with `dry_run` they stay.
   */
  collect(what: { readonly before_ms: number; readonly asked: readonly string[]; readonly dry_run: boolean }): number;
}
