import { children, optional, type SyntaxNode, word } from '../../../core/lineage/syntax.ts';
import type { Context } from './context.ts';
import { Refused } from './refusal.ts';
import { isPlainValue, type Scope } from './scope.ts';
import type { Sql } from './types.ts';

/** ` DESC NULLS LAST`: where NULLs stand is always said, since the engines differ. */
export function directionOf(order: SyntaxNode): string {
  const descending = word(order, 'type') === 'DESCENDING';
  const nulls = word(order, 'null_order');
  // DuckDB puts NULLs last in either direction.
  const first = nulls.includes('FIRST');
  return `${descending ? ' DESC' : ' ASC'} NULLS ${first ? 'FIRST' : 'LAST'}`;
}

/** The expressions of an ORDER BY with their directions, each by `print`. */
export async function ordersOf(
  node: SyntaxNode,
  print: (expression: SyntaxNode) => Promise<Sql>,
  key = 'orders',
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const order of children(node, key)) {
    for (const expression of optional(order, 'expression')) {
      const sql = await print(expression);
      if (!isPlainValue(sql.type)) throw new Refused('an order by a list or struct');
      found.push(`${sql.text}${directionOf(order)}`);
    }
  }
  return found;
}

/** The same within one scope. */
export function ordersIn(node: SyntaxNode, scope: Scope, context: Context, key?: string): Promise<readonly string[]> {
  return ordersOf(node, (expression) => context.expression(expression, scope), key);
}
