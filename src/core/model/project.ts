import type { DashboardSpec } from './dashboard.ts';
import type { EnrichSpec } from './enrich.ts';
import type { GenerateSpec } from './generate.ts';
import type { LoadSpec } from './load.ts';
import type { MirrorSpec } from './mirror.ts';
import type { AlertSpec, MetricsSpec, OpenLineageSpec } from './monitor.ts';
import type { BudgetSpec, PriceSpec } from './receipt.ts';
import type { RecordCheck } from './record-check.ts';
import type { ServeSpec } from './serve.ts';
import type { StreamSpec } from './stream.ts';
import type { Layer } from './table.ts';

/**
 * A project as the rest of the program sees it: the checked, resolved content of `pipelines.yaml`.
 * Plain data, no secrets in clear beyond what the connectors need, no file positions (those stay with the loader).
 */
export interface Project {
  readonly name: string;
  /** Absolute path of the folder that holds the configuration file (or its `.config` folder); relative paths in it start here. */
  readonly root: string;
  /** Absolute path of the configuration file itself. */
  readonly config_file: string;
  readonly lake: LakeSpec;
  readonly engine: EngineSpec;
  /** What computing costs, for the receipt of each run. */
  readonly price?: PriceSpec;
  /** What one run may use. */
  readonly budget?: BudgetSpec;
  /** Systems that sources reach, by name; options hold secrets in clear. */
  readonly connections: Readonly<Record<string, ConnectionSpec>>;
  readonly sources: Readonly<Record<string, SourceSpec>>;
  readonly silver: Readonly<Record<string, SilverSpec>>;
  readonly gold: Readonly<Record<string, GoldSpec>>;
  /** Tables that go out to topics. */
  readonly streams?: Readonly<Record<string, StreamSpec>>;
  /** Databases that releases are loaded into. */
  readonly loads?: Readonly<Record<string, LoadSpec>>;
  /** Storages elsewhere that releases are copied to. */
  readonly mirrors?: Readonly<Record<string, MirrorSpec>>;
  /** What is answered over HTTP. */
  readonly serve?: ServeSpec;
  /** Pages that are shown in a browser. */
  readonly dashboard?: DashboardSpec;
  /** Where numbers of runs go. */
  readonly metrics?: MetricsSpec;
  /** Where events of runs go. */
  readonly openlineage?: OpenLineageSpec;
  /** Who is told of what. */
  readonly alerts?: readonly AlertSpec[];
}

/** One entry of `connections:`, checked by the schema of its type. */
export interface ConnectionSpec {
  readonly type: string;
  readonly options: Readonly<Record<string, unknown>>;
}

export interface LakeSpec {
  /** A folder (absolute once loaded), `hdfs://…` or `s3://…`. */
  readonly url: string;
  /** Name of the entry of `connections:` that leads to a lake elsewhere; absent: the one that fits. */
  readonly connection?: string;
  /** How much of a lake elsewhere is kept here, in bytes; absent: 20 GB. */
  readonly cache_limit?: number;
  readonly layers: Readonly<Record<Layer, string>>;
  readonly keep: {
    readonly versions_days: number;
    readonly quarantine_days: number;
    /** Absent: responses go with the versions that they made; those of a source that adds stay. */
    readonly raw_days?: number;
  };
}

/** `engine:` after defaults. `type` picks the component, the rest belongs to it. */
export interface EngineSpec {
  readonly type: string;
  readonly memory_limit?: string;
  readonly threads?: number;
  readonly [option: string]: unknown;
}

/** What holds where a source has no `limits:`. */
export const FILE_LIMITS: FileLimits = { file_seconds_max: 300, file_memory_max_bytes: 2_000_000_000 };

/** `limits:` of a source: a file that takes more to read is quarantined as a whole. */
export interface FileLimits {
  /** Time for one file, besides what its size allows for. */
  readonly file_seconds_max: number;
  readonly file_memory_max_bytes: number;
}

/** What one batch of a pulled source takes where it has no `batch:`. */
export const PULL_BATCH: PullBatch = { records: 1_000_000, bytes: 256_000_000, wait_ms: 1_000 };

/** `batch:` of a pulled source: one batch is one commit. */
export interface PullBatch {
  readonly records: number;
  readonly bytes: number;
  /** How long a batch that is not full waits for more. */
  readonly wait_ms: number;
}

/** One entry of `sources:`; what is beyond `type`, `columns` and `tags` is checked by the connector's own schema. */
export interface SourceSpec {
  readonly type: string;
  /** Declared columns, name → canonical type, in order; absent = inferred from the first input, then frozen. */
  readonly columns?: Readonly<Record<string, string>>;
  /** What its records must have beside values of the right types. */
  readonly checks?: readonly RecordCheck[];
  readonly schema_change: 'evolve' | 'freeze' | 'discard_row' | 'discard_value';
  readonly on_rewrite: 'replace' | 'append' | 'error';
  /** What becomes of the rows of a loaded input that is no longer there; absent = keep. */
  readonly on_missing?: 'keep' | 'delete';
  readonly tags: readonly string[];
  readonly description?: string;
  /** What reading one of its files may take. */
  readonly limits?: FileLimits;
  /** What `dataflow generate` makes for it. */
  readonly generate?: GenerateSpec;
  /** Name of an entry of `connections:`. */
  readonly connection?: string;
  /** The source is asked, not looked at like a folder. */
  readonly pulled?: true;
  /** For a pulled source: what one batch takes. */
  readonly batch?: PullBatch;
  /** The connector's own, validated options (`path`, `settle_seconds`, …). */
  readonly options: Readonly<Record<string, unknown>>;
}

/** A use of a rule or test component: `{ between: { column: montant, above: 0 } }`. */
export interface CheckSpec {
  /** Component name (`not_null`, `between`, `expr`, `sql`, `unique`, …). */
  readonly check: string;
  /** Name that quarantine, ledger and messages use; derived from check and columns when the user gave none. */
  readonly name: string;
  readonly severity: 'fail' | 'warn';
  /** The component's own validated parameters. */
  readonly params: unknown;
}

export interface DedupeSpec {
  readonly keep: 'first' | 'last';
  /** Order by this column; without it the order in which rows arrived decides. */
  readonly by?: string;
  /** True: duplicates are removed before the rules are applied (the first row counts even if it is bad). */
  readonly before_rules: boolean;
}

export interface SilverSpec {
  readonly from: readonly string[];
  /** Column → SQL expression over the source's columns; unnamed columns pass through. */
  readonly select: Readonly<Record<string, string>>;
  /** SQL condition of rows to keep; the others are counted as filtered. */
  readonly where?: string;
  /** Columns that are looked up elsewhere, in order; each may go by what the ones before it added. */
  readonly enrich?: readonly EnrichSpec[];
  readonly rules: readonly CheckSpec[];
  readonly key: readonly string[];
  readonly dedupe?: DedupeSpec;
  /** SQL condition over the selected columns: a row for which it holds deletes its key. */
  readonly deleted_when?: string;
  /** Keep every version of a key, with `valid_from`, `valid_to` and `is_current`. */
  readonly history?: boolean;
  readonly partition_by: readonly string[];
  readonly tests: readonly CheckSpec[];
  readonly tags: readonly string[];
  readonly description?: string;
}

export interface GoldSpec {
  /** The SQL text itself (a `.sql` file was read by the loader). */
  readonly sql: string;
  /** Where the SQL came from, for error messages: the file, or the configuration file. */
  readonly sql_file: string;
  /** The query in Spark's dialect, where somebody wrote it; otherwise `sql` is translated. */
  readonly spark_sql?: string;
  readonly key: readonly string[];
  /** Recompute only the rows whose value of this column was touched. */
  readonly refresh?: { readonly by: string };
  readonly partition_by: readonly string[];
  readonly tests: readonly CheckSpec[];
  readonly tags: readonly string[];
  readonly description?: string;
}
