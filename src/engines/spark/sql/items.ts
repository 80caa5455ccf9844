import { child, children, constantOf, type SyntaxNode, some, word, words } from '../../../core/lineage/syntax.ts';
import { AGGREGATES } from './aggregates.ts';
import type { Context } from './context.ts';
import { Refused } from './refusal.ts';
import { allColumns, type Scope, type ScopeColumn, sameName } from './scope.ts';
import { REFUSED_TYPE, type Sql } from './types.ts';

/** One column of a select list. */
export interface Item {
  /** Undefined for an expression that has no name of its own. */
  readonly name: string | undefined;
  readonly sql: Sql;
  /** The expression; undefined for a column that a star stands for. */
  readonly node: SyntaxNode | undefined;
}

/** The columns of a select list; each that is refused is noted. */
export async function itemsOf(list: readonly SyntaxNode[], scope: Scope, context: Context): Promise<readonly Item[]> {
  const items: Item[] = [];
  for (const node of list) {
    try {
      items.push(...(await itemOf(node, scope, context)));
    } catch (error) {
      context.note(error);
      items.push({ name: nameOf(node), sql: { text: 'NULL', type: REFUSED_TYPE }, node });
    }
  }
  return items;
}

async function itemOf(node: SyntaxNode, scope: Scope, context: Context): Promise<readonly Item[]> {
  if (node['class'] === 'STAR') return starOf(node, scope, context);
  const name = nameOf(node);
  if (word(node, 'function_name').toLowerCase() === 'unnest')
    return [{ name, node, sql: await exploded(node, scope, context) }];
  return [{ name, node, sql: await context.expression(node, scope) }];
}

function nameOf(node: SyntaxNode): string | undefined {
  return word(node, 'alias') || words(node, 'column_names').at(-1);
}

/** `select unnest(list)`: a row for each element; several of them would go side by side in DuckDB. */
async function exploded(node: SyntaxNode, scope: Scope, context: Context): Promise<Sql> {
  const [list, more] = children(node, 'children');
  if (list === undefined || more !== undefined) throw new Refused('unnest() with options');
  const found = await context.expression(list, scope);
  if (found.type.kind !== 'list') throw new Refused('unnest() of what is no list');
  return { text: `EXPLODE(${found.text})`, type: found.type.element, whole: true };
}

/** `*`, `t.*`, with EXCLUDE and REPLACE: written out, in DuckDB's order. */
async function starOf(node: SyntaxNode, scope: Scope, context: Context): Promise<readonly Item[]> {
  for (const key of ['rename_list', 'qualified_exclude_list']) {
    const given = node[key];
    if (Array.isArray(given) && given.length > 0)
      throw new Refused(`* with ${key.replaceAll('_', ' ')}`, 'Name the columns.');
  }
  if (node['columns'] === true || child(node, 'expr') !== undefined || node['unpacked'] === true)
    throw new Refused('columns(…)', 'Name the columns.');
  const left_out = new Set(words(node, 'exclude_list').map((one) => one.toLowerCase()));
  const instead = new Map(
    children(node, 'replace_list').map((one) => [word(one, 'key').toLowerCase(), child(one, 'value')]),
  );
  const items: Item[] = [];
  for (const column of columnsOf(word(node, 'relation_name'), scope)) {
    const key = column.name.toLowerCase();
    if (left_out.has(key)) continue;
    const other = instead.get(key);
    items.push({
      name: column.name,
      node: other,
      sql: other === undefined ? column : await context.expression(other, scope),
    });
  }
  return items;
}

function columnsOf(relation: string, scope: Scope): readonly ScopeColumn[] {
  if (relation === '') return allColumns(scope);
  const found = scope.relations.find((one) => sameName(one.alias, relation));
  if (found === undefined) throw new Refused(`${relation}.*`);
  return found.columns;
}

const MORE_AGGREGATES = new Set(['string_agg', 'listagg', 'group_concat']);

/** True for an expression that sums up rows of its own query. */
export function sumsUp(node: SyntaxNode): boolean {
  return some(node, (one) => {
    if (one['class'] !== 'FUNCTION') return word(one, 'type') === 'GROUPING_FUNCTION';
    const name = word(one, 'function_name').toLowerCase();
    return Object.hasOwn(AGGREGATES, name) || MORE_AGGREGATES.has(name);
  });
}

/** GROUP BY; undefined where there is none. */
export async function groupOf(
  node: SyntaxNode,
  items: readonly Item[],
  scope: Scope,
  context: Context,
): Promise<string | undefined> {
  if (word(node, 'aggregate_handling') === 'FORCE_AGGREGATES') {
    const keys = items.filter((one) => one.node === undefined || isKey(one.node)).map((one) => one.sql.text);
    return keys.length === 0 ? undefined : keys.join(', ');
  }
  const keys: string[] = [];
  for (const expression of children(node, 'group_expressions'))
    keys.push(await keyOf(expression, items, scope, context));
  if (keys.length === 0) return undefined;
  const given = node['group_sets'];
  const sets: readonly (readonly number[])[] = Array.isArray(given)
    ? given.map((set: unknown) => (Array.isArray(set) ? set.map(Number) : []))
    : [];
  if (sets.length <= 1) return keys.join(', ');
  return `GROUPING SETS (${sets.map((set) => `(${set.map((at) => keys[at]).join(', ')})`).join(', ')})`;
}

function isKey(node: SyntaxNode): boolean {
  return !sumsUp(node) && !some(node, (one) => one['class'] === 'WINDOW') && node['class'] !== 'CONSTANT';
}

async function keyOf(node: SyntaxNode, items: readonly Item[], scope: Scope, context: Context): Promise<string> {
  const place = constantOf(node);
  const item = typeof place === 'number' ? items[place - 1] : undefined;
  if (item !== undefined && item.node?.['class'] === 'CONSTANT') throw new Refused('a group by a constant');
  return (item?.sql ?? (await context.expression(node, scope))).text;
}
