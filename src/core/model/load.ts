/** How rows get into a destination: by key, as further rows, or all of them anew. */
export const LOAD_MODES = ['upsert', 'append', 'replace'] as const;
export type LoadMode = (typeof LOAD_MODES)[number];

/** One entry of `loads:`. */
export interface LoadSpec {
  /** Name of an entry of `connections:`. */
  readonly connection: string;
  /** Tables, or patterns of their names (`gold.*`). */
  readonly tables: readonly string[];
  readonly mode: LoadMode;
  /** Where the tables lie at the destination, in its own word: a schema or a database. */
  readonly schema?: string;
  readonly database?: string;
  /** What becomes visible at once: all tables of a release, or each by itself. */
  readonly transaction: 'release' | 'per_table';
  /** What is different for single tables. */
  readonly overrides: Readonly<Record<string, LoadTableSpec>>;
  /** Views to be made over the tables: name → SQL of the destination. */
  readonly views: Readonly<Record<string, string>>;
  readonly description?: string;
}

/** What is different for one table. */
export interface LoadTableSpec {
  /** Its name at the destination. */
  readonly as?: string;
  readonly mode?: LoadMode;
  /** Columns that tell rows apart; absent = the table's own key. */
  readonly key?: readonly string[];
  /** Columns of each index beside that of the key. */
  readonly indexes: readonly (readonly string[])[];
  /** Column → its name at the destination; others are left out. */
  readonly columns?: Readonly<Record<string, string>>;
}

/** What a type of connection can do for loads. Abilities are data. */
export interface LoadAbilities {
  readonly modes: readonly LoadMode[];
  /** The key of an entry that says where in the system the tables lie. */
  readonly within?: 'schema' | 'database';
  /** It takes `views:`. */
  readonly views?: true;
}

/** What a destination holds of one table: kept at the destination, with the rows, and remembered in the ledger. */
export interface HeldTable {
  /** `gold.dim_clients`. */
  readonly table: string;
  /** Its name at the destination. */
  readonly name: string;
  readonly release_id: string;
  readonly version: number;
  /** When that version was committed: a table that was made anew has other versions of the same numbers. */
  readonly version_committed_at_ms: number;
  readonly mode: LoadMode;
  /** Rows of the table at the destination. */
  readonly rows: number;
  /** Rows of the version that the destination could not hold; absent: none. */
  readonly refused?: number;
  /** Digest of the data files that the version consists of. */
  readonly source_hash: string;
  /** Digest of what `pipelines.yaml` says about this table of the load. */
  readonly settings_hash: string;
  readonly run_id: string;
  /** When the version was published in the lake, and when the destination had it. */
  readonly gold_processed_at: string;
  readonly loaded_at: string;
}

/** One load of one table, as the ledger remembers it. */
export interface LoadRecord extends HeldTable {
  readonly load: string;
  /** Where the destination is, in words without secrets. */
  readonly place: string;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  readonly wall_ms: number;
}
