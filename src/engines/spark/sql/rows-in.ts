import { child, children, type SyntaxNode, word } from '../../../core/lineage/syntax.ts';
import { cast, comparedAs } from './casts.ts';
import type { Context } from './context.ts';
import { Refused } from './refusal.ts';
import { isPlainValue, NO_SCOPE, type Scope } from './scope.ts';
import { plain, type Sql } from './types.ts';
import { indented, quoteName } from './words.ts';

/** `(a, b) in (select (c, d) …)`. */
export interface RowsIn {
  readonly row: readonly SyntaxNode[];
  /** The sub-query with a column for each member. */
  readonly query: SyntaxNode;
}

const ALIAS = '_rows';

/** The rows that are looked for and looked into; undefined where they are none. */
export function rowsOf(node: SyntaxNode, query: SyntaxNode): RowsIn | undefined {
  const row = membersOf(child(node, 'child'));
  const [item, more] = children(query, 'select_list');
  const members = more === undefined ? membersOf(item) : undefined;
  if (row === undefined || members === undefined || row.length !== members.length) return undefined;
  if (word(node, 'comparison_type') !== 'COMPARE_EQUAL') return undefined;
  return { row, query: { ...query, select_list: members.map((one, at) => ({ ...one, alias: `k${at}` })) } };
}

function membersOf(node: SyntaxNode | undefined): readonly SyntaxNode[] | undefined {
  return node !== undefined && word(node, 'function_name') === 'row' ? children(node, 'children') : undefined;
}

/** A row is equal to another one in DuckDB when their members are, NULL to NULL: the answer is always yes or no. */
export async function rowIn({ row, query }: RowsIn, scope: Scope, context: Context): Promise<Sql> {
  const found = await context.query(query, { ...NO_SCOPE, queries: scope.queries, outer: scope });
  const conditions: string[] = [];
  for (const [at, node] of row.entries()) {
    const one = await context.expression(node, scope);
    const column = found.columns[at];
    if (column === undefined || !isPlainValue(one.type)) throw new Refused('this row in a sub-query');
    const other: Sql = { text: `${quoteName(ALIAS)}.${quoteName(column.name)}`, type: column.type, whole: true };
    const shared = comparedAs(one.type, other.type);
    const [a, b] = [one, other].map((side) => (shared === undefined ? side : cast(side, shared)).text);
    conditions.push(`${a} <=> ${b}`);
  }
  const source = `(\n${indented(found.text)}\n) AS ${quoteName(ALIAS)}`;
  const text = `(\n${indented(`SELECT 1\nFROM ${source}\nWHERE ${conditions.join(' AND ')}`)}\n)`;
  return { text: `(EXISTS ${text})`, type: plain('boolean') };
}
