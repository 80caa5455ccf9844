import type { Connection } from './connection.ts';

/** A file as a listing of a far storage shows it. */
export interface FarFile {
  /** Relative to the storage's base, with `/`, never with one at its beginning. */
  readonly path: string;
  readonly size_bytes: number;
  /** By the clock of the other side: a hint, never an order. */
  readonly modified_ms: number;
  /**
   * Tells one writing of the file from others: a tag (S3), file number and time (HDFS). Of one path the same mark stands for the same bytes: whoever
   * remembers that of what was put knows from a listing alone that they are still there. Opaque, never empty.
   */
  readonly mark: string;
}

/** Bytes that are to be put: of this machine's memory, or of a file of its disk, which must not change meanwhile. */
export type PutContent =
  | { readonly bytes: Uint8Array }
  | {
      /** Absolute path. */
      readonly file: string;
      readonly size_bytes: number;
    };

export interface PutRequest {
  readonly path: string;
  readonly content: PutContent;
  /**
   * SHA-256 of the content in hex, where it is known: bytes that turn out to be others are never to be seen under `path`
   * (E_FAR_SOURCE_DAMAGED).
   */
  readonly sha256?: string;
  /**
   * What may be there already. `nothing`: the storage itself decides who was first, also between two machines. `anything`: it is replaced. A
   * mark: just this writing is replaced; where the storage cannot decide that itself it is looked up right before.
   */
  readonly over: 'nothing' | 'anything' | { readonly mark: string };
  readonly signal: AbortSignal;
  /** Told how many bytes more went out; negative when some have to be sent again. */
  readonly sent?: (bytes: number) => void;
}

/** What putting came to: `taken` when something is under the name that `over` does not allow; nothing was changed then. */
export type PutOutcome =
  | {
      readonly done: true;
      readonly file: FarFile;
      /** Bytes of an earlier attempt that were used: they were not sent again. */
      readonly resumed_bytes: number;
    }
  | { readonly done: false; readonly taken: FarFile | undefined };

export interface FarRange {
  readonly from: number;
  /** Exclusive; absent: to the end. */
  readonly to?: number;
}

/** The bytes of one writing of a file. */
export interface FarBytes {
  readonly file: FarFile;
  /** Throws a DataflowError when it ends early. Chunks are the caller's. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Something half written that nobody finished: an upload in parts, a temporary name. */
export interface FarLeftover {
  /** What it would have become, or the name that it has. */
  readonly path: string;
  readonly started_ms: number;
  /** In words: `upload in parts`, `temporary file`. */
  readonly kind: string;
}

/** What the base looks like, asked without writing. */
export interface FarProbe {
  /** In words, for `doctor`: `bucket lake, versioned`. */
  readonly words: string;
  /** Something that works and is not as it should be, with what to do about it. */
  readonly warning?: string;
}

/**
 * Files in another system, below one folder of it. A file appears under its name with all its bytes or not at all. Paths are relative, with `/`, and
 * never leave the base; names may hold every character but NUL, colon, backslash and line ends.
 *
 * Each method tries again by itself what may pass (an overloaded or unreachable service), within limits, and then throws: E_FAR_UNREACHABLE (worth
 * another attempt later), E_FAR_DENIED (names path, user and the right that is needed), E_FAR_MISSING (the bucket or the place that the connection
 * names is not there), E_FAR_REFUSED (anything else). A file that is not there is no error: the answer is undefined.
 */
export interface FarStorage {
  /** Where it is, without secrets: `http://minio:9000/lake/retail`. */
  readonly name: string;
  /** What was asked so far, by kind (`list`, `get`, `put`, …): every attempt counts. */
  readonly requests: ReadonlyMap<string, number>;
  /**
   * All files whose path begins so, in no order, page by page as the system gives them; what is being written is not among them. Nothing there: no page or
   * an empty one. An error ends it: a listing that came to its end is whole.
   */
  list(request: { readonly prefix: string; readonly signal: AbortSignal }): AsyncIterable<readonly FarFile[]>;
  /** One file, by one question. */
  info(path: string, signal: AbortSignal): Promise<FarFile | undefined>;
  /** Undefined: there is no such file. What breaks on the way is asked for again from there, of the same writing only (E_FAR_CHANGED). */
  read(request: {
    readonly path: string;
    readonly range?: FarRange;
    readonly signal: AbortSignal;
  }): Promise<FarBytes | undefined>;
  /**
   * Puts a file, in resumable parts where it is large, with checksums that the other side verifies. After an answer that was lost it is looked up what is
   * there. @throws DataflowError E_FAR_SOURCE_DAMAGED, E_FAR_*
   */
  put(request: PutRequest): Promise<PutOutcome>;
  /**
   * Whether a file of this machine has the bytes of a far one, told from checksums alone: undefined where the other side has none that can be computed
   * here.
   */
  matches(local_file: string, far: FarFile, signal: AbortSignal): Promise<boolean | undefined>;
  /**
   * Gives a file another name, under which nothing is; no byte of it passes through here. What has the name already is kept; a storage that cannot decide
   * that itself looks it up right before. `false`: there is no such file, it is a folder, or something else has the name. Once more after it was done,
   * as after an answer that was lost: `true`, told from a source that is gone and a file under the new name. Where it takes two acts (S3: copy, remove)
   * and ended between them, the same bytes under both names: the next attempt removes the old one.
   */
  rename(names: { readonly from: string; readonly to: string; readonly signal: AbortSignal }): Promise<boolean>;
  /** Removes files; those that are not there are no error. Folders that become empty may go with them. */
  remove(paths: readonly string[], signal: AbortSignal): Promise<void>;
  /** Removes a folder with all that is in it; nothing happens when it is not there, or a file has that name. */
  removeFolder(path: string, signal: AbortSignal): Promise<void>;
  /**
   * Half-written things below the base that were begun before a moment (by the other side's clock); `remove` takes them away. Some systems (MinIO) list
   * them by their full path only: `paths` are looked at besides.
   */
  leftovers(request: {
    readonly begun_before_ms: number;
    readonly remove: boolean;
    readonly paths?: readonly string[];
    readonly signal: AbortSignal;
  }): Promise<readonly FarLeftover[]>;
  /** Reaches the system, signs in, looks at the base; writes nothing. */
  probe(signal: AbortSignal): Promise<FarProbe>;
  close(): Promise<void>;
}

/** What a storage is opened for. */
export interface FarStorageRequest {
  readonly connection: Connection;
  /** Folder below the place that the connection names, without `/` at either end; empty: that place itself. Made when something is put. */
  readonly path: string;
  /** Project folder: relative paths of the connection (certificates) start here. */
  readonly root: string;
  /** A remark for the person at the terminal (a wait, a retry); secrets are masked by the receiver. */
  note(text: string): void;
  /** Told each time the other side asks to be spared (503, 429): who sends many at once sends fewer. */
  spared?(): void;
}

/**
 * A system that holds files for us: a file `connectors/<system>/storage.ts` exports one as `component`; its connection says `stores`. Nothing is reached
 * before the first method is called.
 */
export interface FarStorageComponent {
  /** The type of connection that leads to it. */
  readonly type: string;
  open(request: FarStorageRequest): Promise<FarStorage> | FarStorage;
}
