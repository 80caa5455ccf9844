import type { LiveFile, PackedFiles } from './checkpoint/packed-files.ts';
import { parseStats } from './delta-stats.ts';

/**
 * The live files of one version, in order: those of a checkpoint, packed and shared by all versions after it, under what changed since.
 * A copy takes what those changes take, not what the table does.
 */
export class LiveFiles {
  readonly #base: PackedFiles | undefined;
  /** Files of the base that left, by number. */
  readonly #gone: Set<number>;
  /** Files of the base that were added again, in their place. */
  readonly #renewed: Map<number, LiveFile>;
  /** Files that came since, in the order in which they did; one that left again leaves a hole. */
  #fresh: ({ readonly path: string; readonly live: LiveFile } | undefined)[];
  #fresh_at: Map<string, number>;
  /** The order, where it is not the base and then what came since: numbers of the base, and ~numbers of `fresh` as far as it goes. */
  #order: Int32Array | undefined;
  #ordered = 0;

  constructor(base?: PackedFiles) {
    this.#base = base;
    this.#gone = new Set();
    this.#renewed = new Map();
    this.#fresh = [];
    this.#fresh_at = new Map();
  }

  copy(): LiveFiles {
    const copy = new LiveFiles(this.#base);
    for (const index of this.#gone) copy.#gone.add(index);
    for (const [index, live] of this.#renewed) copy.#renewed.set(index, live);
    if (this.#order === undefined && this.#fresh.length > 2 * this.#fresh_at.size) {
      for (const one of this.#fresh) if (one !== undefined) copy.set(one.path, one.live);
      return copy;
    }
    copy.#fresh = [...this.#fresh];
    copy.#fresh_at = new Map(this.#fresh_at);
    copy.#order = this.#order;
    copy.#ordered = this.#ordered;
    return copy;
  }

  get size(): number {
    return (this.#base?.size ?? 0) - this.#gone.size + this.#fresh_at.size;
  }

  has(path: string): boolean {
    return this.#refOf(path) !== undefined;
  }

  get(path: string): LiveFile | undefined {
    const ref = this.#refOf(path);
    return ref === undefined ? undefined : this.#live(ref);
  }

  /** A new path comes last; a known one keeps its place. */
  set(path: string, live: LiveFile): void {
    const ref = this.#refOf(path);
    if (ref === undefined) {
      this.#fresh_at.set(path, this.#fresh.length);
      this.#fresh.push({ path, live });
    } else if (ref >= 0) this.#renewed.set(ref, live);
    else this.#fresh[~ref] = { path, live };
  }

  delete(path: string): void {
    const ref = this.#refOf(path);
    if (ref === undefined) return;
    if (ref >= 0) {
      this.#gone.add(ref);
      this.#renewed.delete(ref);
    } else {
      this.#fresh[~ref] = undefined;
      this.#fresh_at.delete(path);
    }
  }

  /** New files, each of which stands behind a file that is there. */
  insertAfter(heirs: ReadonlyMap<string, readonly (readonly [string, LiveFile])[]>): void {
    const behind = new Map<number, readonly (readonly [string, LiveFile])[]>();
    for (const [place, files] of heirs) {
      const ref = this.#refOf(place);
      if (ref !== undefined) behind.set(ref, files);
    }
    const before = [...this.#refs()];
    const order: number[] = [];
    for (const ref of before) {
      order.push(ref);
      for (const [path, live] of behind.get(ref) ?? []) {
        const known = this.has(path);
        this.set(path, live);
        if (!known) order.push(~(this.#fresh.length - 1));
      }
    }
    this.#arrange(order);
  }

  /** These paths come first, in this order; then the others in theirs. */
  reorder(paths: readonly string[]): void {
    const named = new Set<number>();
    for (const path of paths) {
      const ref = this.#refOf(path);
      if (ref !== undefined) named.add(ref);
    }
    const order = [...named];
    for (const ref of this.#refs()) if (!named.has(ref)) order.push(ref);
    this.#arrange(order);
  }

  *keys(): Generator<string> {
    for (const ref of this.#refs()) yield this.#path(ref);
  }

  *values(): Generator<LiveFile> {
    for (const ref of this.#refs()) yield this.#live(ref);
  }

  *[Symbol.iterator](): Generator<[string, LiveFile]> {
    for (const ref of this.#refs()) yield [this.#path(ref), this.#live(ref)];
  }

  /** Those with fitting partition values; no other file is looked at. */
  *inPartitions(fits: (values: LiveFile['action']['partitionValues']) => boolean): Generator<[string, LiveFile]> {
    const base = this.#base;
    const fitting = base?.partitions.map(fits) ?? [];
    const mayFit = (index: number): boolean =>
      fitting[base?.partitionOf(index) ?? 0] === true || this.#renewed.has(index);
    for (const ref of this.#refs(mayFit)) {
      const live = this.#live(ref);
      if (fits(live.action.partitionValues)) yield [this.#path(ref), live];
    }
  }

  /** How many files came, left or were added again since the base. */
  get changes(): number {
    return this.#gone.size + this.#renewed.size + this.#fresh.length;
  }

  get size_bytes(): number {
    let sum = this.#base?.size_bytes ?? 0;
    for (const index of this.#gone) sum -= this.#base?.sizeOf(index) ?? 0;
    for (const [index, { action }] of this.#renewed) sum += action.size - (this.#base?.sizeOf(index) ?? 0);
    for (const one of this.#fresh) sum += one?.live.action.size ?? 0;
    return sum;
  }

  /** Rows of the files that have statistics. */
  get rows(): number {
    const rowsOf = (live: LiveFile | undefined): number => parseStats(live?.action.stats)?.num_records ?? 0;
    let sum = this.#base?.rows ?? 0;
    for (const index of this.#gone) sum -= rowsOf(this.#base?.live(index));
    for (const [index, live] of this.#renewed) sum += rowsOf(live) - rowsOf(this.#base?.live(index));
    for (const one of this.#fresh) sum += rowsOf(one?.live);
    return sum;
  }

  /** Files without usable statistics. */
  *silent(): Generator<[string, LiveFile]> {
    for (const index of this.#base?.silent ?? [])
      if (!this.#gone.has(index) && !this.#renewed.has(index)) yield [this.#path(index), this.#live(index)];
    for (const [path, live] of this.#changed()) if (parseStats(live.action.stats) === undefined) yield [path, live];
  }

  /** One of them has rows that are deleted without its file being rewritten. */
  hasDeletionVectors(): boolean {
    for (const index of this.#base?.vectors ?? []) if (!this.#gone.has(index) && !this.#renewed.has(index)) return true;
    for (const [, { action }] of this.#changed())
      if (action.deletionVector !== undefined && action.deletionVector !== null) return true;
    return false;
  }

  /** What came, or was added again, since the base. */
  *#changed(): Generator<[string, LiveFile]> {
    for (const [index, live] of this.#renewed) yield [this.#path(index), live];
    for (const one of this.#fresh) if (one !== undefined) yield [one.path, one.live];
  }

  /** A number of the base, or ~ one of `fresh`. */
  #refOf(path: string): number | undefined {
    const at = this.#fresh_at.get(path);
    if (at !== undefined) return ~at;
    const index = this.#base?.indexOf(path);
    return index === undefined || this.#gone.has(index) ? undefined : index;
  }

  /** @param wanted which files of the base; all by default. */
  *#refs(wanted?: (index: number) => boolean): Generator<number> {
    const asked = (index: number): boolean => wanted === undefined || wanted(index);
    if (this.#order !== undefined) {
      for (const ref of this.#order) if (this.#isLive(ref) && (ref < 0 || asked(ref))) yield ref;
    } else {
      const size = this.#base?.size ?? 0;
      for (let index = 0; index < size; index++) if (asked(index) && !this.#gone.has(index)) yield index;
    }
    for (let at = this.#ordered; at < this.#fresh.length; at++) if (this.#fresh[at] !== undefined) yield ~at;
  }

  #isLive(ref: number): boolean {
    return ref >= 0 ? !this.#gone.has(ref) : this.#fresh[~ref] !== undefined;
  }

  #live(ref: number): LiveFile {
    const live = ref >= 0 ? (this.#renewed.get(ref) ?? this.#base?.live(ref)) : this.#fresh[~ref]?.live;
    if (live === undefined) throw new RangeError(`no file ${ref}`);
    return live;
  }

  #path(ref: number): string {
    return (ref >= 0 ? this.#base?.path(ref) : this.#fresh[~ref]?.path) ?? '';
  }

  #arrange(order: readonly number[]): void {
    this.#order = Int32Array.from(order);
    this.#ordered = this.#fresh.length;
  }
}
