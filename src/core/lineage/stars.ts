import { originsOf } from './expressions.ts';
import { Origins } from './origins.ts';
import { type Context, type Relation, type RelationColumn, type Scope, same } from './scope.ts';
import { below, child, children, constantOf, isNode, type SyntaxNode, word } from './syntax.ts';

/** The columns that a select item yields: one, or for a star as many as it stands for. */
export function selectItem(item: SyntaxNode, scope: Scope, context: Context): readonly RelationColumn[] {
  const star = starIn(item);
  if (star === undefined) return [{ name: nameOf(item), origins: originsOf(item, scope, context) }];
  const columns = starColumns(star, scope, context);
  if (star === item && star['columns'] !== true) return columns;
  // `min(columns(*))`: the expression once for each column.
  const rest = originsOf(without(item, star), scope, context);
  const way =
    star === item ? 'identity' : context.aggregates.has(word(item, 'function_name')) ? 'aggregation' : 'transformation';
  return columns.map((column) => ({
    name: star === item ? column.name : undefined,
    origins: new Origins().add(column.origins.through(way)).add(rest),
  }));
}

/** The name that a select item gets when it is written down; undefined when the engine makes one up. */
function nameOf(item: SyntaxNode): string | undefined {
  if (word(item, 'alias') !== '') return word(item, 'alias');
  const names = item['column_names'];
  if (item['class'] === 'COLUMN_REF' && Array.isArray(names)) return String(names.at(-1));
  return undefined;
}

/** A star that stands for columns, not the one of `count(*)`. */
function starIn(item: SyntaxNode): SyntaxNode | undefined {
  if (item['class'] === 'STAR') return item;
  if (item['class'] === 'SUBQUERY') return undefined;
  for (const one of below(item)) {
    const found = starIn(one);
    if (found !== undefined && found['columns'] === true) return found;
  }
  return undefined;
}

function without(node: SyntaxNode, star: SyntaxNode): SyntaxNode {
  if (node === star) return { class: 'CONSTANT' };
  const entries = Object.entries(node).map(([key, value]): [string, unknown] => {
    if (Array.isArray(value)) return [key, value.map((one) => (isNode(one) ? without(one, star) : one))];
    return [key, isNode(value) && key !== 'value' ? without(value, star) : value];
  });
  return Object.fromEntries(entries);
}

function starColumns(star: SyntaxNode, scope: Scope, context: Context): readonly RelationColumn[] {
  const from = word(star, 'relation_name');
  const relations = scope.relations.filter((relation) => from === '' || same(relation.alias, from));
  if (relations.some((relation) => relation.other !== undefined))
    context.unresolved(`the columns that ${from === '' ? '' : `${from}.`}* stands for`);
  const excluded = excludedBy(star);
  const replaced = replacedBy(star, scope, context);
  const renamed = renamedBy(star);
  const wanted = wantedBy(star, context);
  return relations.flatMap(visibleIn).flatMap((column) => {
    const key = (column.name ?? '').toLowerCase();
    if (excluded.has(key) || !wanted(column.name ?? '')) return [];
    return [{ name: renamed.get(key) ?? column.name, origins: replaced.get(key) ?? column.origins }];
  });
}

/** The merged column of USING comes once. */
function visibleIn(relation: Relation): readonly RelationColumn[] {
  return relation.columns.filter((column) => relation.merged?.has((column.name ?? '').toLowerCase()) !== true);
}

function excludedBy(star: SyntaxNode): ReadonlySet<string> {
  const lists = [star['exclude_list'], star['qualified_exclude_list']].flatMap((one) =>
    Array.isArray(one) ? one : [],
  );
  return new Set(
    lists.map((one) => (isNode(one) ? word(one, 'column') || word(one, 'key') : String(one)).toLowerCase()),
  );
}

function replacedBy(star: SyntaxNode, scope: Scope, context: Context): ReadonlyMap<string, Origins> {
  const entries = children(star, 'replace_list').flatMap((entry): [string, Origins][] => {
    const value = child(entry, 'value');
    return value === undefined ? [] : [[word(entry, 'key').toLowerCase(), originsOf(value, scope, context)]];
  });
  return new Map(entries);
}

function renamedBy(star: SyntaxNode): ReadonlyMap<string, string> {
  const entries = children(star, 'rename_list').map((entry): [string, string] => {
    const key = child(entry, 'key');
    return [(key === undefined ? word(entry, 'key') : word(key, 'column')).toLowerCase(), word(entry, 'value')];
  });
  return new Map(entries);
}

/** `columns('regex')` picks by name; a condition in code can pick any, which is said. */
function wantedBy(star: SyntaxNode, context: Context): (name: string) => boolean {
  const condition = child(star, 'expr');
  if (condition === undefined) return () => true;
  const pattern = constantOf(condition);
  try {
    if (typeof pattern === 'string') {
      const regex = new RegExp(pattern, 'u');
      return (name) => regex.test(name);
    }
  } catch {
    // A pattern of the engine's own dialect: taken as one that may pick any column.
  }
  context.unresolved('which columns columns(…) stands for');
  return () => true;
}
