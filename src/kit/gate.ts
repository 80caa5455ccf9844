/** A place that so many may hold at once; others wait in the order in which they came, and beyond a number of those nobody waits. */
export class Gate {
  readonly #places: number;
  readonly #waiting_max: number;
  readonly #queue: (() => void)[] = [];
  #held = 0;

  constructor(places: number, waiting_max: number) {
    this.#places = places;
    this.#waiting_max = waiting_max;
  }

  get held(): number {
    return this.#held;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** Waits for a place; the function that is given back frees it. Undefined: too many wait already. @throws the signal's reason when it is aborted first. */
  async enter(signal: AbortSignal): Promise<(() => void) | undefined> {
    signal.throwIfAborted();
    if (this.#held < this.#places) this.#held += 1;
    else if (this.#queue.length >= this.#waiting_max) return undefined;
    else await this.#turn(signal);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const next = this.#queue.shift();
      // The place goes on to who waits: it is never free for someone who came later.
      if (next === undefined) this.#held -= 1;
      else next();
    };
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onTurn = (): void => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = (): void => {
        const place = this.#queue.indexOf(onTurn);
        if (place >= 0) this.#queue.splice(place, 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#queue.push(onTurn);
    });
  }
}
