/** What a storage says of a file without opening it. */
export interface StoredFile {
  readonly size_bytes: number;
  /** Ms since the epoch; a hint only, never an order. */
  readonly modified_ms: number;
}

/** What hashing a file came to: one of both is there. */
export interface StoredDigest {
  readonly sha256?: string;
  readonly error?: string;
}

/** A file that is about to be opened under its URI. */
export interface WantedFile {
  readonly path: string;
  readonly size_bytes: number;
  readonly sha256?: string;
}

export interface FolderOptions {
  /** Mode 0700, for state that no reader needs: not made durable. */
  readonly private?: boolean;
  /** False: {@link LakeStorage.settle} of this folder or one below it, or the next making of it, makes it durable. */
  readonly settled?: boolean;
}

/**
 * Where the lake's bytes lie: a local folder, HDFS or S3. Paths are relative to the lake's
 * root, with `/`, and never leave it. Errors are DataflowErrors (E_LAKE_IO, E_LAKE_FSYNC, E_LAKE_CORRUPT for a path that leads out).
 */
export interface LakeStorage {
  /** A piece of a file takes next to nothing to read; elsewhere a request, so that files are read as a whole. */
  readonly cheap_ranges: boolean;
  /** The URI that engines open for a path. */
  uri(path: string): string;
  /** The path of a URI (or absolute path) inside the lake; undefined for one outside. */
  pathOf(uri: string): string | undefined;
  /** Names in a folder, in no order; empty when the folder does not exist. */
  list(folder: string): Promise<readonly string[]>;
  /** Undefined when the file does not exist. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Bytes `from` (inclusive) to `to` (exclusive); `into`: memory that is large enough and may be written over. */
  readRange(path: string, from: number, to: number, into?: Uint8Array): Promise<Uint8Array>;
  /** Undefined when the file does not exist. */
  info(path: string): Promise<StoredFile | undefined>;
  /**
   * Creates a file with full content, durably, or returns false when the name is taken: the publish primitive.
   * A reader sees nothing or all of it. After E_LAKE_FSYNC or E_LAKE_IO the file may exist or not: look it up, then decide.
   */
  createExclusive(path: string, content: Uint8Array): Promise<boolean>;
  /** Replaces a file atomically and durably (for hints such as `_last_checkpoint`). */
  replace(path: string, content: Uint8Array): Promise<void>;
  /** Writes a file without making it durable: a note that may be lost with the power. */
  jot(path: string, content: Uint8Array): Promise<void>;
  /** Makes a folder and those above it, durably unless the options say otherwise. */
  makeFolder(path: string, options?: FolderOptions): Promise<void>;
  /**
   * Makes a staged file durable and returns the SHA-256 and size of its bytes. A failed fsync is final: the file is renamed `.bad`. @param told of a file that
   * was staged where the lake is, by another machine: whoever wrote it knows.
   */
  seal(
    path: string,
    told?: { readonly sha256: string; readonly size_bytes: number },
  ): Promise<{ readonly sha256: string; readonly size_bytes: number }>;
  /** Moves a sealed file to its published name, in a folder that exists; {@link settle} makes it durable. */
  move(from: string, to: string): Promise<void>;
  /** fsync of folders whose entries changed, and of those above them that were made but not settled. */
  settle(folders: readonly string[]): Promise<void>;
  /** Removes a file or a whole folder; nothing happens when it does not exist. */
  remove(path: string): Promise<void>;
  /** @throws DataflowError E_LAKE_CORRUPT when one of the files is a link that leads out of the lake. */
  refuseLinksOut(paths: readonly string[]): Promise<void>;
  /** The same for one file, at once. */
  refuseLinkOut(path: string): void;
  /** Brings files to where their URIs lead, before somebody opens them. Absent where they are there always. @throws DataflowError E_LAKE_IO, E_LAKE_CORRUPT */
  bring?(files: readonly WantedFile[], signal: AbortSignal): Promise<void>;
  /** SHA-256 of a file's bytes as they are where the lake is, or why they could not be read. Absent where hashing the URI's file tells it. */
  digest?(path: string, signal: AbortSignal, tell: (bytes: number) => void): Promise<StoredDigest>;
}
