import type { Column } from '../model/table.ts';
import type { ValueForms } from '../model/value-forms.ts';
import type { CsvDialect } from './engine.ts';

/**
 * Where a pulled source stands: plain JSON that only its connector understands (a cursor value, offsets by partition). It is committed with the
 * rows that it stands behind, in the same table commit, so rows and position are never apart.
 */
export type Position = Readonly<Record<string, unknown>>;

/**
 * A numbered stretch of a source: records `from` up to, but without, `next`. Committed as a `txn` action (`source:<name>:<stream>`, version
 * `next`) that only succeeds when the table stands at `from`. `verify` proves from the spans alone that nothing is missing or doubled.
 */
export interface Span {
  /** E.g. topic and partition: `weather/0`. */
  readonly stream: string;
  readonly from: number;
  readonly next: number;
  /** Numbers in between that no record has (compaction, transaction markers): `next - from = records + holes`. */
  readonly holes: number;
  readonly records: number;
  /** Rows that these records brought, unreadable ones counted as one; absent: one each. */
  readonly rows?: number;
  /** Why the holes are there, when it is not the system's own housekeeping: what was lost and skipped by decision. */
  readonly reason?: string;
}

/** How the records of a landed unit are written: a format that the line reads already. */
export type UnitLayout =
  | { readonly format: 'ndjson' }
  | { readonly format: 'parquet' }
  | { readonly format: 'csv'; readonly dialect: CsvDialect; readonly header: readonly string[] };

/** A record that the source could not even write down as a row: it goes to quarantine with its raw text. */
export interface UnreadableRecord {
  /** Rule name, e.g. `poison_message`. */
  readonly rule: string;
  readonly reason: string;
  /** Where it was, in words that the source's users know: `weather/0 offset 4711`, `page 3 record 12`. Unique within the unit. */
  readonly where: string;
  /** Raw text (not text: base64, and the reason says so). */
  readonly raw: string;
}

/**
 * What a source knows of the records of a unit because it looked at every one of them while it wrote it: what the pass over a file finds. Whoever
 * gives it vouches for this, too: text in UTF-8 without NUL, each record ended by one LF, no blank line, in CSV no quote that stays open, in NDJSON
 * each record one JSON object in the words of RFC 8259.
 */
export interface UnitFacts {
  /** csv: some record has a line end inside. */
  readonly multiline_records?: boolean;
  /** ndjson: the members of the records, in the order in which they came up; absent when there are too many for columns. */
  readonly fields?: readonly { readonly name: string; readonly records: number }[];
  /** ndjson: how the values of each member are written, those left out of which all are null; absent when it was not looked at. */
  readonly forms?: ValueForms;
  /** ndjson: some record has a member twice. */
  readonly doubtful_records?: boolean;
  /**
   * By column, the type that the system itself says its values have, if the engine's cast takes the text of each over unchanged or refuses it (csv), or
   * takes each over unchanged (ndjson).
   */
  readonly types?: Readonly<Record<string, string>>;
}

/** What closes a unit. */
export interface UnitEnd {
  /** Records written, unreadable ones not counted. */
  readonly records: number;
  /** The position once this unit is in the lake: a run that was stopped goes on from here. */
  readonly position: Position;
  readonly spans?: readonly Span[];
  /** Hashes of the kept responses that the unit was made from. */
  readonly raw?: readonly string[];
  /** Spares the unit a second reading in the run that pulled it (ADR 0047); absent: it is looked at like a file. */
  readonly facts?: UnitFacts;
}

/** One unit of input while it is written. The first unit that is not closed ends what a later run may use. */
export interface UnitWriter {
  /** Whole records as bytes; resolves when more may come (back-pressure). The bytes may be reused by the caller afterwards. */
  write(bytes: Uint8Array): Promise<void>;
  unreadable(record: UnreadableRecord): void;
  /** Bytes so far. */
  readonly size_bytes: number;
  /** Seals the unit: flushed, fsynced, hashed, renamed. From here on it survives a crash. */
  close(end: UnitEnd): Promise<void>;
  /** Removes it. */
  abandon(): Promise<void>;
}

/** Where a source puts what it takes: sealed units in order, one open at a time. The next may be opened once the close of the one before has begun. */
export interface Landing {
  /** @param name what people call the unit, e.g. `page-000012` or `0-4711`; becomes part of its path in the ledger. */
  open(name: string, layout: UnitLayout): Promise<UnitWriter>;
  /** Responses as they came, compressed and addressed by their hash; kept until nothing refers to them. */
  readonly raw: RawStore;
}

/** A response that is kept. */
export interface RawEntry {
  readonly sha256: string;
  /** Stands for what was asked (method, URL, body), without its secrets: the same question has the same key. */
  readonly key: string;
  readonly fetched_at: string;
  readonly size_bytes: number;
  /** What of the answer's head matters: status, content type, ETag, Last-Modified, Link. */
  readonly head: Readonly<Record<string, string>>;
}

export interface RawStore {
  /** @param body whole, or piece by piece */
  put(body: Uint8Array | AsyncIterable<Uint8Array>, about: Omit<RawEntry, 'sha256' | 'size_bytes'>): Promise<RawEntry>;
  /** The newest answer to this question; undefined when there is none. */
  find(key: string): Promise<RawEntry | undefined>;
  /** In the order in which they were kept. */
  entries(): Promise<readonly RawEntry[]>;
  /** @throws DataflowError E_LAKE_CORRUPT when the bytes do not have their hash any more. */
  read(entry: RawEntry): Promise<Uint8Array>;
  /** The same piece by piece; whether the bytes have their hash is known at the end. @throws DataflowError E_LAKE_CORRUPT */
  pieces(entry: RawEntry): AsyncIterable<Uint8Array>;
}

/** What one pull may take. */
export interface PullLimits {
  readonly records_max: number;
  readonly bytes_max: number;
  /** How long it may wait for more once something is there. */
  readonly wait_ms: number;
}

export interface PullContext {
  /** The source's name in `pipelines.yaml`. */
  readonly name: string;
  /** Project folder: relative paths start here. */
  readonly root: string;
  readonly now_ms: number;
  readonly signal: AbortSignal;
  /** Local folder for what is in the way; the caller removes it. */
  readonly temp_folder: string;
  /** Undefined: from the beginning. */
  readonly position: Position | undefined;
  /** The position that the table was committed with, also when everything is taken anew. */
  readonly committed?: Position;
  /** Next number expected by stream, from the lake. */
  readonly expected: ReadonlyMap<string, number>;
  /** The columns that records will be read into, as far as they are known. */
  readonly columns?: readonly Column[];
  readonly limits: PullLimits;
  /** Take everything again from kept responses, asking nobody. */
  readonly from_raw: boolean;
  /** A remark for the person at the terminal (a wait, a retry); secrets are masked by the receiver. */
  note(text: string): void;
  /** Masks the project's secrets: a text that it changes holds one, and is neither written down nor sent elsewhere. Absent: there are none. */
  redact?(text: string): string;
}

export interface PullResult {
  /** True when the source had no more at this moment. */
  readonly caught_up: boolean;
  /** The position after everything that was landed, and after what needed no unit (holes, an unchanged ETag). */
  readonly position: Position;
  /** The source says by itself that nothing changed (304, same snapshot): nothing was landed. */
  readonly unchanged?: boolean;
}

/** What a source answers when it is only asked. */
export interface Outlook {
  readonly pending: 'none' | 'some' | 'unknown';
  /** How many records wait, when it knows. */
  readonly records?: number;
  /** In words for `plan`: "1,204 messages behind in 3 partitions". */
  readonly words: string;
  /** Age in ms of the oldest record that waits, when it knows. */
  readonly oldest_ms?: number;
}

export interface Probe {
  readonly ok: boolean;
  readonly words: string;
  readonly hint?: string;
}

/**
 * A source that is asked, instead of looked at like a folder: an API, a database, a broker. It lands what is new as sealed units in formats that
 * the line reads; the line takes these units as it takes files, and commits the position with their rows.
 */
export interface PulledSource {
  /** `changes`: each pull brings what came since the position. `snapshot`: each pull brings everything, which replaces all there was. */
  readonly pulls: 'changes' | 'snapshot';
  /**
   * What is asked for, in short words without secrets: `table sales.orders by updated_at`. A position counts for the same words only; absent: for
   * whatever is asked.
   */
  readonly asks?: string;
  /**
   * For `changes`: the next batch may be asked for from the position at which this one ends, while this one is on its way into the lake; {@link committed} is told of
   * this one meanwhile.
   */
  readonly pulls_ahead?: boolean;
  /** Columns that the system itself declares, canonical types in order; undefined when only the records tell. */
  columns?(context: PullContext): Promise<readonly Column[] | undefined>;
  /** Cheap, changes nothing, takes nothing: for `plan`, `status` and lag. */
  look(context: PullContext): Promise<Outlook>;
  pull(landing: Landing, context: PullContext): Promise<PullResult>;
  /**
   * For `snapshot`: whether a pull that was interrupted at this position may go on from there in a later run, because its parts are read at
   * different moments anyway. Without it an interrupted snapshot begins anew.
   */
  resumes?(position: Position, now_ms: number): boolean;
  /** Told after the commit that holds everything up to `position`; for whoever else keeps count (consumer groups). A failure is only a warning. */
  committed?(position: Position): Promise<void>;
  /** For `doctor`: reaches the system, signs in, writes nothing. */
  probe(context: Pick<PullContext, 'signal' | 'root'>): Promise<Probe>;
  close(): Promise<void>;
}
