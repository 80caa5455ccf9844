import { sumsUp } from '../../core/lineage/expressions.ts';
import {
  below,
  child,
  children,
  constantOf,
  isNode,
  type SyntaxNode,
  some,
  withOf,
  word,
  words,
} from '../../core/lineage/syntax.ts';

/** Prefix of the columns and relations that a trace adds; no column of a user may start so. */
export const HIDDEN = '_df_';

/** A relation of the session in place of the table or query that stood there, under the same name. */
export function reference(instead: SyntaxNode, relation: string): SyntaxNode {
  return {
    type: 'BASE_TABLE',
    alias: word(instead, 'alias') || word(instead, 'table_name'),
    sample: instead['sample'] ?? null,
    query_location: 0,
    schema_name: '',
    table_name: relation,
    column_name_alias: instead['column_name_alias'] ?? [],
    catalog_name: '',
    at_clause: null,
  };
}

export function columnRef(name: string, alias = ''): SyntaxNode {
  return { class: 'COLUMN_REF', type: 'COLUMN_REF', alias, query_location: 0, column_names: [name] };
}

/** Rebuilds a tree from below: `change` gives a node's replacement, or undefined to go on into it. */
export function mapNodes(node: SyntaxNode, change: (one: SyntaxNode) => SyntaxNode | undefined): SyntaxNode {
  const instead = change(node);
  if (instead !== undefined) return instead;
  const entries = Object.entries(node).map(([key, value]): [string, unknown] => {
    if (node['class'] === 'CONSTANT' && key === 'value') return [key, value];
    if (Array.isArray(value)) return [key, value.map((one) => mapAny(one, change))];
    return [key, isNode(value) ? mapNodes(value, change) : value];
  });
  return Object.fromEntries(entries);
}

function mapAny(value: unknown, change: (one: SyntaxNode) => SyntaxNode | undefined): unknown {
  if (Array.isArray(value)) return value.map((one) => mapAny(one, change));
  return isNode(value) ? mapNodes(value, change) : value;
}

/** Relations of the session by what a query calls them: WITH names bare, tables of the lake `layer.name`; all in lower case. */
export type Names = ReadonlyMap<string, string>;

export function nameOfTable(node: SyntaxNode): string {
  const schema = word(node, 'schema_name');
  return (schema === '' ? '' : `${schema}.`).concat(word(node, 'table_name')).toLowerCase();
}

/** The tree with every table that `names` knows replaced; a WITH inside hides outer names. */
export function withNames(node: SyntaxNode, names: Names): SyntaxNode {
  const hidden = withOf(node).map((one) => one.name.toLowerCase());
  const visible = hidden.length === 0 ? names : new Map([...names].filter(([name]) => !hidden.includes(name)));
  return mapNodes(node, (one) => {
    if (one !== node && withOf(one).length > 0) return withNames(one, visible);
    if (word(one, 'type') === 'BASE_TABLE') {
      const relation = visible.get(nameOfTable(one));
      return relation === undefined ? undefined : reference(one, relation);
    }
    return one['class'] === 'COLUMN_REF' ? withoutSchema(one) : undefined;
  });
}

const LAYER_NAMES = new Set(['bronze', 'silver', 'gold', 'quarantine']);

/** `silver.achats.montant` is `achats.montant` once the table goes by another name. */
function withoutSchema(node: SyntaxNode): SyntaxNode | undefined {
  const names = words(node, 'column_names');
  const [first = ''] = names;
  return names.length > 2 && LAYER_NAMES.has(first.toLowerCase())
    ? { ...node, column_names: names.slice(1) }
    : undefined;
}

/** Tables that a tree names, WITH names included. */
export function tablesIn(node: SyntaxNode): readonly string[] {
  const own = word(node, 'type') === 'BASE_TABLE' ? [nameOfTable(node)] : [];
  return [...new Set([...own, ...below(node).flatMap(tablesIn)])];
}

/** Window functions of an expression, not those of queries inside. */
export function windowsIn(node: SyntaxNode): readonly SyntaxNode[] {
  if (node['class'] === 'WINDOW') return [node];
  if (node['class'] === 'SUBQUERY') return [];
  return below(node).flatMap(windowsIn);
}

/** Queries inside an expression. */
export function queriesIn(node: SyntaxNode): readonly SyntaxNode[] {
  const query = node['class'] === 'SUBQUERY' ? child(node, 'subquery') : undefined;
  const inner = query === undefined ? undefined : child(query, 'node');
  const rest = below(node).filter((one) => one !== query);
  return [...(inner === undefined ? [] : [inner]), ...rest.flatMap(queriesIn)];
}

/** The keys by which a SELECT puts rows together; undefined when it does not, `unclear` when the keys cannot be told. */
export function groupKeys(
  node: SyntaxNode,
  aggregates: ReadonlySet<string>,
): readonly SyntaxNode[] | 'unclear' | undefined {
  const items = children(node, 'select_list');
  const all = word(node, 'aggregate_handling') === 'FORCE_AGGREGATES';
  const groups = children(node, 'group_expressions');
  const having = child(node, 'having');
  const sums = [...items, ...(having === undefined ? [] : [having])].some((item) => sumsUp(item, { aggregates }));
  if (!all && groups.length === 0 && !sums) return undefined;
  const sets = node['group_sets'];
  if (Array.isArray(sets) && sets.length > 1) return 'unclear';
  const keys = all
    ? items.filter((item) => !sumsUp(item, { aggregates }) && windowsIn(item).length === 0)
    : groups.map((group) => atPlace(group, items));
  if (keys.some((key) => key === undefined || some(key, (one) => one['class'] === 'STAR'))) return 'unclear';
  return keys.flatMap((key) => (key === undefined ? [] : [{ ...key, alias: '' }]));
}

/** `2` is the second item. */
function atPlace(group: SyntaxNode, items: readonly SyntaxNode[]): SyntaxNode | undefined {
  const place = constantOf(group);
  return typeof place === 'number' ? items[place - 1] : group;
}

/** A SELECT without any clause, to be filled in. */
export const PLAIN_SELECT = {
  type: 'SELECT_NODE',
  modifiers: [],
  cte_map: { map: [] },
  where_clause: null,
  group_expressions: [],
  group_sets: [],
  aggregate_handling: 'STANDARD_HANDLING',
  having: null,
  sample: null,
  qualify: null,
};
