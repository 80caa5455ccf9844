import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Graph, Node } from '../../core/planning/graph.ts';

/** What whoever asks may be told. */
export interface Scope {
  /** Details of a table. */
  may(table: string): boolean;
  /** Everything, of all tables together. */
  readonly all: boolean;
}

/** The table that is asked about. @throws DataflowError E_SERVE_SCOPE, E_SERVE_UNKNOWN */
export function nodeFor(graph: Graph, scope: Scope, key: string): Node {
  if (!scope.may(key)) throw new DataflowError('E_SERVE_SCOPE', 'the token does not allow to read this');
  const node = graph.byKey.get(key);
  if (node === undefined) throw new DataflowError('E_SERVE_UNKNOWN', 'the project has no such table');
  return node;
}

/** Words of the ledger as they may be told: secrets masked, and names of tables that are not for who asks. */
export function wordsFor(scope: Scope, redact: (text: string) => string): (text: string) => string {
  if (scope.all) return redact;
  return (text) => redact(text).replace(TABLES, (table) => (scope.may(table) ? table : 'another table'));
}

const TABLES = /\b(?:bronze|silver|gold|quarantine)\.\w+/g;
