import type { Column } from '../model/table.ts';
import type { EngineSession } from './engine.ts';

/** Why a query is not put into another dialect: the construct, where it stands in the query, and what to do. */
export interface DialectRefusal {
  /** Of the query's text, from 1; absent where the engine does not tell. */
  readonly line?: number;
  readonly column?: number;
  readonly construct: string;
  readonly remedy: string;
}

export interface DialectRequest {
  /** One SELECT in DuckDB's dialect. */
  readonly sql: string;
  /** The tables that it reads, as it names them. */
  readonly tables: ReadonlyMap<string, readonly Pick<Column, 'name' | 'type'>[]>;
  /** A session in which those tables can be described; nothing but constants is computed in it. */
  readonly session: Pick<EngineSession, 'syntaxOf' | 'sqlOf' | 'describe' | 'rows' | 'tablesOf'>;
  /** How the other engine calls a table; without it by the same words, quoted. */
  readonly relation?: (name: string) => string;
}

/** The query in the other dialect, or all that stands in the way. */
export type DialectResult =
  | { readonly sql: string; readonly columns: readonly Pick<Column, 'name' | 'type'>[] }
  | { readonly refusals: readonly DialectRefusal[] };

/** Puts queries of DuckDB's dialect into that of another engine. Text only: it reaches no engine but the session that it is given. */
export interface Dialect {
  /** Name of the dialect: `spark`. */
  readonly name: string;
  translate(request: DialectRequest): Promise<DialectResult>;
  /**
   * The query over tables without rows, which are written into it: for an engine that shall check it without reading anything. Each table stands under the name that `relation` gave
   * it, unquoted.
   */
  overNothing(sql: string, tables: ReadonlyMap<string, readonly Pick<Column, 'name' | 'type'>[]>): string;
}
