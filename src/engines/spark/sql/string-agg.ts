import { child, children, constantOf, type SyntaxNode, word } from '../../../core/lineage/syntax.ts';
import { cast } from './casts.ts';
import type { Context } from './context.ts';
import { Refused } from './refusal.ts';
import { isPlainValue, type Scope } from './scope.ts';
import { familyOf, plain, type Sql } from './types.ts';
import { quoteText } from './words.ts';

const REMEDY = "Order it by one expression: string_agg(x, ', ' order by k).";

/** `string_agg(x, ', ' order by k)`. Spark 3.5 has no such function: the texts are collected with their keys, sorted and joined. */
export async function stringAgg(node: SyntaxNode, scope: Scope, context: Context): Promise<Sql> {
  const [value, separator] = children(node, 'children');
  const [order, more] = children(child(node, 'order_bys') ?? {}, 'orders');
  if (value === undefined || order === undefined || more !== undefined || node['distinct'] === true)
    throw new Refused('string_agg() without an order, by several keys or with DISTINCT', REMEDY);
  const between = separator === undefined ? ',' : constantOf(separator);
  if (typeof between !== 'string') throw new Refused('string_agg() with a separator that is computed');
  const text = await context.expression(value, scope);
  if (familyOf(text.type) !== 'text') throw new Refused('string_agg() of what is no text', 'Cast it to varchar.');
  const key = await context.expression(child(order, 'expression') ?? {}, scope);
  if (!isPlainValue(key.type)) throw new Refused('an order by a list or struct');
  const condition = child(node, 'filter');
  const filter =
    condition === undefined
      ? ''
      : ` FILTER (WHERE ${cast(await context.expression(condition, scope), plain('boolean')).text})`;
  const descending = word(order, 'type') === 'DESCENDING';
  const nulls_first = word(order, 'null_order').includes('FIRST');
  // A struct compares member by member, NULL before all else; the first member puts keys without a value where they belong.
  const lead = `(${key.text} IS ${nulls_first === descending ? '' : 'NOT '}NULL)`;
  const kept = `CASE WHEN ${text.text} IS NOT NULL THEN NAMED_STRUCT('n', ${lead}, 'k', ${key.text}, 'x', ${text.text}) END`;
  const sorted = `SORT_ARRAY(COLLECT_LIST(${kept})${filter}, ${descending ? 'FALSE' : 'TRUE'})`;
  const joined = `ARRAY_JOIN(TRANSFORM(${sorted}, e -> e.x), ${quoteText(between)})`;
  return {
    text: `(CASE WHEN COUNT(${text.text})${filter} > 0 THEN ${joined} END)`,
    type: plain('varchar'),
    whole: true,
  };
}
