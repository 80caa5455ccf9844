/** A view in more words than this is not kept: it names thousands of files. */
const WORDS_MAX = 100_000;

/**
 * The views at a workplace. Those of the session before stay until it is clear that this one does not want them: steps that follow each
 * other mostly read the same tables, and a view that is there in the same words need not be made again.
 */
export class KeptViews {
  /** Every view that is there: name → the statement that made it. */
  readonly #made: Map<string, string>;
  /** Names that this session has bound. */
  readonly #own = new Set<string>();

  /** @param made what is there, shared with the workplace. */
  constructor(made: Map<string, string>) {
    this.#made = made;
  }

  /** True when the view is there as this statement would make it. */
  take(name: string, statement: string): boolean {
    this.#own.add(name.toLowerCase());
    return this.#made.get(name.toLowerCase()) === statement;
  }

  /** The statement was run. */
  made(name: string, statement: string): void {
    this.#made.set(name.toLowerCase(), statement);
  }

  /** Statements that drop what earlier sessions bound and this one did not; for the moment before names are looked up. */
  strays(): readonly string[] {
    if (this.#made.size === this.#own.size) return [];
    return this.#dropsOf([...this.#made.keys()].filter((name) => !this.#own.has(name)));
  }

  /** Statements that drop what is not worth keeping for the next session. */
  tooLong(): readonly string[] {
    return this.#dropsOf([...this.#made].filter(([, words]) => words.length > WORDS_MAX).map(([name]) => name));
  }

  #dropsOf(names: readonly string[]): readonly string[] {
    for (const name of names) this.#made.delete(name);
    return names.map((name) => `drop view if exists ${name}`);
  }
}
