import type { HeldTable, LoadMode } from '../model/load.ts';
import type { Column } from '../model/table.ts';
import type { Connection } from './connection.ts';
import type { Row, TextFormat } from './engine.ts';
import type { Probe } from './pulled-source.ts';

/** What a sink is opened for. */
export interface SinkRequest {
  /** Unique among everything that loads into the same system: project and load. */
  readonly id: string;
  /** Project folder: relative paths of the connection start here. */
  readonly root: string;
  readonly connection: Connection;
  /** The schema or database of the load, when it names one. */
  readonly within?: string;
  /** Views that the destination is to have: name → SQL of its own. */
  readonly views: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** A remark for the person at the terminal (a wait, a retry); secrets are masked by the receiver. */
  note(text: string): void;
}

/** A table as the destination is to have it. All names are those at the destination. */
export interface SinkTable {
  /** In the lake: `gold.dim_clients`. */
  readonly table: string;
  readonly name: string;
  readonly mode: LoadMode;
  /** Columns that tell rows apart; never NULL. Empty: none do. */
  readonly key: readonly string[];
  readonly columns: readonly Column[];
  readonly indexes: readonly (readonly string[])[];
  /** What the table is, for people. */
  readonly comment?: string;
}

/** What stands at the destination. */
export interface Standing {
  /** What it says that it holds; undefined when this load never finished there. */
  readonly held?: HeldTable;
  /** A load that was cut off while it wrote, at a destination without transactions: repeated, it leads to the same rows. */
  readonly under_way?: Pick<HeldTable, 'release_id' | 'version' | 'version_committed_at_ms'>;
  /**
   * `absent`: there is no such table. `as_left`: nobody else wrote to it, as far as was looked. `changed`: somebody did. `empty`: a table without
   * rows that this load did not make. `foreign`: the same with rows.
   */
  readonly state: 'absent' | 'as_left' | 'changed' | 'empty' | 'foreign';
  readonly rows?: number;
  /** What is different, for people: `3 rows fewer than were loaded`. */
  readonly words?: string;
}

/** What has to be done to the tables themselves before rows can go there. */
export interface Outline {
  /** In the destination's own language, in order; also what is only shown because it is done by itself. */
  readonly statements: readonly string[];
  /** Why rows cannot go there without dropping something; `--full-refresh` makes the table anew. */
  readonly refused?: string;
  /** For people: a column that the lake no longer has stays, and so on. */
  readonly remarks: readonly string[];
}

/** How rows are written as text: one line a row. */
export interface TextLayout {
  readonly format: TextFormat;
  /** What each column holds: expressions of the engine's SQL over the columns of the table, with their names. */
  readonly select: readonly { readonly name: string; readonly sql: string }[];
}

/** Rows on their way out of the engine. They are made while they are taken, in bounded memory; asked again, they are made again. */
export interface OutRows {
  /** Text in pieces of any size; at the end the number of rows. Whoever stops early calls `return`. */
  bytes(layout: TextLayout): AsyncGenerator<Uint8Array, number, void>;
  /** For systems whose own encoding has to be made row by row: batches of rows, every value as JSON can hold it exactly. */
  batches(select: TextLayout['select']): AsyncGenerator<readonly Row[], void, void>;
}

/** A row that the destination cannot hold, whatever is done. */
export interface RefusedOutRow {
  readonly reason: string;
  /** The row, as JSON. */
  readonly row: string;
}

/** Rows by whether the version that the destination holds has their keys. */
export interface ApartRows {
  readonly news: OutRows;
  readonly changed: OutRows;
}

/** One table on its way from the version that the destination holds to another. */
export interface TableChange {
  readonly table: SinkTable;
  /** What the destination holds afterwards. */
  readonly to: Pick<HeldTable, 'release_id' | 'version' | 'version_committed_at_ms'>;
  /** True: `rows` are all rows, and what is there goes. */
  readonly whole: boolean;
  /** With `whole`: the table is dropped and made anew, because its columns do not fit any more. */
  readonly remake: boolean;
  /** New rows, and changed ones as they are now. */
  readonly rows: OutRows;
  /** The same rows apart, for a destination that has a shorter way for new ones; absent where nothing tells them from the others. */
  readonly apart?: ApartRows;
  /** The keys of rows that are gone; undefined: none can be. */
  readonly gone?: OutRows;
  /** Columns that the version before did not have: rows that are not sent have no value there, whatever an earlier version left in them. */
  readonly came: readonly string[];
  /**
   * Keeps a row aside that the destination cannot hold; the others go there all the same. A sink that takes all or nothing throws E_LOAD_REFUSED
   * instead.
   */
  refuse(row: RefusedOutRow): void;
}

/** What a change did. Rows are counted where they arrive. */
export interface PutCounts {
  readonly rows_in: number;
  readonly gone_in: number;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  /** `append`: rows whose key was there already. */
  readonly skipped: number;
  /** Rows that were kept aside by {@link TableChange.refuse}. */
  readonly refused?: number;
  /** Rows of the table afterwards, read back. */
  readonly rows_after: number;
}

/**
 * One write to the destination, of a whole release or of one table: all of it becomes visible at `commit`, or nothing; where the system cannot do that,
 * what is half done is said by `under_way` until it is whole.
 */
export interface SinkLoad {
  /**
   * Keeps others from writing to a table until the end, and makes sure that it is as it was seen, which may take as long as reading it: so it is asked while the engine prepares
   * the rows. `put` does it by itself otherwise.
   */
  claim?(table: SinkTable): Promise<void>;
  /** @throws DataflowError E_LOAD_REFUSED for a row that is not taken, with the row and the column. */
  put(change: TableChange): Promise<PutCounts>;
  /** What the destination will say about the table. Written with the rows, or as the very last step. */
  record(held: HeldTable): Promise<void>;
  /**
   * When the connection is lost at this moment the outcome is looked up.
   * @throws DataflowError E_LOAD_CONFLICT when somebody else loaded meanwhile; E_LOAD_UNKNOWN when nobody can say.
   */
  commit(): Promise<void>;
  /** Nothing of it stays, as far as the system can. Never throws. */
  rollback(): Promise<void>;
}

/** Both sides of a table, compared row by row. */
export interface Comparison {
  readonly rows_lake: number;
  readonly rows_there: number;
  /** Rows that only one side has. */
  readonly only_lake: number;
  readonly only_there: number;
  /** A few of them, for people. */
  readonly samples: readonly string[];
}

/** A way into a system for whole releases. Errors are DataflowErrors; those worth another attempt say so. */
export interface Sink {
  /** `host:port/database` for people, without secrets. */
  readonly place: string;
  /** Several tables can become visible at once. Otherwise each is a load of its own. */
  readonly whole_release: boolean;
  /** Each value keeps its own type, as in documents: in a column of another type all values are others. */
  readonly types_in_rows?: true;
  /**
   * What stands there, by table of the lake; changes nothing. `deep`: look at large tables too, save those in `spare`, which are written to next: a sink that looks at them
   * then, under its lock, need not do it twice.
   */
  standing(
    tables: readonly Pick<SinkTable, 'table' | 'name'>[],
    options: { readonly deep: boolean; readonly spare?: ReadonlySet<string> },
  ): Promise<ReadonlyMap<string, Standing>>;
  /** Before a load looks: finishes what one that was cut off had decided, where that is a matter of moments. */
  finish?(): Promise<void>;
  /** What has to be done to a table, changing nothing. `whole`: all its rows will be replaced. */
  outline(table: SinkTable, options: { readonly whole: boolean }): Promise<Outline>;
  /** The same for the views; absent where there are none. They are made with the tables of a release. */
  outlineViews?(): Promise<Outline>;
  begin(release_id: string): Promise<SinkLoad>;
  /** Whether the destination has these rows, and no others; changes nothing there that anybody sees. */
  compare(table: SinkTable, rows: OutRows): Promise<Comparison>;
  /** Reaches the system, signs in, writes nothing: for `doctor`. */
  probe(): Promise<Probe>;
  close(): Promise<void>;
}

/** A system that releases are loaded into: a file `connectors/<system>/sink.ts` exports one as `component`. */
export interface SinkComponent {
  /** The type of connection that it loads into; that connection declares `loads`. */
  readonly type: string;
  open(request: SinkRequest): Promise<Sink>;
}
