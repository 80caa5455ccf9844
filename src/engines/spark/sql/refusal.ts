import type { DialectRefusal } from '../../../core/ports/dialect.ts';

/** What to do about anything that is not translated. */
export const OWN_SQL = 'Write the query for Spark yourself: `sql.spark` beside `sql.duckdb`.';

/** Where a construct stands, as the engine's parse tree tells; nowhere when the tree does not. */
export type Place = Pick<DialectRefusal, 'line' | 'column'>;

/** Thrown where a construct is not on the list; whoever prints a clause catches it, so that a query tells all of them at once. */
export class Refused extends Error {
  readonly construct: string;
  readonly remedy: string | undefined;
  /** Set by whoever knows the node. */
  place: Place | undefined;

  constructor(construct: string, remedy?: string, place?: Place) {
    super(construct);
    this.construct = construct;
    this.remedy = remedy;
    this.place = place;
  }
}

/** Line and column, from 1, of a place that the tree gives in bytes of the text. */
export function placeIn(sql: string, node: Readonly<Record<string, unknown>>): Place {
  const at = node['query_location'];
  if (typeof at !== 'number' || at === 0) return {};
  const before = Buffer.from(sql, 'utf8').subarray(0, at).toString('utf8');
  const line_start = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: before.length - line_start + 1 };
}

/** An expression that ends the query with an error, as a text: what one engine reads and the other one does not is refused when it is met. */
export function raised(what: string): string {
  return `CAST(RAISE_ERROR('not translated for Spark: ${what}') AS STRING)`;
}
