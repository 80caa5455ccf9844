import { ordersOf } from '../../core/lineage/expressions.ts';
import { child, children, constantOf, optional, type SyntaxNode, word, words } from '../../core/lineage/syntax.ts';
import type { Annotated, Annotating, Link } from './annotated.ts';
import { allUnder } from './links.ts';
import { columnRef, HIDDEN, PLAIN_SELECT, reference } from './rewrite.ts';

/**
 * What happens to the rows of a SELECT after they were computed: QUALIFY, DISTINCT, ORDER BY, LIMIT. It is done in a second step, so that
 * the rows that fall away can still be looked at (a window function of a row that stays may depend on them).
 */
export function hasFinish(node: SyntaxNode): boolean {
  return child(node, 'qualify') !== undefined || children(node, 'modifiers').length > 0;
}

/** Expressions of ORDER BY and DISTINCT ON. */
export function orderItems(node: SyntaxNode): readonly SyntaxNode[] {
  return children(node, 'modifiers').flatMap((modifier) => [
    ...ordersOf(modifier),
    ...children(modifier, 'distinct_on_targets'),
  ]);
}

const QUALIFIED = `${HIDDEN}q`;

/** Hidden select items that the second step needs: the condition, and what is ordered by. */
function items(node: SyntaxNode): readonly SyntaxNode[] {
  const qualify = optional(node, 'qualify').map((one) => ({ ...one, alias: QUALIFIED }));
  const named = new Set(children(node, 'select_list').map((item) => ownName(item)));
  const keys = orderItems(node).flatMap((one, index) =>
    isPlace(one) || (isBareName(one) && named.has(bareName(one))) || one['class'] === 'STAR'
      ? []
      : [{ ...one, alias: `${HIDDEN}s${index}` }],
  );
  return [...qualify, ...keys];
}

function ownName(item: SyntaxNode): string {
  return (word(item, 'alias') || (words(item, 'column_names').at(-1) ?? '')).toLowerCase();
}

function isPlace(node: SyntaxNode): boolean {
  return typeof constantOf(node) === 'number';
}

function isBareName(node: SyntaxNode): boolean {
  return words(node, 'column_names').length === 1;
}

function bareName(node: SyntaxNode): string {
  return (words(node, 'column_names')[0] ?? '').toLowerCase();
}

async function apply(context: Annotating, node: SyntaxNode, wide: Annotated): Promise<Annotated> {
  const modifiers = children(node, 'modifiers');
  const distinct = modifiers.find((one) => word(one, 'type') === 'DISTINCT_MODIFIER');
  const merges = distinct !== undefined && children(distinct, 'distinct_on_targets').length === 0;
  const described = await context.session.describe(`select * from ${wide.relation}`);
  const there = new Set(described.map((column) => column.name.toLowerCase()));
  let index = 0;
  const keyed = (one: SyntaxNode): SyntaxNode => {
    const name = `${HIDDEN}s${index++}`;
    const place = constantOf(one);
    if (there.has(name)) return columnRef(name);
    if (typeof place === 'number') return columnRef(wide.columns[place - 1] ?? '');
    return one;
  };
  const again = modifiers.map((modifier) => ({
    ...modifier,
    ...(modifier['orders'] === undefined ? {} : { orders: ordersAgain(modifier, keyed, wide) }),
    ...(modifier['distinct_on_targets'] === undefined
      ? {}
      : { distinct_on_targets: children(modifier, 'distinct_on_targets').map(keyed) }),
  }));
  const own = wide.columns.map((column) => columnRef(column));
  const source = context.fresh('f');
  const condition = there.has(QUALIFIED) ? ` where ${QUALIFIED}` : '';
  await context.session.define(source, `select *, rowid as ${HIDDEN}wide from ${wide.relation}${condition}`);
  const relation = context.fresh('d');
  const select_list = merges ? own : [...own, columnRef(`${HIDDEN}wide`)];
  const from_table = reference({ alias: 'f' }, source);
  const select = { ...PLAIN_SELECT, select_list, from_table, modifiers: again };
  await context.session.materialize(relation, await context.session.sqlOf(select));
  const link: Link = merges
    ? { kind: 'values', source: { query: wide }, columns: wide.columns.map((name) => [name, name]), exact: true }
    : { kind: 'row', source: { query: wide }, id: `${HIDDEN}wide` };
  const skips = modifiers.some((one) => child(one, 'offset') !== undefined);
  const links: readonly Link[] = skips ? [link, ...allUnder(wide)] : [link];
  const at_most = skips ? ['rows that offset skips'] : [];
  return { ...moved(node, wide), relation, columns: wide.columns, links, windows: [], at_most };
}

/** Sorting alone moves nothing. */
function moved(node: SyntaxNode, wide: Annotated): Pick<Annotated, 'moves'> {
  const cuts =
    child(node, 'qualify') !== undefined ||
    children(node, 'modifiers').some(
      (one) => word(one, 'type').startsWith('LIMIT') || children(one, 'distinct_on_targets').length > 0,
    );
  if (cuts) return { moves: 'rows' };
  return wide.moves === undefined ? {} : { moves: wide.moves };
}

/** ORDER BY ALL becomes the columns one by one: the second step has hidden ones, too. */
function ordersAgain(
  modifier: SyntaxNode,
  keyed: (one: SyntaxNode) => SyntaxNode,
  wide: Annotated,
): readonly SyntaxNode[] {
  return children(modifier, 'orders').flatMap((order) => {
    const expression = child(order, 'expression');
    if (expression === undefined) return [order];
    const key = keyed(expression);
    if (key['class'] === 'STAR') return wide.columns.map((column) => ({ ...order, expression: columnRef(column) }));
    return [{ ...order, expression: key }];
  });
}

export const finish = { items, apply };
