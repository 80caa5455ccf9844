/**
 * Where the lake's bytes lie: a local folder now, HDFS and S3 later, each a file of its own. Paths are relative to the lake's
 * root, with `/`, and never leave it. Errors are DataflowErrors (E_LAKE_IO, E_LAKE_FSYNC).
 */
export interface LakeStorage {
  /** The URI that engines open for a path. */
  uri(path: string): string;
  /** Names in a folder; empty when the folder does not exist. */
  list(folder: string): Promise<readonly string[]>;
  /** Undefined when the file does not exist. */
  read(path: string): Promise<Uint8Array | undefined>;
  size(path: string): Promise<number | undefined>;
  /**
   * Creates a file with full content, durably, or returns false when the name is taken: the publish primitive.
   * A reader sees nothing or all of it.
   */
  createExclusive(path: string, content: Uint8Array): Promise<boolean>;
  /** Replaces a file atomically (for hints such as `_last_checkpoint`). */
  replace(path: string, content: Uint8Array): Promise<void>;
  makeFolder(path: string, options?: { readonly private?: boolean }): Promise<void>;
  /** Makes a staged file durable (fsync) and returns its SHA-256. A failed fsync is final: the file is renamed `.bad`. */
  seal(path: string): Promise<string>;
  /** Moves a sealed file to its published name; the folders are made durable by {@link settle}. */
  move(from: string, to: string): Promise<void>;
  /** fsync of folders whose entries changed. */
  settle(folders: readonly string[]): Promise<void>;
  remove(path: string): Promise<void>;
  /** The path of a URI that {@link uri} made; undefined for one outside the lake. */
  pathOf(uri: string): string | undefined;
}
