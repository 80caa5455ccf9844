import { ParameterError } from './parameter-error.ts';
import { shown } from './values.ts';

/** What stands behind the `?` of a request, as it was parsed. */
export type QueryWords = Readonly<Record<string, string | readonly string[] | undefined>>;

const WORDS_MAX = 100;

/** The parameters of one request: each is taken once, and what nobody took is unknown. */
export class RequestWords {
  readonly #words = new Map<string, string>();

  /** @throws ParameterError for one that is given twice. */
  constructor(query: QueryWords) {
    for (const [name, value] of Object.entries(query)) {
      if (value === undefined) continue;
      if (typeof value !== 'string') throw new ParameterError(clipped(name), 'it is given more than once', 'one value');
      this.#words.set(name, value);
    }
    if (this.#words.size > WORDS_MAX)
      throw new ParameterError('the request', `it has ${this.#words.size} parameters`, `at most ${WORDS_MAX}`);
  }

  take(name: string): string | undefined {
    const value = this.#words.get(name);
    this.#words.delete(name);
    return value;
  }

  /** @throws ParameterError for what is no whole number within the bounds. */
  takeWhole(name: string, bounds: { readonly min: number; readonly max: number; readonly fallback: number }): number {
    const word = this.take(name);
    if (word === undefined) return bounds.fallback;
    const value = /^\d{1,15}$/.test(word) ? Number(word) : Number.NaN;
    if (value >= bounds.min && value <= bounds.max) return value;
    throw new ParameterError(
      name,
      `${shown(word)} is not allowed`,
      `a whole number from ${bounds.min} to ${bounds.max}`,
    );
  }

  takeFlag(name: string): boolean {
    const word = this.take(name);
    if (word === undefined || word === 'false') return false;
    if (word === 'true') return true;
    throw new ParameterError(name, `${shown(word)} is neither`, 'true or false');
  }

  /** Puts back what is taken from here on: for a question that is asked once more. */
  rewinder(): () => void {
    const before = [...this.#words];
    return () => {
      for (const [name, value] of before) this.#words.set(name, value);
    };
  }

  /** What nobody took. */
  rest(): readonly (readonly [string, string])[] {
    return [...this.#words];
  }

  /** @throws ParameterError when something is left. */
  end(known: readonly string[]): void {
    const [name] = this.#words.keys();
    if (name !== undefined)
      throw new ParameterError(
        clipped(name),
        'there is no such parameter',
        known.length === 0 ? 'none' : known.join(', '),
      );
  }
}

function clipped(name: string): string {
  return name.length > 60 ? `${name.slice(0, 60)}…` : name;
}
