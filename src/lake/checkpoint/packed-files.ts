import type { AddAction } from '../delta-actions.ts';
import { parseStats } from '../delta-stats.ts';
import type { PackedPaths } from './packed-paths.ts';

/** A live file: its action as the log has it, and the version that added it (a checkpoint does not say). */
export interface LiveFile {
  readonly action: AddAction;
  readonly version: number | undefined;
}

/** Texts or maps of many files that are decoded when one of them is asked for. */
export interface LazyColumn<T> {
  at(index: number): T | undefined;
}

type PartitionValues = AddAction['partitionValues'];

/** The columns of {@link PackedFiles}. */
export interface PackedColumns {
  readonly paths: PackedPaths;
  readonly sizes: Float64Array;
  readonly times: Float64Array;
  /** The partition of each file, by its number in `partitions`. */
  readonly partition_of: Float64Array;
  readonly partitions: readonly PartitionValues[];
  readonly stats: LazyColumn<string>;
  readonly tags: LazyColumn<Readonly<Record<string, string>>>;
  /** Files with a deletion vector. */
  readonly vectors: ReadonlySet<number>;
  /** Rows of all files, where their writer said so and each of them has statistics. */
  readonly rows?: number | undefined;
}

/** The files of a checkpoint in columns, immutable: a million of them take what a hundred thousand objects would. */
export class PackedFiles {
  readonly #columns: PackedColumns;
  readonly size_bytes: number;
  /** Rows, and files without usable statistics, once they were counted. */
  #counted: { readonly rows: number; readonly silent: readonly number[] } | undefined;

  constructor(columns: PackedColumns) {
    this.#columns = columns;
    this.size_bytes = columns.sizes.reduce((sum, size) => sum + size, 0);
    if (columns.rows !== undefined) this.#counted = { rows: columns.rows, silent: [] };
  }

  get size(): number {
    return this.#columns.paths.size;
  }

  get vectors(): ReadonlySet<number> {
    return this.#columns.vectors;
  }

  get partitions(): readonly PartitionValues[] {
    return this.#columns.partitions;
  }

  partitionOf(index: number): number {
    return this.#columns.partition_of[index] ?? 0;
  }

  path(index: number): string {
    return this.#columns.paths.path(index);
  }

  indexOf(path: string): number | undefined {
    return this.#columns.paths.indexOf(path);
  }

  sizeOf(index: number): number {
    return this.#columns.sizes[index] ?? 0;
  }

  /** Rows of all files that have statistics. */
  get rows(): number {
    return this.#count().rows;
  }

  /** Files without usable statistics. */
  get silent(): readonly number[] {
    return this.#count().silent;
  }

  live(index: number): LiveFile {
    const { paths, sizes, times, partitions, partition_of, stats, tags, vectors } = this.#columns;
    const action: AddAction = {
      path: paths.raw(index),
      partitionValues: partitions[partition_of[index] ?? 0] ?? {},
      size: sizes[index] ?? 0,
      modificationTime: times[index] ?? 0,
      dataChange: false,
      get stats() {
        return stats.at(index);
      },
      get tags() {
        return tags.at(index);
      },
      ...(vectors.has(index) ? { deletionVector: {} } : {}),
    };
    return { action, version: undefined };
  }

  #count(): { readonly rows: number; readonly silent: readonly number[] } {
    if (this.#counted !== undefined) return this.#counted;
    const silent: number[] = [];
    let rows = 0;
    for (let index = 0; index < this.size; index++) {
      const stats = parseStats(this.#columns.stats.at(index));
      if (stats === undefined) silent.push(index);
      else rows += stats.num_records;
    }
    this.#counted = { rows, silent };
    return this.#counted;
  }
}
