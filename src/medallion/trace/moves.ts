import { child, children, optional, type SyntaxNode, some, word, words } from '../../core/lineage/syntax.ts';
import type { Annotated, Moves } from './annotated.ts';
import { groupKeys, queriesIn, windowsIn } from './rewrite.ts';

/**
 * Taking an input row away can also make rows appear, or change a value so that a row belongs elsewhere: under LIMIT another row moves up, a
 * sum changes. What such a query feeds may then change through rows that did not go into it.
 */
export function movesOf(node: SyntaxNode, sources: readonly Annotated[], aggregates: ReadonlySet<string>): Moves {
  const items = children(node, 'select_list');
  const cuts = child(node, 'having') !== undefined || child(node, 'qualify') !== undefined || limits(node);
  if (cuts || outer(node) || asks(node) || sources.some((one) => one.moves === 'rows')) return 'rows';
  const unstable = unstableOf(sources);
  if (decides(node, aggregates).some((one) => refersTo(one, unstable))) return 'rows';
  const keys = groupKeys(node, aggregates);
  if (keys === 'unclear' || (keys !== undefined && keys.length === 0)) return 'rows';
  const changing = items.filter(
    (item) =>
      windowsIn(item).length > 0 ||
      refersTo(item, unstable) ||
      (keys !== undefined && groupKeys({ select_list: [item] }, aggregates) !== undefined),
  );
  if (changing.some((item) => word(item, 'alias') === '' && item['class'] !== 'COLUMN_REF')) return 'rows';
  return new Set(changing.map(nameOf));
}

/** True when rows of a source that appear or move can change rows that were there before. */
export function disturbedBy(node: SyntaxNode, source: Annotated, aggregates: ReadonlySet<string>): boolean {
  const items = children(node, 'select_list');
  const sensitive =
    groupKeys(node, aggregates) !== undefined ||
    items.some((item) => windowsIn(item).length > 0) ||
    child(node, 'qualify') !== undefined ||
    limits(node) ||
    outer(node);
  if (!sensitive || source.moves === undefined) return false;
  if (source.moves === 'rows') return true;
  const unstable = source.moves;
  return decides(node, aggregates).some((one) => refersTo(one, unstable)) || (limits(node) && unstable.size > 0);
}

function limits(node: SyntaxNode): boolean {
  return children(node, 'modifiers').some((one) => {
    const type = word(one, 'type');
    return type.startsWith('LIMIT') || children(one, 'distinct_on_targets').length > 0;
  });
}

function outer(node: SyntaxNode): boolean {
  const from = child(node, 'from_table');
  return from !== undefined && joinsIn(from).some((one) => !['INNER', ''].includes(word(one, 'join_type')));
}

function joinsIn(from: SyntaxNode): readonly SyntaxNode[] {
  if (word(from, 'type') !== 'JOIN') return [];
  return [from, ...[...optional(from, 'left'), ...optional(from, 'right')].flatMap(joinsIn)];
}

function asks(node: SyntaxNode): boolean {
  return [...children(node, 'select_list'), ...optional(node, 'where_clause')].flatMap(queriesIn).length > 0;
}

/** What decides where a row goes: conditions, groups, partitions and orders of windows. */
function decides(node: SyntaxNode, aggregates: ReadonlySet<string>): readonly SyntaxNode[] {
  const joins = optional(node, 'from_table').flatMap(joinsIn);
  const using = joins.flatMap((join) => words(join, 'using_columns').map((name) => ({ column_names: [name] })));
  const natural = joins.some((join) => word(join, 'ref_type') === 'NATURAL') ? [{ class: 'STAR' }] : [];
  const all = word(node, 'aggregate_handling') === 'FORCE_AGGREGATES' ? children(node, 'select_list') : [];
  const windows = children(node, 'select_list').flatMap(windowsIn);
  return [
    ...optional(node, 'where_clause'),
    ...optional(node, 'qualify'),
    ...joins.flatMap((join) => optional(join, 'condition')),
    ...using,
    ...natural,
    ...all.filter(
      (item) => windowsIn(item).length === 0 && groupKeys({ select_list: [item] }, aggregates) === undefined,
    ),
    ...children(node, 'group_expressions').flatMap((one) => [one, ...named(node, one)]),
    ...windows.flatMap((one) => [...children(one, 'partitions'), ...children(one, 'orders')]),
  ];
}

/** The item that a group means by its alias or place. */
function named(node: SyntaxNode, group: SyntaxNode): readonly SyntaxNode[] {
  const items = children(node, 'select_list');
  const place = child(group, 'value')?.['value'];
  if (typeof place === 'number') return items.slice(place - 1, place);
  const name = nameOf(group);
  return items.filter((item) => word(item, 'alias').toLowerCase() === name);
}

function unstableOf(sources: readonly Annotated[]): ReadonlySet<string> {
  return new Set(sources.flatMap((one) => (one.moves === undefined || one.moves === 'rows' ? [] : [...one.moves])));
}

function refersTo(node: SyntaxNode, unstable: ReadonlySet<string>): boolean {
  if (unstable.size === 0) return false;
  return some(
    node,
    (one) =>
      one['class'] === 'STAR' ||
      words(one, 'column_names').some((name) => unstable.has(name.toLowerCase())) ||
      one['class'] === 'SUBQUERY',
    true,
  );
}

function nameOf(item: SyntaxNode): string {
  return (word(item, 'alias') || (words(item, 'column_names').at(-1) ?? '')).toLowerCase();
}
