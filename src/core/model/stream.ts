/** One entry of `streams:`. */
export interface StreamSpec {
  /** The table whose rows are published: `silver.factures`. */
  readonly from: string;
  /** Name of an entry of `connections:`. */
  readonly connection: string;
  readonly topic: string;
  /** Columns that make the key of a message; absent = the table's own key. */
  readonly key?: readonly string[];
  readonly format: 'json';
  /** What becomes of rows that are gone: a message without value, or nothing. */
  readonly deletions: 'tombstone' | 'ignore';
  readonly compression: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
  /** Messages in one transaction. */
  readonly batch_rows: number;
  readonly description?: string;
}

/** Where a stream stands: kept in the system that it is published to, together with the messages, and in the ledger. */
export interface StreamPosition {
  readonly stream: string;
  readonly topic: string;
  readonly table: string;
  /** Grows by one with each transaction. */
  readonly sequence: number;
  /** The version that is published as a whole; -1: none. */
  readonly version: number;
  /** When that version was committed: a table that was made anew has other versions of the same numbers. */
  readonly version_committed_at_ms: number;
  /** The version that is being published; the same as `version` when nothing is under way. */
  readonly target: number;
  /** When the target was committed, and a digest of how its messages are made and ordered: `done` counts in that order. Absent: not told. */
  readonly target_committed_at_ms?: number;
  readonly order?: string;
  /** Messages of the step from `version` to `target` that are out. */
  readonly done: number;
  /** Messages since the beginning. */
  readonly messages: number;
  readonly run_id: string;
  readonly published_at: string;
}

/** A position from JSON; undefined for anything that is none. */
export function streamPositionFrom(value: unknown): StreamPosition | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const position = value as StreamPosition;
  const numbers = ['sequence', 'version', 'version_committed_at_ms', 'target', 'done', 'messages'] as const;
  const texts = ['stream', 'topic', 'table', 'run_id', 'published_at'] as const;
  return numbers.every((name) => Number.isSafeInteger(position[name])) &&
    texts.every((name) => typeof position[name] === 'string')
    ? position
    : undefined;
}
