import { originsOf, united } from './expressions.ts';
import { Origins } from './origins.ts';
import {
  allOf,
  type Context,
  columnOf,
  type Relation,
  type RelationColumn,
  type Resolved,
  type Scope,
} from './scope.ts';
import { child, children, type SyntaxNode, word, words } from './syntax.ts';

/** What a FROM clause offers, and what of it decides about the number of rows. */
export interface FromClause {
  readonly relations: readonly Relation[];
  readonly rows: Origins;
}

const NOTHING: FromClause = { relations: [], rows: new Origins() };

/** Resolves what stands in FROM. `scope` holds the WITH names and, for what stands on the right of a comma, the relations before it. */
export function fromClause(node: SyntaxNode | undefined, scope: Scope, context: Context): FromClause {
  switch (node === undefined ? 'EMPTY' : word(node, 'type')) {
    case 'EMPTY':
      return NOTHING;
    case 'BASE_TABLE':
      return baseTable(node as SyntaxNode, scope, context);
    case 'SUBQUERY':
      return subquery(node as SyntaxNode, scope, context);
    case 'JOIN':
      return join(node as SyntaxNode, scope, context);
    case 'EXPRESSION_LIST':
      return valuesList(node as SyntaxNode, scope, context);
    case 'TABLE_FUNCTION':
      return tableFunction(node as SyntaxNode, scope, context);
    default:
      context.unresolved(
        `${word(node as SyntaxNode, 'type')
          .toLowerCase()
          .replace('_', ' ')} in FROM`,
      );
      return { relations: [wildRelation(word(node as SyntaxNode, 'alias'), new Origins())], rows: new Origins() };
  }
}

function baseTable(node: SyntaxNode, scope: Scope, context: Context): FromClause {
  const name = word(node, 'table_name');
  const schema = word(node, 'schema_name');
  const alias = word(node, 'alias') || name;
  const query = schema === '' ? withNamed(name, scope) : undefined;
  if (query !== undefined) return { relations: [relationOf(node, alias, query)], rows: query.rows };
  const table = schema === '' ? name : `${schema.toLowerCase()}.${name}`;
  const columns = context.columnsOf(table);
  if (columns === undefined) {
    context.unresolved(`the columns of ${table}`);
    return { relations: [{ ...wildRelation(alias, new Origins()), schema }], rows: new Origins() };
  }
  const own = columns.map((column) => ({ name: column, origins: Origins.of({ table, column, way: 'identity' }) }));
  return { relations: [{ ...relationOf(node, alias, { columns: own }), schema }], rows: new Origins() };
}

function withNamed(name: string, scope: Scope): Resolved | undefined {
  for (let here: Scope | undefined = scope; here !== undefined; here = here.outer) {
    const found = here.queries.get(name.toLowerCase());
    if (found !== undefined) return found;
  }
  return undefined;
}

function subquery(node: SyntaxNode, scope: Scope, context: Context): FromClause {
  const query = child(node, 'subquery');
  const inner = query === undefined ? undefined : child(query, 'node');
  if (inner === undefined) return NOTHING;
  // A sub-query may look at what stands before it (lateral).
  const resolved = context.query(inner, { ...scope, relations: [], aliases: new Map(), outer: scope });
  return { relations: [relationOf(node, word(node, 'alias'), resolved)], rows: resolved.rows };
}

function relationOf(node: SyntaxNode, alias: string, from: Pick<Resolved, 'columns' | 'other'>): Relation {
  const names = words(node, 'column_name_alias');
  const columns = from.columns.map((column, index) => ({ ...column, name: names[index] ?? column.name }));
  return { alias, schema: '', columns, ...(from.other === undefined ? {} : { other: from.other }) };
}

function wildRelation(alias: string, origins: Origins): Relation {
  return { alias, schema: '', columns: [], other: origins };
}

function join(node: SyntaxNode, scope: Scope, context: Context): FromClause {
  const left = fromClause(child(node, 'left'), scope, context);
  const beside: Scope = { ...scope, relations: [...scope.relations, ...left.relations] };
  const right = fromClause(child(node, 'right'), beside, context);
  const rows = new Origins().add(left.rows).add(right.rows);
  const both: Scope = { ...scope, relations: [...left.relations, ...right.relations] };
  const condition = child(node, 'condition');
  if (condition !== undefined) rows.add(originsOf(condition, both, context).as('join'));
  const kind = word(node, 'join_type');
  const names = sharedNames(node, left, right, context);
  for (const name of names) {
    for (const side of [left, right]) rows.add(sharedColumn(side, name).as('join'));
  }
  if (kind === 'SEMI' || kind === 'ANTI') return { relations: left.relations, rows };
  return { relations: merged(left, right, names, kind), rows };
}

function sharedColumn(side: FromClause, name: string): Origins {
  const found = new Origins();
  for (const relation of side.relations) found.add(columnOf(relation, name) ?? relation.other ?? []);
  return found;
}

function sharedNames(node: SyntaxNode, left: FromClause, right: FromClause, context: Context): readonly string[] {
  const using = words(node, 'using_columns');
  if (using.length > 0 || word(node, 'ref_type') !== 'NATURAL') return using;
  if ([...left.relations, ...right.relations].some((relation) => relation.other !== undefined))
    context.unresolved('the columns that a natural join compares');
  const names = (side: FromClause): readonly string[] =>
    side.relations.flatMap((relation) => relation.columns.flatMap((column) => column.name?.toLowerCase() ?? []));
  const there = new Set(names(right));
  return [...new Set(names(left))].filter((name) => there.has(name));
}

/** An unqualified name that both sides share means the left column, or whichever is there in right and full joins. */
function merged(left: FromClause, right: FromClause, names: readonly string[], kind: string): readonly Relation[] {
  if (names.length === 0) return [...left.relations, ...right.relations];
  const shared = new Set(names.map((name) => name.toLowerCase()));
  const either = kind === 'RIGHT' || kind === 'OUTER' || kind === 'FULL';
  const widened = (column: RelationColumn): RelationColumn => {
    const name = column.name?.toLowerCase();
    if (!either || name === undefined || !shared.has(name)) return column;
    return { ...column, origins: new Origins().add(column.origins).add(sharedColumn(right, name)) };
  };
  return [
    ...left.relations.map((relation) => ({ ...relation, columns: relation.columns.map(widened) })),
    ...right.relations.map((relation) => ({ ...relation, merged: new Set([...(relation.merged ?? []), ...shared]) })),
  ];
}

function valuesList(node: SyntaxNode, scope: Scope, context: Context): FromClause {
  const lines = node['values'];
  const table: readonly (readonly SyntaxNode[])[] = Array.isArray(lines) ? lines : [];
  const columns = (table[0] ?? []).map((_, index) => ({
    name: `col${index}`,
    origins: united(
      table.flatMap((line) => line.slice(index, index + 1)),
      scope,
      context,
    ),
  }));
  return { relations: [relationOf(node, word(node, 'alias'), { columns })], rows: new Origins() };
}

/** Rows made of arguments (`unnest(list)`, `range(n)`): every column and the number of rows depend on all of them. */
function tableFunction(node: SyntaxNode, scope: Scope, context: Context): FromClause {
  const call = child(node, 'function');
  const args = call === undefined ? new Origins() : united(children(call, 'children'), scope, context);
  const origins = args.through('transformation');
  const alias = word(node, 'alias') || (call === undefined ? '' : word(call, 'function_name'));
  const names = words(node, 'column_name_alias');
  const columns = names.map((name) => ({ name, origins }));
  const relation: Relation = { alias, schema: '', columns, other: origins };
  return { relations: [relation], rows: allOf([], origins).as('join') };
}
