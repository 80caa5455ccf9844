/** How a value reaches an output column: unchanged, computed from, or summed up over rows. The later ones contain the earlier ones. */
export const DIRECT = ['identity', 'transformation', 'aggregation'] as const;
/** How a column decides about rows or values without its own value going into them. */
export const INDIRECT = ['filter', 'join', 'group_by', 'sort', 'window', 'conditional'] as const;

export type DirectWay = (typeof DIRECT)[number];
export type IndirectWay = (typeof INDIRECT)[number];
export type Way = DirectWay | IndirectWay;

/** One input column and one way in which it matters. */
export interface Origin {
  /** `silver.achats`. */
  readonly table: string;
  readonly column: string;
  readonly way: Way;
}

export function isDirect(way: Way): way is DirectWay {
  return (DIRECT as readonly string[]).includes(way);
}

/** A set of origins without repetition, in the order in which they were found. */
export class Origins {
  readonly #found = new Map<string, Origin>();

  static of(...origins: readonly Origin[]): Origins {
    return new Origins().add(origins);
  }

  add(origins: Iterable<Origin>): this {
    for (const origin of origins) this.#found.set(JSON.stringify([origin.table, origin.column, origin.way]), origin);
    return this;
  }

  /** The same columns after something was computed from them. */
  through(way: DirectWay): Origins {
    const weaker = (one: DirectWay): DirectWay => (DIRECT.indexOf(one) > DIRECT.indexOf(way) ? one : way);
    return this.#mapped((one) => (isDirect(one) ? weaker(one) : one));
  }

  /** The same columns where only their influence counts. */
  as(way: IndirectWay): Origins {
    return this.#mapped((one) => (isDirect(one) ? way : one));
  }

  get size(): number {
    return this.#found.size;
  }

  [Symbol.iterator](): IterableIterator<Origin> {
    return this.#found.values();
  }

  #mapped(change: (way: Way) => Way): Origins {
    return new Origins().add([...this].map((origin) => ({ ...origin, way: change(origin.way) })));
  }
}
