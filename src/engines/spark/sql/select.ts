import { child, children, constantOf, type SyntaxNode, some, word, words } from '../../../core/lineage/syntax.ts';
import type { Context, Query } from './context.ts';
import { truth } from './expressions.ts';
import { groupOf, type Item, itemsOf } from './items.ts';
import { directionOf, ordersIn } from './orders.ts';
import { Refused } from './refusal.ts';
import { type ResultColumn, type Scope, sameName, within } from './scope.ts';
import { fromOf } from './tables.ts';
import { bare, indented, quoteName } from './words.ts';

/** Column that says which rows of a wrapped query stay. */
const KEPT = '_kept';

/** A SELECT in Spark's dialect. @param names of the result, where somebody knows them better than the tree. */
export async function selectOf(
  node: SyntaxNode,
  outside: Scope,
  context: Context,
  names: readonly string[] = [],
): Promise<Query> {
  if (child(node, 'sample') !== undefined) throw new Refused('a sample');
  const from = await fromOf(child(node, 'from_table'), outside, context);
  const list = children(node, 'select_list');
  const scope: Scope = {
    ...outside,
    relations: from?.relations ?? [],
    merged: from?.merged ?? [],
    aliases: aliasesOf(list),
  };
  const items = await itemsOf(list, scope, context);
  const columns = items.map(
    (item, at): ResultColumn => ({ name: names[at] ?? item.name ?? `_c${at}`, type: item.sql.type }),
  );
  const clauses: string[] = [];
  if (from !== undefined) clauses.push(`FROM ${from.text}`);
  await clause(clauses, context, 'WHERE', async () => {
    const where = child(node, 'where_clause');
    return where === undefined ? undefined : bare(await truth(where, scope, context));
  });
  await clause(clauses, context, 'GROUP BY', () => groupOf(node, items, scope, context));
  await clause(clauses, context, 'HAVING', async () => {
    const having = child(node, 'having');
    return having === undefined ? undefined : bare(await truth(having, scope, context));
  });
  const parts = { node, items, columns, clauses, scope };
  return finished(parts, context);
}

/** Adds a clause; one that is refused is noted. */
async function clause(
  to: string[],
  context: Context,
  head: string,
  print: () => Promise<string | undefined>,
): Promise<void> {
  try {
    const text = await print();
    if (text !== undefined) to.push(`${head} ${text}`);
  } catch (error) {
    context.note(error);
  }
}

function aliasesOf(list: readonly SyntaxNode[]): ReadonlyMap<string, SyntaxNode> {
  const named = list.filter((one) => one['class'] !== 'STAR' && word(one, 'alias') !== '');
  return new Map(named.map((one) => [word(one, 'alias').toLowerCase(), one]));
}

/** What a select was put together from. */
export interface Parts {
  readonly node: SyntaxNode;
  readonly items: readonly Item[];
  readonly columns: readonly ResultColumn[];
  readonly clauses: readonly string[];
  readonly scope: Scope;
}

async function finished(parts: Parts, context: Context): Promise<Query> {
  const { node, items, columns, clauses, scope } = parts;
  const distinct = children(node, 'modifiers').find((one) => word(one, 'type') === 'DISTINCT_MODIFIER');
  const on = distinct === undefined ? [] : children(distinct, 'distinct_on_targets');
  const list = items.map((item, at) => `${bare(item.sql.text)} AS ${quoteName(columns[at]?.name ?? '')}`);
  const kept = await keptOf(node, on, parts, context);
  const head = distinct !== undefined && on.length === 0 ? 'SELECT DISTINCT' : 'SELECT';
  const inner = [
    `${kept === undefined ? head : 'SELECT'}\n${indented([...list, ...(kept === undefined ? [] : [`${kept} AS ${quoteName(KEPT)}`])].join(',\n'))}`,
    ...clauses,
  ].join('\n');
  const text =
    kept === undefined
      ? inner
      : `${head}\n${indented(columns.map((one) => quoteName(one.name)).join(',\n'))}\nFROM (\n${indented(inner)}\n) AS ${quoteName('_')}\nWHERE ${quoteName(KEPT)}`;
  const order = await orderOf(parts, kept !== undefined || head !== 'SELECT', scope, context);
  return { text: [text, ...order, ...limitOf(node, order.length > 0)].join('\n'), columns };
}

/** QUALIFY and DISTINCT ON as a condition over a window, computed in a query around which another one is put. */
async function keptOf(
  node: SyntaxNode,
  on: readonly SyntaxNode[],
  { scope }: Parts,
  context: Context,
): Promise<string | undefined> {
  const qualify = child(node, 'qualify');
  if (qualify !== undefined && on.length > 0) throw new Refused('QUALIFY together with DISTINCT ON');
  if (qualify !== undefined) return truth(qualify, scope, context);
  if (on.length === 0) return undefined;
  const targets: string[] = [];
  for (const one of on) targets.push((await context.expression(one, scope)).text);
  const order = children(node, 'modifiers').find((one) => word(one, 'type') === 'ORDER_MODIFIER');
  const orders = order === undefined ? [] : await ordersIn(order, scope, context);
  if (orders.length === 0)
    throw new Refused('DISTINCT ON without an order', 'Say with order by which row is the first.');
  return `(ROW_NUMBER() OVER (PARTITION BY ${targets.join(', ')} ORDER BY ${orders.join(', ')}) = 1)`;
}

/** ORDER BY. @param outside only the result's columns can be meant. */
export async function orderOf(
  parts: Parts,
  outside: boolean,
  scope: Scope,
  context: Context,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const modifier of children(parts.node, 'modifiers')) {
    if (word(modifier, 'type') !== 'ORDER_MODIFIER') continue;
    for (const order of children(modifier, 'orders')) {
      try {
        const print = (expression: SyntaxNode) => orderText(expression, parts, outside, scope, context);
        const texts = await print(child(order, 'expression') ?? {});
        found.push(...texts.map((text) => `${text}${directionOf(order)}`));
      } catch (error) {
        context.note(error);
      }
    }
  }
  return found.length === 0 ? [] : [`ORDER BY ${found.join(', ')}`];
}

async function orderText(
  expression: SyntaxNode,
  parts: Parts,
  outside: boolean,
  scope: Scope,
  context: Context,
): Promise<readonly string[]> {
  const result = resultNamed(expression, parts.columns);
  if (result !== undefined) return result.map((one) => quoteName(one.name));
  const both = (one: SyntaxNode): boolean => {
    const names = words(one, 'column_names');
    if (names.length !== 1 || within(names, scope) === undefined) return false;
    const alias = scope.aliases.get(String(names[0]).toLowerCase());
    return alias !== undefined && !sameName(words(alias, 'column_names').at(-1) ?? '', names[0] ?? '');
  };
  if (some(expression, both))
    throw new Refused(
      'an order by an expression over a name that is a column and a result',
      'Give the result another name.',
    );
  const { text } = await context.expression(expression, scope);
  const same = parts.items.findIndex((item) => item.sql.text === text);
  const column = parts.columns[same];
  if (column !== undefined) return [quoteName(column.name)];
  if (outside) throw new Refused('an order by what is not selected, with DISTINCT or QUALIFY', 'Select it, too.');
  return [text];
}

/** The result's columns that an ORDER BY names, by number, by name or all; undefined for an expression. */
function resultNamed(expression: SyntaxNode, columns: readonly ResultColumn[]): readonly ResultColumn[] | undefined {
  if (expression['class'] === 'STAR') return columns;
  const place = constantOf(expression);
  if (typeof place === 'number') return columns.slice(place - 1, place);
  const names = words(expression, 'column_names');
  const named = names.length === 1 ? columns.filter((one) => sameName(one.name, names[0] ?? '')) : [];
  return named.length === 1 ? named : undefined;
}

/** LIMIT and OFFSET. */
export function limitOf(node: SyntaxNode, ordered: boolean): readonly string[] {
  return children(node, 'modifiers').flatMap((modifier) => {
    const type = word(modifier, 'type');
    if (type === 'ORDER_MODIFIER' || type === 'DISTINCT_MODIFIER') return [];
    if (type !== 'LIMIT_MODIFIER') throw new Refused(type.toLowerCase().replaceAll('_', ' '));
    if (!ordered) throw new Refused('LIMIT without an order', 'Say with order by which rows come first.');
    return (['limit', 'offset'] as const).flatMap((key) => {
      const amount = child(modifier, key);
      if (amount === undefined) return [];
      const value = constantOf(amount);
      if (typeof value !== 'number') throw new Refused(`${key} that is computed`);
      return [`${key.toUpperCase()} ${value}`];
    });
  });
}
