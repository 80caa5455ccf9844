/**
 * Reads and writes Delta checkpoints, which are Parquet files: the lake knows what is in them, an engine knows the format.
 * An action is a plain object with one member (`add`, `remove`, `metaData`, `protocol`, `txn`).
 */
export interface CheckpointCodec {
  read(uris: readonly string[]): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Writes one file durably under a temporary name and moves it to `uri`. Returns its size in bytes. */
  write(actions: readonly Readonly<Record<string, unknown>>[], uri: string): Promise<number>;
}
