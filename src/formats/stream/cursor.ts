/** Pulls bytes in exact amounts out of chunks of any size. */
export class ByteCursor {
  readonly #pull: () => Buffer | undefined;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  #offset = 0;

  constructor(pull: () => Buffer | undefined) {
    this.#pull = pull;
  }

  /** How many bytes were taken so far. */
  get offset(): number {
    return this.#offset;
  }

  /** True when nothing is left. */
  atEnd(): boolean {
    while (this.#at >= this.#chunk.length) {
      const next = this.#pull();
      if (next === undefined) return true;
      this.#chunk = next;
      this.#at = 0;
    }
    return false;
  }

  /** What is left of the chunk in hand (never empty), without taking it; undefined at the end. Valid until the next pull. */
  peek(): Buffer | undefined {
    return this.atEnd() ? undefined : this.#chunk.subarray(this.#at);
  }

  skip(count: number): void {
    this.#at += count;
    this.#offset += count;
  }

  /** Exactly `count` bytes as a copy, or undefined when there are fewer. */
  take(count: number): Buffer | undefined {
    const out = Buffer.allocUnsafe(count);
    let filled = 0;
    while (filled < count) {
      const rest = this.peek();
      if (rest === undefined) return undefined;
      const part = rest.copy(out, filled);
      filled += part;
      this.skip(part);
    }
    return out;
  }

  byte(): number | undefined {
    const rest = this.peek();
    if (rest === undefined) return undefined;
    this.skip(1);
    return rest[0];
  }
}
