/** One entry of `mirrors:`. */
export interface MirrorSpec {
  /** Name of an entry of `connections:`. */
  readonly connection: string;
  /** Tables, or patterns of their names (`gold.*`, `*`). */
  readonly tables: readonly string[];
  /** Folder of the connection's place that the lake is copied into; absent = the project's name. */
  readonly path?: string;
  /** Also the rejected rows of these tables. */
  readonly quarantine: boolean;
  /** Remove files there that the lake no longer has, once no release needs them. */
  readonly delete: boolean;
  /** How many of the mirrored files one sync may remove, in percent. */
  readonly max_delete_pct: number;
  /** Files on their way at once, at most. */
  readonly concurrency: number;
  readonly description?: string;
}

/** A file as it was put there: what a listing is compared with. */
export interface MirroredFile {
  /** Relative to the lake, and to the mirror. */
  readonly path: string;
  readonly size_bytes: number;
  /** SHA-256 of the bytes that were put, in hex. */
  readonly sha256: string;
  /** When the file of the lake was written, for those that are told apart by time. */
  readonly modified_ms?: number;
  /** How the far side marks this writing. */
  readonly mark: string;
}

/** A table as a release marker names it. */
export interface MarkedTable {
  readonly version: number;
  /** Relative to the mirror. */
  readonly folder: string;
  /** Files of all versions up to this one, those of the log included. */
  readonly files: number;
  readonly size_bytes: number;
  /** SHA-256 of the log entry of this version. Entries carry a hash of themselves, and those of the data files. */
  readonly entry_sha256: string;
}

/** The small file that is written last: everything that it names is there. It is also an entry of the far lake's own list of releases. */
export interface ReleaseMarker {
  readonly number: number;
  readonly release_id: string;
  readonly run_id: string;
  readonly created_at: string;
  /** Also rejected rows and decisions about them, as they were when it was mirrored. */
  readonly tables: Readonly<Record<string, MarkedTable>>;
}

/** Where a mirror stands, as the ledger remembers it. */
export interface MirrorStanding {
  readonly mirror: string;
  /** In words, without secrets. Another place is another mirror: nothing is known of it. */
  readonly place: string;
  readonly release_id: string;
  /** Number of the release marker. */
  readonly marker: number;
  readonly tables: Readonly<Record<string, number>>;
  readonly files: number;
  readonly size_bytes: number;
  readonly synced_at: string;
  readonly wall_ms: number;
}
