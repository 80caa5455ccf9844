import type { SyntaxNode } from '../../../core/lineage/syntax.ts';
import type { TypeOracle } from './oracle.ts';
import type { Place } from './refusal.ts';
import type { ResultColumn, Scope } from './scope.ts';
import type { Sql } from './types.ts';

/** A query in Spark's dialect. */
export interface Query {
  readonly text: string;
  readonly columns: readonly ResultColumn[];
}

/** What everything that prints has at hand. */
export interface Context {
  readonly oracle: TypeOracle;
  /** The tables that may be read, by name in lower case. */
  readonly tables: ReadonlyMap<string, readonly ResultColumn[]>;
  relation(name: string): string;
  /** The alias under which Spark gets a relation: no column's name, since it would look for a member of that column first. */
  alias(name: string): string;
  place(node: SyntaxNode): Place;
  /** Prints an expression. */
  expression(node: SyntaxNode, scope: Scope): Promise<Sql>;
  /** Prints a query. @param names of its result, where they are known. */
  query(node: SyntaxNode, scope: Scope, names?: readonly string[]): Promise<Query>;
  /** Prints something that may be refused, for which there is another way; undefined then, and nothing is noted. */
  attempt<T>(print: (context: Context) => Promise<T>): Promise<T | undefined>;
  /** Notes why a clause is refused, and goes on with the next; anything that is not a refusal is thrown. */
  note(error: unknown): void;
}
