import type { Column } from '../model/table.ts';
import type { ValueForms } from '../model/value-forms.ts';
import type { CsvDialect } from './engine.ts';

/** What the ledger knows of one unit of input, keyed by source and path. */
export interface KnownInput {
  readonly path: string;
  readonly size_bytes: number;
  /** Nanoseconds as decimal text (beyond a JS number). */
  readonly mtime_ns: string;
  readonly inode: string;
  readonly sha256: string;
  /**
   * `undone`: its rows left the lake with an undo; it is not taken again unless that is asked for. `removed`: its rows left the table because it
   * was gone; when it is there again, it is taken again.
   */
  readonly status: 'loaded' | 'duplicate' | 'quarantined' | 'undone' | 'removed';
}

/**
 * What is known of some units in one text, in the order of their paths (by UTF-8 bytes): a line each, ended by LF, of path, size, mtime in ns
 * and inode, with tabs between them.
 */
export interface StampPage {
  readonly lines: number;
  readonly text: string;
}

/** What is known of the units of a source. */
export interface KnownInputs extends ReadonlyMap<string, KnownInput> {
  /** The same as texts; undefined when more has to be known of a unit than how it looked. */
  stamps?(): readonly StampPage[] | undefined;
}

/** Formats that no engine reads: their inspectors always write a copy in one that it does read. */
export type ConvertedFormat = 'xlsx' | 'fixed' | 'xml' | 'avro' | 'document';

/** `tar.gz` also stands for `.tgz`. */
export type ArchiveKind = 'zip' | 'tar' | 'tar.gz';

/** A unit of input that is new or changed: for files, one file. */
export interface InputUnit {
  /** Stable name within the source: the path relative to the project, with `/`. */
  readonly path: string;
  /** What is opened. */
  readonly uri: string;
  readonly size_bytes: number;
  readonly mtime_ns: string;
  readonly inode: string;
  /** What the engine reads. */
  readonly format: 'csv' | 'ndjson' | 'json' | 'parquet';
  /** The file's own format where that is another one; its inspector writes the copy in `format`. */
  readonly made_from?: ConvertedFormat;
  readonly compression: 'none' | 'gzip' | 'zstd';
  /** An archive: its members are units of their own. Among `fresh` only where a look is all that was asked for. */
  readonly archive?: ArchiveKind;
  /** The name by which its archive, which is what is opened, knows this unit. */
  readonly member?: string;
}

/** An archive that was looked into: remembered like a unit, so that it costs one stat until it changes. */
export interface OpenedArchive {
  readonly unit: InputUnit;
  readonly sha256: string;
  /** Members that are units. */
  readonly members: number;
  /** Why nothing of it can be taken. */
  readonly problem?: UnitProblem;
}

export interface Discovery {
  /** New or changed units, ordered by path. */
  readonly fresh: readonly InputUnit[];
  /** How many are known and unchanged (by size, mtime and inode, or by hash under `--rehash`). */
  readonly unchanged: number;
  /** Not taken yet, e.g. still being written; `ready_in_ms` is 0 for what is not there at all. */
  readonly waiting: readonly { readonly path: string; readonly reason: string; readonly ready_in_ms: number }[];
  /** Refused before opening: symlink out of the project, FIFO, over the size limit, … */
  readonly refused: readonly { readonly path: string; readonly code: string; readonly reason: string }[];
  /** New or changed archives; their new or changed members are among `fresh`. */
  readonly archives?: readonly OpenedArchive[];
  /** Known to the ledger, no longer there. Whether their rows stay is the caller's affair. */
  readonly vanished: readonly string[];
  /** True when what is there is exactly what {@link KnownInputs.stamps} tell: nothing else is known, and none of it was undone. */
  readonly as_known?: true;
}

/** Why a whole unit cannot be taken. */
export interface UnitProblem {
  /** Rule name for the quarantine, e.g. `damaged_gzip`, `empty_file`, `missing_columns`, `unclosed_quote`. */
  readonly rule: string;
  readonly reason: string;
  readonly line?: number;
  readonly byte_offset?: number;
}

/** A column as the unit itself names it: CSV header, JSON member, Parquet column. */
export interface UnitField {
  readonly name: string;
  /** Where the format has types of its own and this one has a plain name. */
  readonly type?: string;
  /** JSON: records that have it. */
  readonly records?: number;
}

/** The outcome of the one streaming pass over a unit: identity, our own record count, how to parse it. */
export interface Inspection {
  readonly sha256: string;
  readonly size_bytes: number;
  /** Size after decompression and decoding. */
  readonly expanded_bytes: number;
  /** Records that the unit holds by our own count, header excluded. Undefined only when `problem` is set. */
  readonly records: number;
  /** Line of the first record (1-based), for `line = first_record_line + position` when no record spans lines. */
  readonly first_record_line: number;
  /** True when lines are not `first_record_line + position`: some record spans several lines, or blank lines lie between records. */
  readonly multiline_records: boolean;
  /** Where the records begin in that case, as {@link RecordLines} writes it; absent where that is not known. */
  readonly record_lines?: string;
  readonly encoding: string;
  readonly dialect?: CsvDialect;
  readonly header?: readonly string[];
  /** Set when the engine must read a decoded copy (other encoding, multi-member, BOM …) instead of the file. */
  readonly decoded_uri?: string;
  /** Where the unit's own bytes lie when that is not `uri`: taken out of an archive, fetched from afar. */
  readonly local_uri?: string;
  /** The unit stays where it is: what an engine on other machines opens. `local_uri` has then only its first bytes and its footer, and `sha256` is empty. */
  readonly address?: string;
  readonly problem?: UnitProblem;
  /**
   * csv: typed columns in which some cell is not in the plain form that the engine takes over unchanged, so that they need an exact look.
   * Absent when the columns were not known or the format has types of its own.
   */
  readonly doubtful?: readonly string[];
  /** json, ndjson, parquet: the columns that the unit names; absent when there are too many for columns. */
  readonly fields?: readonly UnitField[];
  /** json, ndjson: some record has a member twice, or something that JSON forbids and the engine reads (`[1,]`, `NaN`). */
  readonly doubtful_records?: boolean;
  /** ndjson: columns all of whose values the engine's cast to this type takes over unchanged. */
  readonly types?: Readonly<Record<string, string>>;
  /** ndjson: how the values of each member are written, those left out of which all are null; absent when nobody says. */
  readonly forms?: ValueForms;
  /** Its writer, who counted the records, vouches for it: it is text of our own, one record a line. */
  readonly vouched?: boolean;
  /** Remarks that are not problems, e.g. "no final newline". */
  readonly notes: readonly string[];
}

/** An engine on other machines that reads units where they are. */
export interface InPlace {
  /** SHA-256 of whole files, in hex, by their addresses. @throws DataflowError E_SOURCE_UNREACHABLE where the engine cannot read them */
  digests(addresses: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

export interface SourceContext {
  /** Project folder: relative paths start here. */
  readonly root: string;
  /** Folder (local) for decoded copies; the caller removes it after the step. */
  readonly temp_folder: string;
  readonly now_ms: number;
  /** Hash every unit again instead of trusting size, mtime and inode. */
  readonly rehash: boolean;
  /** Nothing is opened or fetched: archives are told as they are, not by their members. */
  readonly look_only?: boolean;
  /** The columns that units will be read into, as far as they are known. */
  readonly columns?: readonly Column[];
  /** Time that the inspection of one unit may take, besides what its size allows for. */
  readonly file_seconds_max?: number;
  /** Memory that a process which reads one unit may take. */
  readonly file_memory_max_bytes?: number;
  /** Local folder in which the source may keep for good what it cannot do without; absent where nothing may be written. */
  readonly kept_folder?: string;
  /** Units that may be worked on at the same time where that is a matter of computing. */
  readonly threads?: number;
  /** Units may stay where they are, where the source says how that engine finds them. */
  readonly in_place?: InPlace;
  readonly signal?: AbortSignal;
}

/** Whether something that is installed apart is there. */
export interface Readiness {
  readonly ok: boolean;
  readonly words: string;
  /** What to do, when it is not. */
  readonly hint?: string;
}

/** A configured source. */
export interface Source {
  discover(known: KnownInputs, context: SourceContext): Promise<Discovery>;
  /**
   * One streaming pass over the unit. Never throws for bad content (that is `problem`); throws for I/O errors.
   * `pinned` is the dialect recorded for this source, if any.
   */
  inspect(unit: InputUnit, context: SourceContext, pinned?: CsvDialect): Promise<Inspection>;
  /**
   * A guess from the beginning of a large unit (records and hash are those of the part that was read), for starting the
   * engine early; undefined when the beginning does not tell. Absent where it makes no sense.
   */
  peek?(unit: InputUnit, context: SourceContext, pinned?: CsvDialect): Promise<Inspection | undefined>;
  /**
   * What the unit seems to hold, from a bounded look at it: for naming what changed in its columns before anything runs. Undefined when that
   * does not tell.
   */
  look?(unit: InputUnit, context: SourceContext, pinned?: CsvDialect): Promise<Inspection | undefined>;
  /**
   * Hashes units of earlier runs again where they are now, or says why one cannot be read. Units that are plain files in their place are left
   * out: the caller hashes them itself.
   */
  digests?(
    inputs: readonly KnownInput[],
    context: SourceContext,
  ): Promise<ReadonlyMap<string, { readonly sha256?: string; readonly error?: string }>>;
  /** True when the unit still has the size, mtime and inode it had at discovery (nobody wrote to it meanwhile). */
  unchangedSince(unit: InputUnit): Promise<boolean>;
  /** Whether what it needs besides its files is there; absent: it needs nothing else. */
  ready?(): Promise<Readiness>;
  /** True: its units need not be brought here ({@link SourceContext.in_place}). */
  readonly in_place?: true;
  /** True: inspecting is long computing, so that as many units are inspected at the same time as there are threads. */
  readonly computes?: true;
}
