export interface AdaptiveLimits {
  /** Works at once, at most. */
  readonly at_once_max: number;
  /** What all works at once may weigh together; one that is heavier goes alone. */
  readonly weight_max: number;
}

const AT_FIRST = 8;
/** Complaints that come together are one. */
const COMPLAINT_MS = 250;

/**
 * Works through a list with as many at once as the other side bears: more while all goes well (twice as many each round, until it complained once),
 * half as many when it complains.
 */
export class AdaptivePool {
  readonly #limits: AdaptiveLimits;
  readonly #now: () => number;
  #at_once: number;
  #well = 0;
  #complained_ms = Number.NEGATIVE_INFINITY;

  constructor(limits: AdaptiveLimits, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
    this.#at_once = Math.min(AT_FIRST, limits.at_once_max);
  }

  get at_once(): number {
    return this.#at_once;
  }

  /** The other side asks to be spared. */
  complained(): void {
    this.#well = 0;
    if (this.#now() - this.#complained_ms < COMPLAINT_MS) return;
    this.#complained_ms = this.#now();
    this.#at_once = Math.max(1, Math.floor(this.#at_once / 2));
  }

  /** The first error ends it, once what is under way has come to its end; it is thrown then. */
  async run<T>(
    items: Iterable<T>,
    work: (item: T) => Promise<void>,
    weigh: (item: T) => number = () => 0,
  ): Promise<void> {
    const going = new Set<Promise<void>>();
    let weight = 0;
    let failed: { readonly error: unknown } | undefined;
    for (const item of items) {
      const its = weigh(item);
      while (going.size > 0 && (going.size >= this.#at_once || weight + its > this.#limits.weight_max))
        await Promise.race(going);
      if (failed !== undefined) break;
      weight += its;
      const one: Promise<void> = work(item)
        .then(
          () => this.#wentWell(),
          (error: unknown) => {
            failed ??= { error };
          },
        )
        .finally(() => {
          weight -= its;
          going.delete(one);
        });
      going.add(one);
    }
    await Promise.all(going);
    if (failed !== undefined) throw failed.error;
  }

  #wentWell(): void {
    this.#well += 1;
    if (this.#well < this.#at_once) return;
    this.#well = 0;
    const more = this.#complained_ms > 0 ? this.#at_once + 1 : this.#at_once * 2;
    this.#at_once = Math.min(this.#limits.at_once_max, more);
  }
}
