import { ordersOf, originsOf, sumsUp, united } from './expressions.ts';
import { type IndirectWay, Origins } from './origins.ts';
import { fromClause } from './relations.ts';
import { allOf, type Context, type RelationColumn, type Resolved, type Scope, same } from './scope.ts';
import { selectItem } from './stars.ts';
import { child, children, constantOf, optional, type SyntaxNode, some, withOf, word, words } from './syntax.ts';

/** Rounds after which the origins of a recursive query must have settled; each adds at least one origin. */
const ROUNDS_MAX = 50;

/** Resolves a query of any shape within a scope. */
export function resolveQuery(node: SyntaxNode, scope: Scope, context: Context): Resolved {
  const within = withQueries(node, scope, context);
  switch (word(node, 'type')) {
    case 'SELECT_NODE':
      return selectNode(node, within, context);
    case 'SET_OPERATION_NODE':
      return setOperation(node, within, context);
    case 'CTE_NODE': {
      const inner = child(node, 'child');
      return inner === undefined ? UNKNOWN : resolveQuery(inner, within, context);
    }
    default:
      context.unresolved(`a query of kind ${word(node, 'type').toLowerCase()}`);
      return UNKNOWN;
  }
}

const UNKNOWN: Resolved = { columns: [], rows: new Origins(), other: new Origins() };

function withQueries(node: SyntaxNode, scope: Scope, context: Context): Scope {
  let within = scope;
  for (const { name, value } of withOf(node)) {
    const query = child(value, 'query');
    const inner = query === undefined ? undefined : child(query, 'node');
    if (inner === undefined) continue;
    const aliases = words(value, 'aliases');
    const apart: Scope = { ...within, relations: [] };
    const resolved =
      word(inner, 'type') === 'RECURSIVE_CTE_NODE'
        ? recursive(inner, apart, context, aliases)
        : resolveQuery(inner, apart, context);
    within = { ...within, queries: new Map(within.queries).set(name.toLowerCase(), renamed(resolved, aliases)) };
  }
  return within;
}

function renamed(resolved: Resolved, aliases: readonly string[]): Resolved {
  const columns = resolved.columns.map((column, index) => ({ ...column, name: aliases[index] ?? column.name }));
  return { ...resolved, columns };
}

function selectNode(node: SyntaxNode, scope: Scope, context: Context): Resolved {
  const from = fromClause(child(node, 'from_table'), scope, context);
  const items = children(node, 'select_list');
  const rows = new Origins().add(from.rows);
  let within: Scope = { ...scope, relations: from.relations, aliases: new Map() };
  const columns: RelationColumn[] = [];
  for (const item of items) {
    const made = selectItem(item, within, context);
    columns.push(...made);
    if (some(item, (one) => word(one, 'function_name').toLowerCase() === 'unnest')) rows.add(allOf(made).as('join'));
    const alias = word(item, 'alias');
    if (alias !== '') within = { ...within, aliases: new Map(within.aliases).set(alias.toLowerCase(), allOf(made)) };
  }
  const influence = (key: string, way: IndirectWay): void => {
    const expression = child(node, key);
    if (expression !== undefined) rows.add(originsOf(expression, within, context).as(way));
  };
  influence('where_clause', 'filter');
  influence('having', 'filter');
  influence('qualify', 'filter');
  if (child(node, 'sample') !== undefined) context.unresolved('which rows a sample takes');
  rows.add(groupsOf(node, items, columns, within, context).as('group_by'));
  rows.add(ofModifiers(node, columns, within, context));
  return { columns, rows, ...(wildStar(items, from.relations) ? { other: allOf([], otherOf(from.relations)) } : {}) };
}

function wildStar(items: readonly SyntaxNode[], relations: readonly { readonly other?: Origins }[]): boolean {
  return relations.some((relation) => relation.other !== undefined) && items.some((item) => item['class'] === 'STAR');
}

function otherOf(relations: readonly { readonly other?: Origins }[]): Origins {
  const all = new Origins();
  for (const relation of relations) all.add(relation.other ?? []);
  return all;
}

/** What rows are put together by: GROUP BY, or with GROUP BY ALL the items that sum up nothing. */
function groupsOf(
  node: SyntaxNode,
  items: readonly SyntaxNode[],
  columns: readonly RelationColumn[],
  scope: Scope,
  context: Context,
): Origins {
  const found = new Origins();
  for (const group of children(node, 'group_expressions')) found.add(byPlace(group, columns, scope, context));
  if (word(node, 'aggregate_handling') === 'FORCE_AGGREGATES') {
    for (const item of items) if (!sumsUp(item, context)) found.add(allOf(selectItem(item, scope, context)));
  }
  return found;
}

/** `2` is the second item; an alias and a column of the same name both count, whichever the engine prefers. */
function byPlace(node: SyntaxNode, columns: readonly RelationColumn[], scope: Scope, context: Context): Origins {
  const place = constantOf(node);
  if (typeof place === 'number') return new Origins().add(columns[place - 1]?.origins ?? []);
  const names = words(node, 'column_names');
  const item =
    names.length === 1 ? columns.find((one) => one.name !== undefined && same(one.name, names[0] ?? '')) : undefined;
  if (item === undefined) return originsOf(node, scope, context);
  const quiet: Context = {
    ...context,
    query: context.query,
    unresolved: () => undefined,
    columnsOf: context.columnsOf,
  };
  return new Origins().add(item.origins).add(originsOf(node, scope, quiet));
}

function ofModifiers(node: SyntaxNode, columns: readonly RelationColumn[], scope: Scope, context: Context): Origins {
  const found = new Origins();
  for (const modifier of children(node, 'modifiers')) {
    const type = word(modifier, 'type');
    if (type === 'ORDER_MODIFIER') {
      for (const order of ordersOf(modifier)) {
        const all = order['class'] === 'STAR';
        found.add((all ? allOf(columns) : byPlace(order, columns, scope, context)).as('sort'));
      }
    } else if (type === 'DISTINCT_MODIFIER') {
      const on = children(modifier, 'distinct_on_targets');
      if (on.length === 0) found.add(allOf(columns).as('group_by'));
      for (const target of on) found.add(byPlace(target, columns, scope, context).as('group_by'));
    } else {
      const amounts = ['limit', 'offset'].flatMap((key) => optional(modifier, key));
      found.add(united(amounts, scope, context).as('filter'));
    }
  }
  return found;
}

function setOperation(node: SyntaxNode, scope: Scope, context: Context): Resolved {
  // Older trees have two sides, newer ones a list.
  const sides = [...optional(node, 'left'), ...optional(node, 'right'), ...children(node, 'children')];
  const parts = sides.map((side) => resolveQuery(side, scope, context));
  const rows = new Origins();
  for (const part of parts) rows.add(part.rows);
  const type = word(node, 'setop_type');
  const columns = type === 'UNION_BY_NAME' ? byName(parts) : byPosition(parts);
  if (type === 'EXCEPT' || type === 'INTERSECT') {
    for (const part of parts) rows.add(allOf(part.columns, part.other).as('filter'));
  } else if (node['setop_all'] !== true) rows.add(allOf(columns).as('group_by'));
  rows.add(ofModifiers(node, columns, { ...scope, relations: [{ alias: '', schema: '', columns }] }, context));
  const wild = parts.flatMap((part) => (part.other === undefined ? [] : [...part.other]));
  return {
    columns,
    rows,
    ...(parts.some((part) => part.other !== undefined) ? { other: new Origins().add(wild) } : {}),
  };
}

function byPosition(parts: readonly Resolved[]): readonly RelationColumn[] {
  return (parts[0]?.columns ?? []).map((column, index) => {
    const origins = new Origins();
    for (const part of parts) origins.add(part.columns[index]?.origins ?? part.other ?? []);
    return { name: column.name, origins };
  });
}

function byName(parts: readonly Resolved[]): readonly RelationColumn[] {
  const columns = new Map<string, { name: string | undefined; origins: Origins }>();
  for (const [index, part] of parts.entries()) {
    for (const [position, column] of part.columns.entries()) {
      const key = column.name?.toLowerCase() ?? `${index}:${position}`;
      const known = columns.get(key) ?? { name: column.name, origins: new Origins() };
      known.origins.add(column.origins);
      columns.set(key, known);
    }
  }
  return [...columns.values()];
}

/** The query's own name stands for what is known of it so far; repeated until nothing is added. */
function recursive(node: SyntaxNode, scope: Scope, context: Context, aliases: readonly string[]): Resolved {
  const [left, right] = [child(node, 'left'), child(node, 'right')];
  if (left === undefined || right === undefined) return UNKNOWN;
  let known = resolveQuery(left, scope, context);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const queries = new Map(scope.queries).set(word(node, 'cte_name').toLowerCase(), renamed(known, aliases));
    const next = resolveQuery(right, { ...scope, queries }, context);
    const columns = byPosition([known, next]);
    const rows = new Origins().add(known.rows).add(next.rows);
    // Whether a further round comes is decided by the rows of the last one.
    rows.add(allOf(columns).as('filter'));
    const settled = allOf(columns).size === allOf(known.columns).size && rows.size === known.rows.size;
    known = { columns, rows };
    if (settled) return known;
  }
  return known;
}
