import type { Connection } from './connection.ts';

/** A file elsewhere, as a listing shows it. */
export interface PlacedFile {
  /** As the place names it, with `/`. */
  readonly path: string;
  readonly size_bytes: number;
  /** Nanoseconds as decimal text, as exact as the place is. */
  readonly mtime_ns: string;
  /** What else tells one state of the file from another: an etag, a file number; `0` where the place has nothing of the kind. */
  readonly mark: string;
}

/** What stands in a listing and is no file. */
export interface PlacedOddity {
  readonly path: string;
  /** In words: `a named pipe`, `a link to nothing`. */
  readonly odd: string;
}

export interface ListRequest {
  /** Everything that is meant begins so: the glob up to its first magic character. */
  readonly prefix: string;
  /** The part of it that is a folder, without `/` at its end; empty for the place's beginning. */
  readonly folder: string;
  /** Folders below `folder` that can matter; Infinity with `**`. */
  readonly depth: number;
  readonly signal?: AbortSignal;
}

/** The bytes of one state of a file. */
export interface PlacedBytes {
  /** May end early or throw when the connection breaks: the caller asks for the rest. Chunks are the caller's. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** MD5 of the whole file in hex, where the place knows it. */
  readonly md5?: string;
}

/** A place for files beside the project's own disk: it lists and reads, and opens connections when they are needed. */
export interface FilePlace {
  /** One listing, no question per file. Undefined: the folder is not there. @throws DataflowError E_SOURCE_* */
  list(request: ListRequest): Promise<AsyncIterable<PlacedFile | PlacedOddity> | undefined>;
  /** From an offset on. @throws DataflowError E_SOURCE_CHANGED when the file is another one by now or gone; others may be tried again. */
  read(file: PlacedFile, from: number, signal: AbortSignal | undefined): Promise<PlacedBytes>;
  /** Asked after the last byte: whether the file is still the one that was listed. */
  unchanged(file: PlacedFile, signal: AbortSignal | undefined): Promise<boolean>;
}

/** A place for files: a file `connectors/<system>/place.ts` exports one as `component`; its connection says `holds_files`. */
export interface PlaceComponent {
  /** The type of connection that leads to it. */
  readonly type: string;
  /** @param root project folder: relative paths of keys and certificates start here */
  open(connection: Connection, root: string): Promise<FilePlace> | FilePlace;
}
