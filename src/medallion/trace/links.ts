import { type SyntaxNode, word } from '../../core/lineage/syntax.ts';
import type { Annotated, Annotating, Link, Source } from './annotated.ts';
import { groupKeys, HIDDEN, type Names, windowsIn, withNames } from './rewrite.ts';

/** One relation of FROM whose rows carry their ids. */
export interface Occurrence {
  readonly source: Source;
  readonly id: string;
  /** False on the far side of a semi or anti join, whose columns cannot be read. */
  readonly readable: boolean;
}

/** The parts of a SELECT that its links are made of. */
export interface Parts {
  readonly node: SyntaxNode;
  readonly tracked: SyntaxNode | undefined;
  readonly names: Names;
  readonly items: readonly SyntaxNode[];
  readonly hiddenKeys: readonly SyntaxNode[];
  readonly keys: ReturnType<typeof groupKeys>;
  readonly occurrences: readonly Occurrence[];
  readonly ids: readonly SyntaxNode[];
}

/** For rows their ids; for groups a view of the rows before they were put together, with the keys. */
export async function linksOf(context: Annotating, parts: Parts): Promise<readonly Link[]> {
  const { occurrences, keys } = parts;
  const far = occurrences.filter((one) => !one.readable).map((one): Link => ({ kind: 'all', source: one.source }));
  const near = occurrences.filter((one) => one.readable);
  if (keys === undefined || near.length === 0)
    return [...near.map((one): Link => ({ kind: 'row', source: one.source, id: `${one.id}h` })), ...far];
  const view = context.fresh('l');
  // Items that a key may mean by their alias come along.
  const plain = parts.items.filter(
    (item) =>
      word(item, 'alias') !== '' &&
      groupKeys({ select_list: [item] }, context.aggregates) === undefined &&
      windowsIn(item).length === 0,
  );
  const rows = {
    ...parts.node,
    modifiers: [],
    qualify: null,
    having: null,
    group_expressions: [],
    group_sets: [],
    aggregate_handling: 'STANDARD_HANDLING',
    from_table: parts.tracked,
    select_list: [...plain, ...parts.hiddenKeys, ...parts.ids],
  };
  await context.session.define(view, await context.session.sqlOf(withNames(rows, parts.names)));
  await context.session.describe(`select * from ${view}`);
  const names = parts.hiddenKeys.map((_, index) => `${HIDDEN}k${index}`);
  const links = near.map(
    (one): Link => ({
      kind: 'group',
      source: one.source,
      id: `${one.id}h`,
      view,
      keys: names,
      exact: keys !== 'unclear',
    }),
  );
  return [...links, ...far];
}

/** Links to every row of every table under a query, whatever lies between. */
export function allUnder(query: Annotated): readonly Link[] {
  return tablesUnder(query).map((table) => ({ kind: 'all', source: { table } }));
}

function tablesUnder(query: Annotated): readonly string[] {
  const found = query.links.flatMap(({ source }) => ('table' in source ? [source.table] : tablesUnder(source.query)));
  return [...new Set(found)];
}
