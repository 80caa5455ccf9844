import type { EngineColumn, Row } from './engine.ts';

/** A published table as an engine on other machines is told of it. */
export interface TableAt {
  /** `silver.achats`. */
  readonly key: string;
  /** Folder of the table: a local path, or a URI. */
  readonly uri: string;
  readonly version: number;
}

/** What an engine on other machines is told besides its options. */
export interface ReachOptions {
  /** Where its address may come from. */
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** `lake.url`: under it are the tables that it will be told of. */
  readonly lake_url: string;
}

/** One thing that an engine on other machines was asked about itself. */
export interface FarEngineFinding {
  /** What was looked at, behind the word "engine": `catalog`, `lake`, `executors`; empty for the engine itself. */
  readonly about: '' | 'catalog' | 'lake' | 'executors';
  readonly ok: boolean;
  readonly words: string;
  /** What to do where it is not well. */
  readonly hint?: string;
}

/** An engine on other machines, for those who ask it questions. Errors are DataflowErrors of the catalogue. */
export interface FarEngine {
  readonly type: string;
  /**
   * Its version, what it needs for our tables, and whether it and its executors can read one; writes nothing.
   * @param sample a table of the lake, if there is one.
   */
  probe(lake: { readonly sample: TableAt | undefined }): Promise<readonly FarEngineFinding[]>;
  /** Rows of one SELECT in the engine's own dialect, over these tables at these versions and whatever else the user may read there. */
  query(
    sql: string,
    tables: readonly TableAt[],
  ): AsyncIterable<{ readonly columns: readonly EngineColumn[]; readonly rows: readonly Row[] }>;
  /** Columns of a query in the engine's own dialect that names no table of the lake; nothing is run. */
  describe(sql: string): Promise<readonly EngineColumn[]>;
  close(): Promise<void>;
}
