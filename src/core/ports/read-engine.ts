import type { ParamType } from '../model/serve.ts';
import type { EngineColumn, InputRelation, Row } from './engine.ts';

/** A value that a question holds: it is bound, and never becomes text of the SQL. Dates and times are ISO 8601, whole numbers text. */
export interface ReadParam {
  readonly type: ParamType | 'varchar[]';
  readonly value: string | number | boolean | readonly string[] | null;
}

/** One SELECT over tables that were bound. */
export interface ReadQuestion {
  readonly sql: string;
  /** By name: `$name`. */
  readonly params: Readonly<Record<string, ReadParam>>;
  /** Stops the engine. */
  readonly signal: AbortSignal;
}

/** One set of tables at fixed versions. Questions may be asked side by side; their work is done beside the event loop. */
export interface ReadTables {
  /** Makes a table readable. @param keep hold its rows in memory: for small ones. */
  bind(relation: InputRelation, keep: boolean): Promise<void>;
  /** Tables that a SELECT names. @throws DataflowError E_SQL_SANDBOX when it reads anything else. */
  tablesOf(sql: string): Promise<readonly string[]>;
  /** Columns of an answer, without its rows. */
  describe(question: ReadQuestion): Promise<readonly EngineColumn[]>;
  /** A small answer. @throws DataflowError E_ENGINE when it is longer than `rows_max`. */
  rows(question: ReadQuestion, rows_max: number): Promise<readonly Row[]>;
  /** The first value, a text, of an answer of one row: for questions that are asked over and over with other values. Undefined: no row. */
  line(question: ReadQuestion): Promise<string | undefined>;
  /** The first column of an answer of any size, whose values are texts, in batches as they are computed. */
  lines(question: ReadQuestion): AsyncGenerator<readonly string[], void, void>;
  /**
   * An answer of any size as an Arrow IPC stream, batch by batch as it is computed.
   * @param columns of the answer, with types that the lake stores.
   */
  arrow(question: ReadQuestion, columns: readonly EngineColumn[]): AsyncGenerator<Uint8Array, void, void>;
  /**
   * For `default: latest`: the greatest value of what a query compares a parameter with; null when there are no rows.
   * @throws DataflowError E_SQL when the query does not compare it.
   */
  latest(sql: string, param: string, signal: AbortSignal): Promise<string | null>;
  close(): Promise<void>;
}

/** The engine as a server uses it: it reads files of one lake and nothing else, whatever the SQL says. */
export interface ReadEngine {
  /** True once it ended by an error of its own: it answers nobody any more. */
  readonly lost: boolean;
  openTables(): Promise<ReadTables>;
  close(): Promise<void>;
}

export interface ReadEngineOptions {
  /** Folders below which files may be read. */
  readonly folders: readonly string[];
  readonly temp_folder: string;
  readonly memory_bytes: number;
  readonly threads?: number;
}
