import type { EngineSession } from '../../core/ports/engine.ts';

/**
 * A query that was evaluated so that each of its rows can be followed to the rows it was made of. Its rows are kept in a temporary
 * table of the session; a row goes by its `rowid` there.
 */
export interface Annotated {
  /** The temporary table: the query's own columns and hidden ones. */
  readonly relation: string;
  /** The query's own columns. */
  readonly columns: readonly string[];
  readonly links: readonly Link[];
  /** Window functions: a row also depends on others of its partition. */
  readonly windows: readonly WindowReach[];
  /** What else may change in it when an input row is taken away; undefined = rows go, and nothing else. */
  readonly moves?: Moves;
  /** Why rows are named that may not have contributed; empty when every link is exact. */
  readonly at_most: readonly string[];
}

/** New rows may appear; or only the values of some columns (names in lower case) change in rows that are there. */
export type Moves = 'rows' | ReadonlySet<string>;

/** A relation that a query reads: a table of the lake, or another query. */
export type Source = { readonly table: string } | { readonly query: Annotated };

export type Link =
  /** The id of the source's row stands in a column of the row itself. */
  | { readonly kind: 'row'; readonly source: Source; readonly id: string }
  /** The source's rows with the same keys: `view` has the keys and the ids of the rows before they were put together. */
  | {
      readonly kind: 'group';
      readonly source: Source;
      readonly id: string;
      readonly view: string;
      readonly keys: readonly string[];
      readonly exact: boolean;
    }
  /** The source's rows with equal values, column by column. */
  | {
      readonly kind: 'values';
      readonly source: Source & { readonly query: Annotated };
      readonly columns: readonly (readonly [own: string, source: string])[];
      readonly exact: boolean;
    }
  /** Any row of the source may matter. */
  | { readonly kind: 'all'; readonly source: Source };

/** Which other rows a window function looks at. All are hidden columns. */
export interface WindowReach {
  readonly partition: readonly string[];
  /** Place of the row in its partition. */
  readonly place: string;
  /** Place of the last row that counts as equal. */
  readonly last_peer: string;
  /** From so many rows before the row (undefined = from the first) to so many behind it (undefined = to the last, `peers` = equal ones). */
  readonly before: number | undefined;
  readonly behind: number | 'peers' | undefined;
}

/** A table of the lake as two relations of the session. */
export interface BoundTable {
  readonly table: string;
  readonly columns: readonly string[];
  /** As queries read it. */
  readonly plain: string;
  /** With `_part` and `_pos`. */
  readonly positioned: string;
}

export interface Annotating {
  readonly session: EngineSession;
  readonly aggregates: ReadonlySet<string>;
  /** By `layer.name` in lower case. */
  readonly tables: ReadonlyMap<string, BoundTable>;
  /** A name that the session does not have yet. */
  fresh(kind: string): string;
}

/** SQL: the id of a row of the lake, from its position. */
export const POSITION_ID = '(cast(_part as bigint) * 1099511627776 + _pos)';
