import type { HeldTable } from '../model/load.ts';
import type { Column } from '../model/table.ts';
import type { Connection } from './connection.ts';

/** What a store is opened for. */
export interface StoreRequest {
  /** The id under which its sink loaded: project and load. */
  readonly id: string;
  /** Project folder: relative paths of the connection start here. */
  readonly root: string;
  readonly connection: Connection;
  /** The schema or database of the load, when it names one. */
  readonly within?: string;
  /** Views that are open at once. */
  readonly views_max: number;
  /** Longer than this no statement may take, even when nobody is there to cancel it. */
  readonly seconds_max: number;
}

/** A column: with its type in the lake, and what the destination calls it. */
export interface StoreColumn {
  readonly column: Column;
  readonly name: string;
}

export type StoreOperator = 'eq' | 'ne' | 'gt' | 'gte' | 'lt' | 'lte' | 'in' | 'contains' | 'starts' | 'null';

export interface StoreCondition {
  readonly of: StoreColumn;
  readonly operator: StoreOperator;
  /** Values as text, checked against the type of the column. They are bound, and never become text of a statement. */
  readonly values: readonly string[];
  /** For `null`: whether it has to be NULL or must not be. */
  readonly wanted?: boolean;
}

export interface StoreFilter {
  /** The table at the destination. */
  readonly table: string;
  readonly where: readonly StoreCondition[];
}

/** A page of a table. Texts are compared and ordered by their code points, NaN is the greatest number, NULL comes last in either direction. */
export interface StoreQuestion extends StoreFilter {
  readonly columns: readonly StoreColumn[];
  readonly order: readonly { readonly of: StoreColumn; readonly descending: boolean }[];
  /** The order tells any two rows apart; otherwise the store settles it by where they lie. */
  readonly settled: boolean;
  readonly limit: number;
  readonly offset: number;
}

/** One state of a destination: what it says that it holds, and the rows, of one moment. */
export interface StoreView {
  readonly held: readonly HeldTable[];
  /** How many rows a filter leaves. */
  count(filter: StoreFilter): Promise<number>;
  /**
   * Rows in batches, each row a JSON array of texts and nulls: texts that the engine casts to the type of the lake (`2024-01-31 12:00:00+00`,
   * `0044-03-15 (BC)`), bytes as hexadecimal digits, lists, maps and structs as JSON.
   */
  rows(question: StoreQuestion): AsyncGenerator<readonly string[], void, void>;
  /** Never throws. */
  close(): Promise<void>;
}

/** A destination of loads that answers questions. Errors are DataflowErrors. */
export interface Store {
  /** `host:port/database` for people, without secrets. */
  readonly place: string;
  /** @param signal stops what is under way in the view. */
  view(signal: AbortSignal): Promise<StoreView>;
  close(): Promise<void>;
}

/** A system that may be served from: a file `connectors/<system>/store.ts` exports one as `component`. */
export interface StoreComponent {
  /** The type of connection that it reads; its sink loads there. */
  readonly type: string;
  open(request: StoreRequest): Promise<Store>;
}
