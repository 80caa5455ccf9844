import { Origins } from './origins.ts';
import { allOf, type Context, lookUp, type Scope } from './scope.ts';
import { below, child, children, optional, type SyntaxNode, some, word, words } from './syntax.ts';

/** The input columns that an expression's value comes from or depends on. */
export function originsOf(node: SyntaxNode, scope: Scope, context: Context): Origins {
  switch (node['class']) {
    case 'CONSTANT':
    case 'PARAMETER':
      return new Origins();
    case 'COLUMN_REF':
      return named(words(node, 'column_names'), scope, context);
    case 'FUNCTION':
      return ofFunction(node, scope, context);
    case 'WINDOW':
      return ofWindow(node, scope, context);
    case 'CASE':
      return ofCase(node, scope, context);
    case 'SUBQUERY':
      return ofSubquery(node, scope, context);
    case 'LAMBDA':
      return ofLambda(node, scope, context);
    case 'STAR':
      return allOf(scope.relations.flatMap((relation) => relation.columns));
    case 'POSITIONAL_REFERENCE':
      return atPosition(Number(node['index']), scope, context);
    default:
      return united(below(node), scope, context).through('transformation');
  }
}

/** The origins of several expressions together. */
export function united(nodes: readonly SyntaxNode[], scope: Scope, context: Context): Origins {
  const all = new Origins();
  for (const node of nodes) all.add(originsOf(node, scope, context));
  return all;
}

function named(names: readonly string[], scope: Scope, context: Context): Origins {
  const found = lookUp(names, scope);
  if (found !== undefined) return found;
  // `t.rowid` and the like are no columns of a table; anything else is said.
  context.unresolved(`column ${names.join('.')}`);
  return new Origins();
}

function atPosition(index: number, scope: Scope, context: Context): Origins {
  const column = scope.relations.flatMap((relation) => relation.columns)[index - 1];
  if (column === undefined) context.unresolved(`column #${index}`);
  return column?.origins ?? new Origins();
}

function ofFunction(node: SyntaxNode, scope: Scope, context: Context): Origins {
  const args = united(children(node, 'children'), scope, context);
  const way = isAggregate(node, context) ? 'aggregation' : 'transformation';
  const found = args.through(way);
  const filter = child(node, 'filter');
  if (filter !== undefined) found.add(originsOf(filter, scope, context).as('filter'));
  const order_bys = child(node, 'order_bys');
  if (order_bys !== undefined) found.add(united(ordersOf(order_bys), scope, context).as('sort'));
  return found;
}

/** The expressions of an ORDER BY. */
export function ordersOf(modifier: SyntaxNode): readonly SyntaxNode[] {
  return children(modifier, 'orders').flatMap((order) => optional(order, 'expression'));
}

export function isAggregate(node: SyntaxNode, context: Pick<Context, 'aggregates'>): boolean {
  return node['class'] === 'FUNCTION' && context.aggregates.has(word(node, 'function_name').toLowerCase());
}

/** True when the expression sums up rows of its own query (an aggregate that is no window function and in no sub-query). */
export function sumsUp(node: SyntaxNode, context: Pick<Context, 'aggregates'>): boolean {
  return some(node, (one) => isAggregate(one, context) || word(one, 'type') === 'GROUPING_FUNCTION');
}

function ofWindow(node: SyntaxNode, scope: Scope, context: Context): Origins {
  const aggregate = context.aggregates.has(word(node, 'function_name').toLowerCase());
  const value = [...children(node, 'children'), ...optional(node, 'default_expr')];
  const around = [
    ...children(node, 'partitions'),
    ...ordersOf(node),
    ...children(node, 'arg_orders').flatMap((order) => optional(order, 'expression')),
    ...['filter_expr', 'start_expr', 'end_expr', 'offset_expr'].flatMap((key) => optional(node, key)),
  ];
  return united(value, scope, context)
    .through(aggregate ? 'aggregation' : 'transformation')
    .add(united(around, scope, context).as('window'));
}

function ofCase(node: SyntaxNode, scope: Scope, context: Context): Origins {
  const checks = children(node, 'case_checks');
  const results = [...checks.flatMap((check) => optional(check, 'then_expr')), ...optional(node, 'else_expr')];
  const conditions = checks.flatMap((check) => optional(check, 'when_expr'));
  return united(results, scope, context)
    .through('transformation')
    .add(united(conditions, scope, context).as('conditional'));
}

/** A value from a query is computed from its column; what decides about the query's rows has influence. */
function ofSubquery(node: SyntaxNode, scope: Scope, context: Context): Origins {
  const query = child(node, 'subquery');
  const inner = query === undefined ? undefined : child(query, 'node');
  if (inner === undefined) return new Origins();
  const resolved = context.query(inner, { ...scope, relations: [], aliases: new Map(), outer: scope });
  const found = new Origins().add(united(optional(node, 'child'), scope, context).through('transformation'));
  if (word(node, 'subquery_type') === 'EXISTS') return found.add(resolved.rows.as('filter'));
  return found.add(allOf(resolved.columns, resolved.other).through('transformation')).add(resolved.rows.as('filter'));
}

/** The arrow is JSON access, too: its left side counts when it is a column. */
function ofLambda(node: SyntaxNode, scope: Scope, context: Context): Origins {
  const left = child(node, 'lhs');
  const right = child(node, 'expr');
  const names = left === undefined ? [] : namesIn(left);
  const parameters = new Set(
    [...scope.parameters, ...names.flatMap((one) => (one.length === 1 ? one : []))].map(lower),
  );
  const found = new Origins();
  for (const name of names) found.add(lookUp(name, scope) ?? []);
  if (right !== undefined) found.add(originsOf(right, { ...scope, parameters }, context));
  return found.through('transformation');
}

function namesIn(node: SyntaxNode): readonly (readonly string[])[] {
  if (node['class'] === 'COLUMN_REF') return [words(node, 'column_names')];
  return below(node).flatMap(namesIn);
}

function lower(text: string): string {
  return text.toLowerCase();
}
