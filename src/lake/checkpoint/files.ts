import { type FileChunk, lazyMaps, lazyTexts, type MapChunks, mapLevel } from './lazy-columns.ts';
import { PackedFiles } from './packed-files.ts';
import { PackedPaths } from './packed-paths.ts';
import { type Chunk, isEmpty, visitBytes, visitTexts, visitValues } from './parquet-chunk.ts';

type Values = Readonly<Record<string, string | null>>;
/** The columns that are wanted; `passing`: each is done with before the next is asked for. */
export type ChunksOf = (wanted: (names: readonly string[]) => boolean, passing?: boolean) => Promise<readonly Chunk[]>;

/** Takes the files of a checkpoint over, row group after row group, in columns. */
export class FilesOfCheckpoint {
  readonly #name: string;
  readonly #resolve: (path: string) => string;
  #paths: PackedPaths | undefined;
  readonly #sizes = new Numbers();
  readonly #times = new Numbers();
  readonly #partition_of = new Numbers();
  readonly #partitions = new Partitions();
  readonly #stats: FileChunk<Chunk>[] = [];
  readonly #tags: FileChunk<MapChunks>[] = [];
  readonly #vectors = new Set<number>();
  #rows: number | undefined = 0;

  constructor(name: string, resolve: (path: string) => string) {
    this.#name = name;
    this.#resolve = resolve;
  }

  /** What the file says of itself: the rows of all its data files if it does, and how many actions it holds. */
  expect(rows: number | undefined, actions: number): void {
    this.#rows = rows === undefined || this.#rows === undefined ? undefined : this.#rows + rows;
    this.#paths ??= new PackedPaths(this.#resolve, actions);
    for (const numbers of [this.#sizes, this.#times, this.#partition_of]) numbers.reserve(actions);
  }

  /** @throws TypeError for a file without its path, size or partition. */
  async addGroup(chunksOf: ChunksOf, group_rows: number): Promise<void> {
    const of = async (passing: boolean, ...names: string[]): Promise<Chunk | undefined> =>
      (await chunksOf((path) => path[0] === 'add' && names.every((name, at) => path[at + 1] === name), passing))[0];
    const path = await of(true, 'path');
    const paths = this.#paths;
    if (path === undefined || paths === undefined || isEmpty(path)) return;
    const first = paths.size;
    const rows: number[] = [];
    visitBytes(path, (row, bytes, from, to) => {
      paths.add(bytes, from, to);
      rows.push(row);
    });
    if (rows.length === 0) return;
    const at = Uint32Array.from(rows);
    takeNumbers(await of(true, 'size'), at, this.#sizes);
    takeNumbers(await of(true, 'modificationTime'), at, this.#times);
    this.#partitions.take(await mapOf(chunksOf, 'partitionValues'), at, group_rows, this.#partition_of);
    const stats = await of(false, 'stats');
    if (stats !== undefined && !isEmpty(stats)) this.#stats.push({ column: stats, first, rows: at });
    const tags = await mapOf(chunksOf, 'tags');
    if (tags !== undefined) this.#tags.push({ column: tags, first, rows: at });
    const vector = await of(true, 'deletionVector', 'storageType');
    if (vector === undefined) return;
    const with_vector = new Set<number>();
    visitValues(vector, (row, _, value) => value !== undefined && with_vector.add(row));
    for (const [index, row] of at.entries()) if (with_vector.has(row)) this.#vectors.add(first + index);
  }

  /** @throws TypeError when a file is there twice. */
  packed(): PackedFiles {
    return new PackedFiles({
      paths: (this.#paths ?? new PackedPaths(this.#resolve)).seal(),
      sizes: this.#sizes.all(),
      times: this.#times.all(),
      partition_of: this.#partition_of.all(),
      partitions: this.#partitions.all,
      stats: lazyTexts(this.#stats, this.#name),
      tags: lazyMaps(this.#tags, this.#name),
      vectors: this.#vectors,
      rows: this.#rows,
    });
  }
}

/** Distinct partition values, each kept once. */
class Partitions {
  readonly all: Values[] = [];
  readonly #known = new Map<string, number>();
  /** Of the only partition column of most tables: by its name and value. */
  readonly #simple = new Map<string, Map<string, number>>();

  /** Adds the number of the partition of each file. */
  take(map: MapChunks | undefined, at: Uint32Array, group_rows: number, numbers: Numbers): void {
    if (map === undefined) throw new TypeError('add.partitionValues');
    const keys: string[] = [];
    const rows: number[] = [];
    const present = new Uint8Array(group_rows);
    const container = mapLevel(map.key);
    visitTexts(map.key, (row, definition, text) => {
      if (definition >= container) present[row] = 1;
      if (text === undefined) return;
      keys.push(text);
      rows.push(row);
    });
    const values: (string | null)[] = [];
    const entry = mapLevel(map.key) + 1;
    visitTexts(map.value, (_, definition, text) => {
      if (definition >= entry) values.push(text ?? null);
    });
    if (values.length !== keys.length) throw new TypeError('partition values without their columns');
    let next = 0;
    for (const row of at) {
      if (present[row] !== 1) throw new TypeError('add.partitionValues');
      while ((rows[next] ?? Number.MAX_VALUE) < row) next++;
      const from = next;
      while (rows[next] === row) next++;
      numbers.push(this.#numberOf(keys, values, from, next));
    }
  }

  #numberOf(keys: readonly string[], values: readonly (string | null)[], from: number, to: number): number {
    const [key = '', value] = [keys[from], values[from]];
    if (to === from + 1 && typeof value === 'string') {
      const known = this.#simple.get(key) ?? new Map<string, number>();
      this.#simple.set(key, known);
      return known.get(value) ?? numbered(known, value, this.all, { [key]: value });
    }
    const entries = keys.slice(from, to).map((name, at) => [name, values[from + at] ?? null]);
    const text = JSON.stringify(entries);
    return this.#known.get(text) ?? numbered(this.#known, text, this.all, Object.fromEntries(entries));
  }
}

function numbered(known: Map<string, number>, key: string, all: Values[], values: Values): number {
  known.set(key, all.length);
  return all.push(values) - 1;
}

async function mapOf(chunksOf: ChunksOf, name: string): Promise<MapChunks | undefined> {
  const [key, value] = await chunksOf((path) => path[0] === 'add' && path[1] === name);
  return key === undefined || value === undefined ? undefined : { key, value };
}

/** @throws TypeError when a file has none, or one that is no whole number. */
function takeNumbers(chunk: Chunk | undefined, at: Uint32Array, numbers: Numbers): void {
  if (chunk === undefined) throw new TypeError('files without a size or time');
  let next = 0;
  visitValues(chunk, (row, _, value) => {
    if (row !== at[next]) return;
    const number = typeof value === 'bigint' ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw new TypeError(chunk.name);
    numbers.push(number);
    next++;
  });
}

/** Numbers in one piece of memory that grows. */
class Numbers {
  #numbers = new Float64Array(0);
  #size = 0;

  reserve(more: number): void {
    if (this.#size + more <= this.#numbers.length) return;
    const larger = new Float64Array(this.#size + more);
    larger.set(this.#numbers);
    this.#numbers = larger;
  }

  push(number: number): void {
    if (this.#size === this.#numbers.length) this.reserve(this.#size + 1024);
    this.#numbers[this.#size++] = number;
  }

  all(): Float64Array {
    return this.#numbers.subarray(0, this.#size);
  }
}
