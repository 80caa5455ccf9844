/** A change: a value, or that there is none any more. */
type Change<V> = { readonly value: V } | undefined;

/** So many changes are copied with each copy at most, before all entries are copied once. */
const CHANGES_FREE = 256;
const CHANGES_BY_ROOT = 8;

/** A map whose copies share what they have in common: a copy takes what changed of late, not what the map holds. */
export class LayeredMap<K, V> {
  readonly #shared: ReadonlyMap<K, V>;
  readonly #changes: Map<K, Change<V>>;
  #size: number;

  constructor(shared: ReadonlyMap<K, V> = new Map(), changes: ReadonlyMap<K, Change<V>> = new Map(), size?: number) {
    this.#shared = shared;
    this.#changes = new Map(changes);
    this.#size = size ?? shared.size;
  }

  copy(): LayeredMap<K, V> {
    const most = Math.max(CHANGES_FREE, CHANGES_BY_ROOT * Math.sqrt(this.#shared.size));
    if (this.#changes.size <= most) return new LayeredMap(this.#shared, this.#changes, this.#size);
    return new LayeredMap(new Map(this));
  }

  get size(): number {
    return this.#size;
  }

  get(key: K): V | undefined {
    return this.#changes.has(key) ? this.#changes.get(key)?.value : this.#shared.get(key);
  }

  has(key: K): boolean {
    return this.#changes.has(key) ? this.#changes.get(key) !== undefined : this.#shared.has(key);
  }

  set(key: K, value: V): void {
    if (!this.has(key)) this.#size++;
    this.#changes.set(key, { value });
  }

  delete(key: K): void {
    if (!this.has(key)) return;
    this.#size--;
    if (this.#shared.has(key)) this.#changes.set(key, undefined);
    else this.#changes.delete(key);
  }

  /** In no order that means anything. */
  *[Symbol.iterator](): Generator<[K, V]> {
    for (const [key, value] of this.#shared) if (!this.#changes.has(key)) yield [key, value];
    for (const [key, change] of this.#changes) if (change !== undefined) yield [key, change.value];
  }
}
