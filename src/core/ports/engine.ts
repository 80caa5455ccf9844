import type { QuerySyntax, SyntaxNode } from '../lineage/syntax.ts';
import type { RecordCheck } from '../model/record-check.ts';
import type { Column, FileStats } from '../model/table.ts';
import type { ValueForms } from '../model/value-forms.ts';
import type { MaterializeOptions } from './materialize.ts';

/** What the processes that read untrusted files have used so far. */
export interface ReaderUsage {
  readonly cpu_ms: number;
  /** Of the largest of them. */
  readonly peak_memory_bytes: number;
}

/**
 * The port behind which every engine stands. SQL that crosses it is DuckDB's dialect (the one models are written in);
 * an engine with another dialect translates. No row passes through it except small results.
 * URIs are the lake's; only the engine and the lake know whether they are local paths.
 */
export interface Engine {
  readonly type: string;
  /** Of the engine itself, as it calls it: `v1.5.6`. */
  readonly version: string;
  openSession(options: SessionOptions): Promise<EngineSession>;
  /** Begins now what the first session would have to wait for; says nothing of errors, which that session will meet. Absent where there is nothing to begin. */
  warm?(): void;
  /** Absent for an engine that reads everything itself. */
  readerUsage?(): ReaderUsage;
  close(): Promise<void>;
}

export interface SessionOptions {
  /** For messages and spill-folder names: run and step. */
  readonly label: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: EngineProgress) => void;
  /**
   * After running out of memory, or after the engine was lost: an engine of its own with one thread. `any_order`: rows may be written in any
   * order, which needs less memory. `careful`: files of every format are parsed where they can take down nothing else.
   */
  readonly small?: { readonly any_order: boolean; readonly careful?: boolean };
  /** For SQL that users type: one read-only statement, no files outside these folders, no network, no extensions. */
  readonly sandbox?: { readonly allowed_folders: readonly string[] };
}

export interface EngineProgress {
  /** 0..100, or undefined when the engine cannot tell. */
  readonly percentage?: number;
}

/** What a session is doing at this moment. */
export interface SessionProgress {
  readonly doing: 'reading' | 'computing' | 'writing';
  /** Rows of the row groups that are in the files of the target by now; undefined when they cannot be counted. */
  readonly rows?: number | undefined;
  /** Bytes in the files of the target by now. */
  readonly bytes?: number | undefined;
  /** 0..100 of the statement at work. */
  readonly percentage?: number | undefined;
}

/** A data file of one table version, as input of a step. */
export interface InputFile {
  readonly uri: string;
  readonly rows: number;
  readonly size_bytes: number;
  /** Values of the partition columns (absent from the Parquet file itself), as Delta text; null = NULL. */
  readonly partition_values: Readonly<Record<string, string | null>>;
  /** As far as they are known; a column that is counted in them is in the file. */
  readonly stats?: FileStats | undefined;
}

/** A relation that SQL may name, made of the data files of one table version. */
export interface InputRelation {
  /** `silver.achats`, or a plain name such as `this` or `new_rows`. */
  readonly name: string;
  readonly columns: readonly Column[];
  readonly files: readonly InputFile[];
  /** Names of the partition columns. */
  readonly partition_by?: readonly string[];
  /**
   * Adds two columns: `_part` (0-based position of the file in `files`) and `_pos` (0-based position of the row in that file).
   * Together they give the order in which rows arrived.
   */
  readonly with_position?: boolean;
  /** Only a part of the rows, the same in every engine: those for which `sampledSql` of `core/planning/parity-sample.ts` holds, per file. */
  readonly sample?: number;
}

export interface EngineColumn {
  readonly name: string;
  /** Engine type text in lower case, e.g. `decimal(38,2)`, `bigint`, `struct(a integer)`. */
  readonly type: string;
  /** `json`: a text that the engine knows to be JSON. Told by `describe`. */
  readonly kept_as?: string;
}

export type Cell = string | number | bigint | boolean | null | readonly Cell[] | { readonly [k: string]: Cell };
export type Row = Readonly<Record<string, Cell>>;

export interface WriteTarget {
  /** Folder (URI) into which candidate files are written; made by the lake, hidden from readers. */
  readonly folder: string;
  /** Columns that become partition values and are left out of the files. */
  readonly partition_by?: readonly string[];
  /** The columns and their order; the engine casts to these types (already storable ones, see `core/types`). */
  readonly columns: readonly Column[];
  /**
   * Split the rows over several files by the value of this expression (one file per distinct value), so that a later
   * rewrite touches few of them; all in one file where that would make many tiny ones. Not a partition: the expression's value is stored nowhere.
   */
  readonly cluster_by?: string;
}

/** A Parquet file that was written but not yet published. */
export interface CandidateFile {
  readonly uri: string;
  readonly size_bytes: number;
  readonly rows: number;
  readonly stats: FileStats;
  readonly partition_values: Readonly<Record<string, string | null>>;
  /** In hex, of a file that lies where the lake is and not on this machine: as the engine that wrote it computed it there. */
  readonly sha256?: string;
  /** Path of a removed data file whose place in the order of files this one takes; without it a new file comes last. */
  readonly in_place_of?: string;
}

/** How a delimited file is laid out. Everything is explicit: the engine sniffs nothing. */
export interface CsvDialect {
  readonly delimiter: string;
  readonly quote: string;
  readonly escape: string;
  readonly has_header: boolean;
  /** Lines before the header that are not data. */
  readonly skip_lines: number;
  /** Texts that mean NULL beside the empty one, e.g. `NA`. */
  readonly null_values?: readonly string[];
}

/** One input file, checked and described by its format, ready to be parsed. */
export interface ParseFile {
  /** Identity that goes into `_file`: the source-relative path. */
  readonly id: string;
  /** What the engine opens: the file itself, or a decoded copy. */
  readonly uri: string;
  readonly compression: 'none' | 'gzip' | 'zstd';
  /** Size of what the engine opens, when known: many small files may be read otherwise than few large ones. */
  readonly size_bytes?: number;
  /** csv only: line (from 1) of the first record, when known. */
  readonly first_record_line?: number;
  /** What engines on other machines open; under `uri` are only the file's first bytes and its footer. */
  readonly address?: string;
  /** By our own count, where the file has an address. */
  readonly records?: number;
}

/** What reading untrusted files may take. */
export interface ReadLimits {
  readonly seconds_max: number;
  readonly memory_bytes_max: number;
}

export interface ParseRequest {
  readonly format: 'csv' | 'ndjson' | 'json' | 'parquet';
  readonly files: readonly ParseFile[];
  /** csv only; the same for all files of the request. */
  readonly dialect?: CsvDialect;
  /** csv only: some record spans several lines, which rules out reading a file in parallel pieces. */
  readonly multiline_records?: boolean;
  /**
   * csv only: columns with cells that a plain cast may change, to be cast with an exact check; a cell that does not survive rejects its
   * record.
   */
  readonly doubtful?: readonly string[];
  /** Columns whose type nobody declared: a record that is rejected for one of them says so. */
  readonly inferred?: readonly string[];
  /** Columns of the files in which a record must have no value; one that has is rejected (`schema_change: discard_row`). */
  readonly forbidden?: readonly string[];
  /** json, ndjson: reject records that have a member twice, or hold something that JSON forbids and the engine would read. */
  readonly strict_records?: boolean;
  /** json, ndjson: what a record must have beside values of the right types; one that has it not is rejected, and the check says why. */
  readonly checks?: readonly RecordCheck[];
  /** ndjson: columns all of whose values the cast to their type takes over unchanged. */
  readonly exact?: readonly string[];
  /** ndjson: how the values of each member are written in all records, those left out of which all are null; absent when nobody says. */
  readonly forms?: ValueForms;
  /** csv: how many records the files hold together by our own count. ndjson: the same, where lines that are no records cannot be among them. */
  readonly records?: number;
  /** csv only: line of the first record (1-based), the same for all files of the request. */
  readonly first_record_line?: number;
  /** csv only: the names in the files' header order (same for all files of the request). */
  readonly header?: readonly string[];
  /**
   * Columns to deliver, in order; a header column not listed is dropped. Absent columns never reach here (the caller
   * quarantines such a file). For json/ndjson a missing member is NULL.
   */
  readonly columns: readonly Column[];
  readonly target: WriteTarget;
  /** Folder for the rejected rows, written in {@link REJECT_COLUMNS}. */
  readonly reject_folder: string;
  /** What reading these files may take; beyond it the request fails with E_READER. */
  readonly limits?: ReadLimits;
  /** Stop and fail when more rows than this are rejected. */
  readonly rejects_max?: number;
  /** Somebody else keeps a core busy meanwhile: the engine leaves one free, where it would take all. */
  readonly beside?: boolean;
}

/** Columns of the rejects that parsing yields: one row per rejected record. */
export const REJECT_COLUMNS: readonly Column[] = [
  { name: 'file', type: 'varchar', nullable: false },
  { name: 'line', type: 'bigint', nullable: true },
  { name: 'byte_offset', type: 'bigint', nullable: true },
  { name: 'column_name', type: 'varchar', nullable: true },
  { name: 'error', type: 'varchar', nullable: false },
  { name: 'raw', type: 'varchar', nullable: true },
];

export interface ParseResult {
  /** Good rows: the requested columns plus `_file`, in input order. Empty when no row was good. */
  readonly candidates: readonly CandidateFile[];
  readonly rejects: readonly CandidateFile[];
  /** Rows delivered and records rejected, per input file id. */
  readonly per_file: ReadonlyMap<string, { readonly rows: number; readonly rejected: number }>;
}

/** A file for others to read, outside the lake: what `generate` makes. */
export interface ExportTarget {
  readonly uri: string;
  /** `lines`: the query has one text column, and its rows are the lines as they stand (no quoting). */
  readonly format: 'csv' | 'lines' | 'ndjson' | 'parquet';
  readonly compression: 'none' | 'gzip' | 'zstd';
  /** First line of a `lines` file. */
  readonly header?: string;
}

/** Text of rows on their way to another system: `tab`: columns separated by tabs, NULL is `\\N`, nothing is escaped. `ndjson`: one JSON object. */
export type TextFormat = 'tab' | 'ndjson';

/** What a session has used so far. */
export interface EngineUsage {
  readonly bytes_read: number;
  readonly bytes_written: number;
  readonly peak_memory_bytes: number;
}

/**
 * One step's conversation with the engine: temporary names live here and die with it.
 * Every method throws a DataflowError from the catalogue (`E_SQL…`, `E_ENGINE…`), never a driver's error.
 */
export interface EngineSession {
  /** True where each question is a job of its own: what can be asked together is. */
  readonly asks_together?: boolean;
  /** Makes `name` readable in SQL. Layer-qualified names become schema.table. */
  bind(relation: InputRelation): Promise<void>;
  /** A temporary view. */
  define(name: string, sql: string): Promise<void>;
  /** A temporary table (spills to disk), made anew or, with `append`, grown; returns its row count. */
  materialize(name: string, sql: string, options?: MaterializeOptions): Promise<number>;
  /** Columns of a query without running it; throws with line and column of the SQL when it is wrong. */
  describe(sql: string): Promise<readonly EngineColumn[]>;
  /**
   * Tables that a SELECT reads, as it names them, without names that its own WITH defines; nothing is run.
   * @throws DataflowError E_SQL_SANDBOX when it reads files (`read_csv`, `'x.parquet'`), E_SQL when it is not one SELECT.
   */
  tablesOf(sql: string): Promise<readonly string[]>;
  /**
   * The parse tree of one SELECT; nothing is bound or run. Without `functions` no function is known as an aggregate: asking for those takes
   * longer than the rest. With `places` each node says where it stands (`query_location`: bytes of the text; 0 where nobody knows).
   * @throws DataflowError E_SQL when it is not one SELECT.
   */
  syntaxOf(sql: string, options?: { readonly functions?: boolean; readonly places?: boolean }): Promise<QuerySyntax>;
  /** The SQL text of a query in a tree of {@link syntaxOf}, changed or not. */
  sqlOf(tree: SyntaxNode): Promise<string>;
  /**
   * Tells how a query was written by its author for engines of other dialects, by the engine's type; this session then takes it where a table is written from
   * exactly that query. True where it does. Absent where the dialect of queries is the engine's own.
   */
  spell?(sql: string, own: Readonly<Record<string, string>>): boolean;
  /** A small result. Throws when it is longer than `rows_max` (default 10,000). A maximum of 1 is for what is known to be one row: it comes faster. */
  rows(sql: string, options?: { readonly rows_max?: number }): Promise<readonly Row[]>;
  /** A result of any size, in batches, as it is computed. */
  stream(sql: string): AsyncIterable<{ readonly columns: readonly EngineColumn[]; readonly rows: readonly Row[] }>;
  write(sql: string, target: WriteTarget): Promise<readonly CandidateFile[]>;
  /** Rows that a reader finds in written files, from the files themselves. */
  countRows(files: readonly InputFile[]): Promise<number>;
  parse(request: ParseRequest): Promise<ParseResult>;
  /** SHA-256 of files by the addresses of this engine's machines. Absent for an engine that has no machines of its own. */
  digests?(addresses: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Writes one file in the order of the query's rows; returns how many. An existing file is replaced. */
  exportFile(sql: string, target: ExportTarget): Promise<number>;
  /** The rows of a query as lines of text in any order, made while they are taken; at the end their number. */
  exportBytes(sql: string, format: TextFormat): AsyncGenerator<Uint8Array, number, void>;
  /** Columns of input files as the engine infers them (used once, then frozen). */
  infer(request: Pick<ParseRequest, 'format' | 'files' | 'dialect' | 'header' | 'limits'>): Promise<readonly Column[]>;
  usage(): EngineUsage;
  /** Cheap enough to be asked every second; undefined when nothing is being done. Absent where nobody knows. */
  progress?(): SessionProgress | undefined;
  close(): Promise<void>;
}
